"""Proxies of the program's objects, with the special methods of the originals.

An object of the program could be equal to anything, and minus anything be nothing. So a comparison
or an operation of a proxy with a plain value is not left to the program, unless the tests made the
object themselves, by calling its class: equality is that of the plain value which the object is, if
its class derives from such values, and where the program alone could tell, the candidate is not
judged (`Unjudged`). Two objects of the program are compared by the program, which must say of the
first one, too, that it does not equal what nothing equals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NoReturn, Protocol

from pipelines.sandbox.inside import outgoing, special


class Asked(Protocol):
    """The program, as proxies need it."""

    def ask(self, do: str, *args: Any, **named: Any) -> Any:
        """Ask the program's process."""

    def unjudge(self, why: str) -> NoReturn:
        """End judging."""

    def made(self, value: Any, kind: Any) -> Any:
        """An object that the tests made of a class; anything else as it is."""


ABOUT: Final = "__remote__"
"""Attribute of a proxy's class: program, handle and description."""
OF_RAISING: Final = ("__cause__", "__context__", "__suppress_context__", "__traceback__")
"""Attributes that the language gives an exception where it is raised."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a proxy."""

    proxy: Any
    """The proxy itself, so that its `id` is not given to another."""
    number: int
    """What the program's process knows the object by."""
    made: bool
    """Whether the tests made the object."""
    text: str | None = None
    """Of an exception: its message."""


KNOWN: Final[dict[int, Known]] = {}
"""By `id`: a proxy's own attributes are those of the original."""


class Remote(type):
    """The class of classes of the program."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], content: dict[str, Any], *, about: Any = None
    ) -> Remote:
        """Make a proxy's class; tests that derive from one cannot be judged."""
        if about is None:
            derived = next(base for base in bases if isinstance(base, Remote))
            _program(derived).unjudge(f"the tests derive a class from {derived.__name__}")
        return super().__new__(cls, name, bases, content | {ABOUT: about})

    def __init__(cls, *args: Any, **_: Any) -> None:
        """Take what `__new__` took."""
        super().__init__(*args)

    def __call__(cls, *args: Any, **named: Any) -> Any:
        """Make an object in the program's process."""
        program = _program(cls)
        return program.made(program.ask("call", cls, *args, **named), cls)

    def __getattr__(cls, name: str) -> Any:
        return _program(cls).ask("get", cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        _program(cls).ask("set", cls, name, value)

    def __delattr__(cls, name: str) -> None:
        _program(cls).ask("delete", cls, name)

    def __iter__(cls) -> Iterator[Any]:
        return _program(cls).ask("special", cls, "__iter__")  # type: ignore[no-any-return]

    def __len__(cls) -> int:
        return _program(cls).ask("special", cls, "__len__")  # type: ignore[no-any-return]

    def __bool__(cls) -> bool:
        return True

    def __getitem__(cls, key: Any) -> Any:
        return _program(cls).ask("special", cls, "__getitem__", key)

    def __contains__(cls, value: Any) -> bool:
        return bool(_program(cls).ask("special", cls, "__contains__", value))

    @property
    def __doc__(cls) -> str | None:  # type: ignore[override]  # a class's documentation is a text
        return cls.__dict__[ABOUT][2][3]  # type: ignore[no-any-return]


def class_handle(kind: Any) -> int:
    """The number of a proxy of a class."""
    return int(type.__getattribute__(kind, ABOUT)[1])


def is_object(value: object) -> bool:
    """Whether a value is a proxy of an object that is not a class."""
    return isinstance(type(value), Remote)


def handle(value: Any) -> int:
    """The number of a proxy of an object."""
    return KNOWN[id(value)].number


def same(left: object, right: object) -> bool:
    """Whether two values are one object, as `is` tells it in the program's process."""
    if is_object(left) and is_object(right):
        return handle(left) == handle(right)
    return left is right


def _program(kind: Any) -> Asked:
    return type.__getattribute__(kind, ABOUT)[0]  # type: ignore[no-any-return]


def _of(value: Any) -> Asked:
    return _program(type(value))


def _is_made(value: Any) -> bool:
    return KNOWN[id(value)].made


class Proxy(metaclass=Remote, about=(None, -1, [None] * 10)):
    """An object of the program."""

    def __getattr__(self, name: str) -> Any:
        return _got(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(self, BaseException) and name in OF_RAISING:
            object.__setattr__(self, name, value)
        else:
            _of(self).ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        _of(self).ask("delete", self, name)

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return _of(self).ask("get", self, "__dict__")

    def __eq__(self, other: object) -> bool:
        return _equal(self, other)  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        return hash((Proxy, handle(self)))

    def __repr__(self) -> str:
        return str(_of(self).ask("special", self, "__repr__"))

    def __str__(self) -> str:
        text = KNOWN[id(self)].text
        return str(_of(self).ask("special", self, "__str__")) if text is None else str(text)

    def __format__(self, form: str) -> str:
        return str(_of(self).ask("special", self, "__format__", form))

    def __dir__(self) -> list[str]:
        return list(_of(self).ask("special", self, "__dir__"))

    def __copy__(self) -> Any:
        return _of(self).ask("library", "copy", "copy", self)

    def __deepcopy__(self, _: Any) -> Any:
        return _of(self).ask("library", "copy", "deepcopy", self)

    def __reduce_ex__(self, _: Any) -> NoReturn:
        _of(self).unjudge("the tests pickle an object of the program")


def _about(value: Any) -> list[Any]:
    return type.__getattribute__(type(value), ABOUT)[2]  # type: ignore[no-any-return]


def namespace(about: list[Any]) -> dict[str, Any]:
    """What the class of a proxy has besides what all have."""
    content: dict[str, Any] = {"__module__": "program", "__qualname__": str(about[1])}
    content |= {name: _forwarded(name) for name in about[5] if name in special.NAMES}
    content |= {str(name): _attribute(str(name)) for name in about[9]}
    content["__doc__"] = _attribute("__doc__")
    content["__eq__"] = _equal
    if "__hash__" not in content:
        content["__hash__"] = Proxy.__hash__ if about[7] else None
    return content


def _attribute(name: str) -> property:
    def read(self: Any) -> Any:
        return _got(self, name)

    return property(read)


def _got(owner: Any, name: str) -> Any:
    """An attribute of an object of the program."""
    if name in special.PREDICATES and not _is_made(owner):
        _of(owner).unjudge(
            f"the tests ask an object of class {type(owner).__name__}, which the program gave in "
            f"place of a plain value, for {name}; it could say anything"
        )
    return _of(owner).ask("get", owner, name)


@cache
def _forwarded(name: str) -> Callable[..., Any]:
    """A special method that asks the program's process."""

    def method(self: Any, *args: Any, **named: Any) -> Any:
        if name in special.OPERATORS:
            return _operated(self, name, *args)
        if name in special.LEAVING:
            args = outgoing.leaving(*args)
        if name == "__contains__" and not _is_made(self):
            return any(same(each, args[0]) or each == args[0] for each in self)
        return _of(self).ask("special", self, name, *args, **named)

    return method


def _operated(left: Any, name: str, right: Any, *rest: Any) -> Any:
    """An operation of an object of the program and another value."""
    program = _of(left)
    if not (is_object(right) or _is_made(left)):
        program.unjudge(
            f"the tests compute with an object of class {type(left).__name__}, which the program "
            f"gave, and a plain value ({name}); what comes of it, the program could make up"
        )
    found = program.ask("special", left, name, right, *rest)
    return program.made(found, type(left)) if _is_made(left) else found


def _as(base: Any, left: Any, right: object) -> Any:
    """Equality of two values as those of a type that the first derives from."""
    return base.__eq__(left, right)


def _equal(left: Any, right: object) -> Any:
    """Equality of an object of the program and another value."""
    program, about = _of(left), _about(left)
    if is_object(right):
        if handle(left) == handle(right) and not about[6]:
            return True
        if not about[6] and not _about(right)[6]:
            base = special.fixed(type(left))
            return False if base is None else _as(base, left, right)
        equal, to_anything = program.ask("equal", left, right)
        return equal is True and to_anything is False
    if not outgoing.is_plain(right):
        return NotImplemented
    base = special.fixed(type(left))
    if base is not None:
        found = _as(base, left, right)
    elif about[8] is not None:
        found = program.ask("content", left) == right
    else:
        found = False
    if found is not True and about[6] and about[8] is None:
        program.unjudge(
            f"the tests compare an object of class {type(left).__name__}, which has an equality of "
            "its own, with a plain value"
        )
    return found is True
