"""Special methods: which of them an object has, and how each is called."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipelines.sandbox.inside import references

COMPARISONS: Final = ("__lt__", "__le__", "__gt__", "__ge__")
ARITHMETIC: Final = (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow"),
    *("lshift", "rshift", "and", "xor", "or"),
)
OPERATORS: Final = (
    *COMPARISONS,
    *(f"__{prefix}{name}__" for prefix in ("", "r", "i") for name in ARITHMETIC),
    *("__divmod__", "__rdivmod__"),
)
"""Methods of operators that have another value beside them."""
UNARY: Final[Mapping[str, Callable[..., Any]]] = {
    "__len__": len,
    "__iter__": iter,
    "__next__": next,
    "__reversed__": reversed,
    "__bool__": bool,
    "__int__": int,
    "__float__": float,
    "__complex__": complex,
    "__index__": operator.index,
    "__str__": str,
    "__repr__": repr,
    "__bytes__": bytes,
    "__hash__": hash,
    "__abs__": abs,
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__invert__": operator.invert,
}
"""Methods that a function of the language calls."""
LEAVING: Final = ("__exit__", "__aexit__")
TELLING: Final = frozenset(
    {
        *("__abs__", "__int__", "__float__", "__complex__", "__index__", "__round__", "__trunc__"),
        *("__floor__", "__ceil__", "__bool__", "__len__", "__bytes__"),
        *("__neg__", "__pos__", "__invert__"),
    }
)
"""Methods by which a number tells its value."""
OTHERS: Final = (
    *("__call__", "__getitem__", "__setitem__", "__delitem__", "__contains__", "__format__"),
    *("__round__", "__trunc__", "__floor__", "__ceil__", "__length_hint__", "__dir__"),
    *("__enter__", "__exit__", "__aenter__", "__aexit__", "__aiter__", "__anext__", "__await__"),
)
FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **UNARY,
    "__getitem__": operator.getitem,
    "__setitem__": operator.setitem,
    "__delitem__": operator.delitem,
    "__contains__": operator.contains,
    "__format__": format,
    "__round__": round,
    "__dir__": dir,
}
NAMES: Final = (*UNARY, *OTHERS, *OPERATORS)
"""Special methods that cross; equality is apart."""
PREDICATES: Final = frozenset(
    name
    for kind in (str, bytes, int, float, list, dict, set)
    for name in dir(kind)
    if name.startswith("is") or name in {"startswith", "endswith"}
)
"""Methods by which tests ask plain values whether something holds."""
EXACT: Final[Mapping[type, Callable[[Any], Any]]] = {
    int: int.__pos__,
    float: float.__pos__,
    complex: complex.__pos__,
    str: lambda value: str.__getitem__(value, slice(None)),
    bytes: lambda value: bytes(memoryview(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}
"""Types whose instances never change, and what an instance of a subclass is as such."""
CONTAINERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    list: lambda value: list(list.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
    set: lambda value: set(set.__iter__(value)),
    bytearray: lambda value: bytearray(memoryview(value)),
}


def fixed(kind: type) -> type | None:
    """The type of unchanging values that a class derives from."""
    return next((base for base in EXACT if issubclass(kind, base)), None)


def contained(kind: type) -> type | None:
    """The type of containers that a class derives from."""
    return next((base for base in CONTAINERS if issubclass(kind, base)), None)


def content(value: Any) -> Any:
    """An instance of a subclass of a container, as that container."""
    base = contained(type(value))
    return None if base is None else CONTAINERS[base](value)


def equals_anything(value: Any) -> bool:
    """Whether a value says that it equals what nothing equals."""
    try:
        return bool(value == object())
    except Exception:  # noqa: BLE001  whatever it raises, it does not say so
        return False


def own_names(kind: type, without: tuple[type | None, ...] = (object,)) -> list[str]:
    """The special methods that a class, or one that it derives from, defines."""
    own = [base for base in kind.__mro__ if base not in without]
    return [name for name in NAMES if any(name in base.__dict__ for base in own)]


def described(kind: type) -> tuple[Any, ...]:
    """What another process needs to know of a class, as `about.About` has it."""
    own = [base for base in kind.__mro__ if base not in {object, fixed(kind)}]
    container = contained(kind)
    return (
        kind.__name__,
        kind.__qualname__,
        kind.__doc__ if isinstance(kind.__doc__, str) else None,
        _bases(kind),
        tuple(own_names(kind, (object, fixed(kind)))),
        any("__eq__" in base.__dict__ for base in own),
        kind.__hash__ is not None,
        None if container is None else container.__name__,
        tuple(sorted(_shadowing(kind, own))),
        references.library(kind),
        tuple(filter(None, map(references.place, kind.__mro__))),
    )


def _bases(kind: type) -> tuple[type, ...]:
    """The bases of a class that its proxies' class can have, too."""
    if issubclass(kind, BaseException) and references.plain(kind) is not None:
        return (kind,)
    found = []
    for base in kind.__bases__:
        its = references.plain(base) is None or issubclass(base, BaseException)
        each = base if its else fixed(base)
        if each is not None and each not in found:
            found.append(each)
    return tuple(found)


def _shadowing(kind: type, own: list[type]) -> set[str]:
    """Attributes that a class of unchanging values defines in place of theirs."""
    base = fixed(kind)
    if base is None:
        return set()
    names = {name for each in own for name in each.__dict__ if not name.startswith("__")}
    return {name for name in names if hasattr(base, name)}


def called(owner: Any, name: str, /, *args: Any, **named: Any) -> Any:
    """Call a special method as the language would."""
    if name in FUNCTIONS:
        return FUNCTIONS[name](owner, *args)
    return getattr(type(owner), name)(owner, *args, **named)
