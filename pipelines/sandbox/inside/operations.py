"""What tests do with an object of the program, and what of it the program may decide.

An object of the program could be equal to anything, and minus anything be nothing. So a comparison
or an operation of a proxy with a plain value is not left to the program, unless the tests made the
object themselves, by calling its class: equality is that of the plain value which the object is, if
its class derives from such values, and where the program alone could tell, the candidate is not
judged (`Unjudged`). Two objects of the program are compared by the program, which must say of the
first one, too, that it does not equal what nothing equals.
"""

from __future__ import annotations

import decimal
import fractions
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NoReturn

from pipelines.sandbox.inside import known, outgoing, special
from pipelines.sandbox.inside.about import About
from pipelines.sandbox.inside.errors import CAUGHT, CrossingError, is_failure
from pipelines.sandbox.inside.known import COMPUTED, MADE, Asked

NUMBERS: Final = frozenset({int, float, complex, decimal.Decimal, fractions.Fraction})
FAR: Final = (1, -7, 1_000_003)
"""What a number is away from others that something equal to it does not equal."""
FILLED: Final[dict[type, Any]] = {str: "~!", bytes: b"~!", list: ["~!", 7], tuple: ("~!", 7)}
"""Content that nothing has."""


def namespace(about: About) -> dict[str, Any]:
    """What the class of a proxy has besides what all have."""
    content: dict[str, Any] = {"__module__": "program", "__qualname__": about.qualified}
    content |= {name: _forwarded(name) for name in about.specials if name in special.NAMES}
    content |= {name: _attribute(name) for name in about.shadows}
    content["__doc__"] = _attribute("__doc__")
    content["__eq__"] = equal
    if "__hash__" not in content:
        content["__hash__"] = hashed if about.hashable else None
    return content


def got(owner: Any, name: str) -> Any:
    """An attribute of an object of the program."""
    if name in special.PREDICATES and known.trust(owner) != MADE:
        _unjudged(owner, f"the tests ask it for {name}")
    return known.program(owner).ask("get", owner, name)


def hashed(value: Any) -> int:
    """The hash of an object that is one by itself."""
    return hash((known.ABOUT, known.handle(value)))


def same(left: object, right: object) -> bool:
    """Whether two values are one object, as `is` tells it in the program's process."""
    if known.is_object(left) and known.is_object(right):
        return known.handle(left) == known.handle(right)
    return left is right


def equal(left: Any, right: object) -> Any:
    """Equality of an object of the program and another value."""
    if known.is_object(right):
        return _equal_objects(left, right)
    if not outgoing.is_plain(right):
        return NotImplemented
    base, about = special.fixed(type(left)), known.about(left)
    if base is not None and _as(base, left, right) is True:
        return True
    if about.container is not None:
        return known.program(left).ask("content", left) == right
    found = about.compares and _says_equal(left, right, plain=known.trust(left) != MADE)
    if found and _equals_all(left, right):
        _unjudged(left, f"that says it equals any {type(right).__name__}")
    return found


def _equals_all(left: Any, right: Any) -> bool:
    """Whether an object says that it equals other values of a type, too, that are far apart."""
    kind: Any = type(right)
    others: tuple[Any, ...] = ()
    if kind in NUMBERS:
        others = tuple(kind(right + more) for more in FAR if right + more != right)
    elif kind in {str, bytes, list, tuple}:
        others = (right + right[:1] * 9 + kind(FILLED[kind]), kind(FILLED[kind]))
    return bool(others) and all(_says_equal(left, other, plain=False) for other in others)


def _equal_objects(left: Any, right: Any) -> Any:
    """Equality of two objects of the program."""
    compares = known.about(left).compares
    if not compares and same(left, right):
        return True
    if compares or known.about(right).compares:
        return _says_equal(left, right, plain=False)
    base = special.fixed(type(left))
    return base is not None and _as(base, left, right)


def _says_equal(left: Any, right: Any, *, plain: bool) -> bool:
    """Whether the program says that an object equals another value, and not just any."""
    is_equal, to_anything = _ask(left, "equal", right)
    if plain and is_equal is True:
        _unjudged(left, "that says it equals one")
    return is_equal is True and to_anything is False


def _ask(value: Any, do: str, *args: Any) -> Any:
    """Ask about an object and other values, which the program must not change."""
    program = known.program(value)
    try:
        others = list(map(outgoing.copied, args))
    except CrossingError as error:
        program.unjudge(str(error))
    return program.ask(do, value, *others)


def _as(base: Any, left: Any, right: object) -> Any:
    """Equality of two values as those of a type that the first derives from."""
    return base.__eq__(left, right)


def _unjudged(value: Any, why: str) -> NoReturn:
    """End judging, since the program could answer a question as it likes."""
    known.program(value).unjudge(
        f"the program gave an object of class {type(value).__name__} in place of a plain value, "
        f"and {why}; it could say anything"
    )


def _attribute(name: str) -> property:
    def read(self: Any) -> Any:
        return got(self, name)

    return property(read)


@cache
def _forwarded(name: str) -> Callable[..., Any]:
    """A special method that asks the program's process."""

    def method(self: Any, /, *args: Any, **named: Any) -> Any:
        program, trust = known.program(self), known.trust(self)
        if name in special.OPERATORS:
            return _operated(self, name, *args)
        if name == "__await__":
            return program.awaited(self).__await__()
        if name in special.LEAVING:
            return _left(self, name, *args)
        if name == "__contains__" and trust != MADE:
            return any(same(each, args[0]) or each == args[0] for each in self)
        found = program.ask("special", self, name, *args, **named)
        if name in special.TELLING and trust == COMPUTED:
            return _computed(self, name, found)
        return found

    return method


def _left(manager: Any, name: str, *args: Any) -> Any:
    """Leave a context manager of the program, which may not pass over a failed assertion."""
    program = known.program(manager)
    found = program.ask("special", manager, name, *outgoing.leaving(*args))
    if not is_failure(args[1]):
        return found
    return _passed_on_later(program, found) if name == "__aexit__" else _passed_on(program, found)


def _passed_on(program: Asked, found: object) -> object:
    if found:
        program.unjudge(CAUGHT)
    return found


async def _passed_on_later(program: Asked, found: Any) -> object:
    return _passed_on(program, await found)


def _operated(left: Any, name: str, right: Any, *rest: Any) -> Any:
    """An operation of an object of the program and another value."""
    program, trust = known.program(left), known.trust(left)
    found = _ask(left, "special", name, right, *rest)
    if trust == MADE and type(found) is type(left):
        return program.known_as(found, MADE)
    return found if trust == MADE or known.is_object(right) else _computed(left, name, found)


def _computed(value: Any, name: str, found: Any) -> Any:
    """What came of a plain value and an object that could be anything: it may not tell a value."""
    if found is NotImplemented:
        return found
    if not known.is_object(found):
        _unjudged(value, f"the tests compute with it ({name})")
    return known.program(value).known_as(found, COMPUTED)
