"""What rounds are crafted of: one bench for each kind of data, by the name that `--data` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

if TYPE_CHECKING:
    from lineage.limits import Limits

BENCHES: Final = {
    "digits": "benchmarks.crafted.digit_bench",
    "colour": "benchmarks.crafted.added.colour",
    "tables": "benchmarks.crafted.added.tables",
    "texts": "benchmarks.crafted.added.texts",
}
"""The module of each, with a `BENCH`."""
Group = Literal["healthy", "style", "leak", "copy", "harm"]
"""Healthy rounds; the same in another style; copies of held-out rows; copies of training rows; what
costs a model something, as far as that is measured."""


class Kind(Protocol):
    """A kind of round at several strengths."""

    @property
    def group(self) -> Group:
        """What it is."""

    @property
    def strengths(self) -> tuple[float, ...]:
        """The strengths that are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How rounds of one kind of data are made and measured."""

    kinds: Mapping[str, Kind]
    families: tuple[str, ...]
    """Models that measure harm."""
    key: Callable[[], str]
    """Digest of the versions and limits that results depend on."""
    result: Callable[..., Any]
    """Makes a round, collects the evidence about it and measures its harm, as `cases.Made`."""
    again: Callable[..., Any] | None = None
    """Measures a kept round by some metrics of now, as `remeasure.measured`; None: it cannot."""
    limits: Callable[[int], Limits]
    """The guard's limits, by the seed of a case."""
    agreeing: bool = False
    """Whether the recall of a class is harm only where each family loses it: of few test rows of a
    class one family loses some by chance, in healthy rounds too."""


def load(data: str) -> Bench:
    """Load the bench of a kind of data."""
    found: Bench = import_module(BENCHES[data]).BENCH
    return found
