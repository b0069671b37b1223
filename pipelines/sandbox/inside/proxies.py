"""Proxies of the program's objects and classes.

A proxy's class has the special methods of the original (`operations`); whatever is done to a proxy
is asked of the program's process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NoReturn

from pipelines.sandbox.inside import known, operations, outgoing
from pipelines.sandbox.inside.about import About
from pipelines.sandbox.inside.known import ABOUT, KNOWN, MADE, Asked

OF_RAISING: Final = ("__cause__", "__context__", "__suppress_context__", "__traceback__")
"""Attributes that the language gives an exception where it is raised."""
NOTHING: Final = About("", "", None, (), (), False, True, None, (), None, (), None)


class Remote(type):
    """The class of classes of the program."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], content: dict[str, Any], *, about: Any = None
    ) -> Any:
        """Make a proxy's class; one that tests derive from it is made by the program."""
        if about is None:
            program = _program(next(base for base in bases if type(base) is Remote))
            if _holds_tests(bases, content):
                program.unjudge(f"the tests in {name} derive from a class of the program")
            return program.derived(name, bases, content)
        return super().__new__(cls, name, bases, content | {ABOUT: about})

    def __init__(cls, *args: Any, **_: Any) -> None:
        """Take what `__new__` took."""
        super().__init__(*args)

    def __call__(cls, /, *args: Any, **named: Any) -> Any:
        """Make an object in the program's process."""
        return _program(cls).ask("call", cls, *args, **named)

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

    def __or__(cls, other: Any) -> Any:
        return _program(cls).ask("special", cls, "__or__", other)

    def __instancecheck__(cls, value: Any) -> bool:
        if type.__instancecheck__(cls, value):
            return True
        crosses = outgoing.is_plain(value) or known.is_object(value)
        return crosses and cls is not Proxy and _program(cls).ask("instance", cls, value) is True

    def __subclasscheck__(cls, kind: Any) -> bool:
        if type.__subclasscheck__(cls, kind):
            return True
        if type(kind) is not Remote or cls is Proxy:
            return False
        return _program(cls).ask("subclass", cls, kind) is True

    @property
    def __doc__(cls) -> str | None:  # type: ignore[override]  # a class's documentation is a text
        return known.of_class(cls)[2].doc

    @property  # type: ignore[misc]  # that of a class is final
    def __dict__(cls) -> Any:  # type: ignore[override]
        return {} if cls is Proxy else _program(cls).ask("content_of", cls)

    @property
    def __annotations__(cls) -> Any:  # type: ignore[override]
        return _program(cls).ask("get", cls, "__annotations__")


class Proxy(metaclass=Remote, about=(None, -1, NOTHING)):
    """An object of the program."""

    def __getattr__(self, name: str) -> Any:
        return operations.got(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(self, BaseException) and name in OF_RAISING:
            object.__setattr__(self, name, value)
        else:
            known.program(self).ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        known.program(self).ask("delete", self, name)

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return known.program(self).ask("get", self, "__dict__")

    @property  # type: ignore[misc]  # nobody sets it
    def __class__(self) -> Any:
        return known.about(self).like or type(self)

    def __eq__(self, other: object) -> bool:
        return operations.equal(self, other)  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        return operations.hashed(self)

    def __repr__(self) -> str:
        return str(known.program(self).ask("special", self, "__repr__"))

    def __str__(self) -> str:
        text = KNOWN[id(self)].text
        return str(known.program(self).ask("special", self, "__str__")) if text is None else text

    def __format__(self, form: str) -> str:
        return str(known.program(self).ask("special", self, "__format__", form))

    def __dir__(self) -> list[str]:
        return list(known.program(self).ask("special", self, "__dir__"))

    def __copy__(self) -> Any:
        return known.program(self).ask("library", "copy", "copy", self)

    def __deepcopy__(self, _: Any) -> Any:
        return known.program(self).ask("library", "copy", "deepcopy", self)

    def __reduce_ex__(self, _: Any) -> NoReturn:
        known.program(self).unjudge("the tests pickle an object of the program")


def _holds_tests(bases: tuple[Any, ...], content: dict[str, Any]) -> bool:
    """Whether a class that derives from the program's has tests, which nothing would find in it."""
    own = [dir(base) for base in bases if type(base) is not Remote]
    return any(name.startswith("test") for names in (content, *own) for name in names)


def class_handle(kind: Any) -> int:
    """The number of a proxy of a class."""
    return known.of_class(kind)[1]


def is_any(value: object) -> bool:
    """Whether a value is a proxy of an object or of a class."""
    return known.is_object(value) or type(value) is Remote


def identity(value: object) -> int:
    """What `id` tells of a value: of two proxies of one object the same."""
    return -1 - known.handle(value) if known.is_object(value) else id(value)


def is_instance(value: object, kinds: Any) -> bool:
    """Whether a value is an instance, that of a proxy's class too."""
    if isinstance(value, kinds):
        return True
    each = kinds if isinstance(kinds, tuple) else getattr(kinds, "__args__", (kinds,))
    return known.is_object(value) and any(map(known.about(value).derives_from, each))


def is_subclass(kind: Any, kinds: Any) -> bool:
    """Whether a class derives from others, that of a proxy too."""
    if issubclass(kind, kinds):
        return True
    each = kinds if isinstance(kinds, tuple) else (kinds,)
    return type(kind) is Remote and any(map(known.of_class(kind)[2].derives_from, each))


def constructed(kind: Any, /, *args: Any, **named: Any) -> Any:
    """What the tests make by calling what is written as classes are."""
    found = kind(*args, **named)
    if known.is_object(found) and type(found) is kind:
        return _program(kind).known_as(found, MADE)
    return found


def _program(kind: Any) -> Asked:
    return known.of_class(kind)[0]
