"""The types whose values cross as themselves: what each is taken apart into, and made of again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

VIEWS: Final[tuple[type, ...]] = (type({}.keys()), type({}.values()), type({}.items()))


def _of_pairs(*pairs: Any) -> Any:
    return dict(pairs).items()


def _of_values(*parts: Any) -> Any:
    return dict(enumerate(parts)).values()


def _of_keys(*parts: Any) -> Any:
    return dict.fromkeys(parts).keys()


APART: Final[Mapping[type, Callable[[Any], Iterable[Any]]]] = {
    tuple: list,
    frozenset: list,
    range: lambda value: (value.start, value.stop, value.step),
    slice: lambda value: (value.start, value.stop, value.step),
    **dict.fromkeys(VIEWS, list),
}
"""The parts of a value, by its type, which is the kind of its node."""
MADE: Final[Mapping[str, Callable[..., Any]]] = {
    "tuple": lambda *parts: parts,
    "frozenset": lambda *parts: frozenset(parts),
    "range": range,
    "slice": slice,
    "dict_keys": _of_keys,
    "dict_values": _of_values,
    "dict_items": _of_pairs,
}
"""Values that are made when their parts are there."""
LEAVES: Final[Mapping[type, Callable[[Any], str]]] = {
    int: hex,
    float: float.hex,
    complex: lambda value: f"{value.real.hex()} {value.imag.hex()}",
    bytes: bytes.hex,
    type(Ellipsis): lambda _: "",
    type(NotImplemented): lambda _: "",
}
READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "int": lambda text: int(text, 16),
    "float": float.fromhex,
    "complex": lambda text: complex(*map(float.fromhex, text.split(" "))),
    "bytes": bytes.fromhex,
    "ellipsis": lambda _: Ellipsis,
    "NotImplementedType": lambda _: NotImplemented,
}
LIBRARY: Final[Mapping[tuple[str, str], Callable[[Any], tuple[Any, ...]]]] = {
    ("decimal", "Decimal"): lambda value: (str(value),),
    ("fractions", "Fraction"): lambda value: (value.numerator, value.denominator),
    ("datetime", "date"): lambda value: (value.year, value.month, value.day),
    ("datetime", "time"): lambda value: (*_clock(value), value.tzinfo),
    ("datetime", "datetime"): lambda value: (
        *(value.year, value.month, value.day),
        *_clock(value),
        value.tzinfo,
    ),
    ("datetime", "timedelta"): lambda value: (value.days, value.seconds, value.microseconds),
    ("datetime", "timezone"): lambda value: _zone(type(value), value),
    ("zoneinfo", "ZoneInfo"): lambda value: (value.key,),
    ("uuid", "UUID"): lambda value: (str(value),),
    ("pathlib", "PosixPath"): lambda value: (str(value),),
    ("pathlib", "PurePosixPath"): lambda value: (str(value),),
}
"""Value types of the standard library, with the arguments that make them again."""
KINDS: Final = {f"{module}.{name}": (module, name) for module, name in LIBRARY}


def _clock(value: Any) -> tuple[int, int, int, int]:
    return value.hour, value.minute, value.second, value.microsecond


def _zone(kind: Any, value: Any) -> tuple[Any, ...]:
    offset, name = value.utcoffset(None), value.tzname(None)
    return (offset,) if kind(offset).tzname(None) == name else (offset, name)


def named(kind: type) -> tuple[str, str]:
    """Module and name of a type."""
    return kind.__module__, kind.__qualname__
