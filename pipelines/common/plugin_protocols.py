"""Check that a class implements a protocol: its members, their types, and its methods' parameters.

A type checker does so for our own classes. A user's plug-in is imported by its name in params.yaml,
so it is checked when it is loaded, and what is wrong is reported in one sentence.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any, Final, Generic, Protocol, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pipelines.common.errors import ParamsError

VERSION: Final = re.compile(r"[\w.-]+/\d+(\.\d+)*")
"""A semantic version, such as `diffusion/1`."""
ABSENT: Final = object()
"""Stands for a member that is not there; None is a value, such as that of an unknown licence."""


def check(candidate: type[Any], protocol: type[Any], what: str) -> None:
    """Refuse a class that does not implement a protocol.

    Args:
        candidate: The class.
        protocol: The protocol.
        what: The plug-in, for the message.

    Raises:
        ParamsError: A member is missing or wrong; the message names each.
    """
    problems = faults(candidate, protocol)
    if problems:
        listed = ", ".join(problems)
        raise ParamsError(f"{what} does not keep the protocol {protocol.__name__}: {listed}")


def complete(candidate: type[Any], protocol: type[Any]) -> None:
    """Give a class what it may leave out: the members for which its protocol has a default.

    A class that extends the protocol has them already. One that does not was perhaps written
    before the protocol got them.
    """
    for name, default in _defaults(candidate, protocol).items():
        setattr(candidate, name, default)


def faults(candidate: type[Any], protocol: type[Any]) -> list[str]:
    """List what a class lacks of a protocol, such as "`version` is missing"."""
    optional = _defaults(candidate, protocol)
    values = {name: hint for name, hint in _attributes(protocol).items() if name not in optional}
    methods = [name for name in _methods(protocol) if name not in optional]
    problems = [
        fault for name, hint in values.items() if (fault := _of_value(candidate, name, hint))
    ]
    problems += [fault for name in methods if (fault := _of_method(candidate, protocol, name))]
    version = getattr(candidate, "version", None)
    if isinstance(version, str) and not VERSION.fullmatch(version):
        problems.append(f"`version` is {version!r}, which is none such as 'mine/1'")
    return problems


def _defaults(candidate: type[Any], protocol: type[Any]) -> dict[str, Any]:
    """Members that a class has not and for which the protocol has a default, by name."""
    found = {}
    for name in (*_attributes(protocol), *_methods(protocol)):
        default = inspect.getattr_static(protocol, name, ABSENT)
        abstract = getattr(default, "__isabstractmethod__", False)
        if default is not ABSENT and not abstract and not hasattr(candidate, name):
            found[name] = default
    return found


def _levels(protocol: type[Any]) -> Iterator[type[Any]]:
    """The protocol and those that it extends."""
    return (level for level in protocol.__mro__ if level not in {object, Protocol, Generic})


def _attributes(protocol: type[Any]) -> dict[str, Any]:
    """Types of the attributes that are no methods, by name."""
    hints = get_type_hints(protocol, include_extras=True)
    return {name: _plain(hint) for name, hint in hints.items() if not name.startswith("_")}


def _plain(hint: Any) -> Any:  # noqa: ANN401  a type of any form
    """A type without `ClassVar`."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.ClassVar else hint


def _methods(protocol: type[Any]) -> list[str]:
    names = {
        name: None
        for level in _levels(protocol)
        for name, value in vars(level).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    }
    return list(names)


def _of_value(candidate: type[Any], name: str, hint: Any) -> str | None:  # noqa: ANN401  a type
    if inspect.getattr_static(candidate, name, ABSENT) is ABSENT:
        return f"`{name}` is missing"
    try:
        _adapter(hint).validate_python(getattr(candidate, name), strict=True)
    except ValidationError as error:
        message = error.errors(include_url=False, include_input=False)[0]["msg"]
        return f"`{name}` is wrong: {message[:1].lower()}{message[1:]}"
    return None


def _adapter(hint: Any) -> TypeAdapter[Any]:  # noqa: ANN401  a type of any form
    return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))


def _of_method(candidate: type[Any], protocol: type[Any], name: str) -> str | None:
    value, wanted = getattr(candidate, name, None), getattr(protocol, name)
    if value is None or getattr(value, "__isabstractmethod__", False):
        return f"`{name}` is missing"
    if isinstance(wanted, property):
        return None  # a value of any form
    if not callable(value):
        return f"`{name}` is no method"
    given = inspect.signature(wanted).parameters.values()
    positional = [
        parameter.name for parameter in given if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    named = {
        parameter.name: None for parameter in given if parameter.kind is parameter.KEYWORD_ONLY
    }
    bound = isinstance(inspect.getattr_static(candidate, name), staticmethod | classmethod)
    try:
        inspect.signature(value).bind(*positional[bound:], **named)
    except TypeError:
        return f"`{name}` must take ({', '.join([*positional[1:], *named])})"
    return None
