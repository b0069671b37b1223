"""What an answer can be once it is read, and what prevents reading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

Expression: TypeAlias = Any
"""An expression of SymPy, which has no types."""


class UnreadableError(Exception):
    """A text is not read, with the reason as its message."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure."""

    dimensions: Mapping[str, int]
    """Powers of base units by name; a name in quotation marks is a word that is no known unit."""
    factor: Fraction = Fraction(1)
    """How many of the base units it is."""

    @property
    def known(self) -> bool:
        """Whether all of it is in the table of units."""
        return not any(name.startswith('"') for name in self.dimensions)


@dataclass(frozen=True, slots=True)
class Value:
    """A number or an expression, with a unit where one is named."""

    expression: Expression
    unit: Unit | None = None
    places: int | None = None
    """Digits after the point, where it is written as a decimal number."""
    base: int | None = None
    """Of the numeral system, where one is named."""


@dataclass(frozen=True, slots=True)
class Group:
    """A tuple, a point or an interval: brackets and what is between them."""

    opening: str
    closing: str
    items: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class SetOf:
    """A finite set in braces."""

    items: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Sets joined by operators: `union` or `difference`, from left to right."""

    first: Form
    rest: tuple[tuple[str, Form], ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A set with a name: `reals`, `integers`, `naturals`, `rationals`, `complexes`."""

    name: str


@dataclass(frozen=True, slots=True)
class Several:
    """Values beside each other, in any order."""

    items: tuple[Form, ...]
    joiner: str = ","
    """`,`, `and`, `or`; `pm` for both signs of one value."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of a matrix."""

    rows: tuple[tuple[Form, ...], ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Numbers with colons between them."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a multiple choice, with its value where it is written beside it."""

    letter: str
    value: Form | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    words: str


@dataclass(frozen=True, slots=True)
class Relation:
    """An equation, a chain of inequalities, a membership."""

    sides: tuple[Form, ...]
    operators: tuple[str, ...]
    """Between the sides: `=`, `~` (approximately), `<`, `<=`, `>`, `>=`, `!=`, `in`."""
    name: str | None = None
    """What the first side only names, such as x, f(x) or Area."""


Form: TypeAlias = (
    "Value | Group | SetOf | Joined | Named | Several | Matrix | Ratio | Choice | Text | Relation"
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to read what can be read in more than one way."""

    tight: bool = True
    """In 1/2x the x stands below the slash."""
    log_base: int | None = None
    """Of log without a base; None: natural."""
    commas: str = "thousands"
    """In 1,234: `thousands`, `list`, `decimal`, or `inside`: thousands within brackets too."""
    degrees: bool = True
    """A degree sign within an expression counts: sin 30° is 1/2."""


@dataclass(slots=True)
class Notes:
    """Which options made a difference while a text was read."""

    options: Options = field(default_factory=Options)
    slash: bool = False
    log: bool = False
    comma: bool = False
    degree: bool = False
    boxes: bool = False
    """Several answers are boxed."""
    plus_minus: int = 0
