"""Values of the tests on their way to the program."""

from __future__ import annotations

import builtins
import copy
import sys
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from pipelines.sandbox.inside import containers, references, value_types
from pipelines.sandbox.inside.codec import Node
from pipelines.sandbox.inside.errors import CrossingError

PICKLED: Final = frozenset({"re", "random", "ipaddress", "string", "enum", "argparse"})
"""Modules whose objects are sent as a copy; those of the tests themselves are not."""
LONGEST: Final = 1 << 16
DEEPEST: Final = 100
"""Containers in each other in a value that is compared."""


def node(value: Any) -> Node | None:
    """The node of what both processes have, or can have a copy of; None: it is neither."""
    known = references.plain(value)
    if known is not None:
        return known
    module = getattr(value, "__module__", None) or ""
    name = getattr(value, "__qualname__", "")
    if isinstance(value, type | BuiltinFunctionType | FunctionType) and _is_at(module, name, value):
        return ["library", module, name]
    copied = isinstance(value, BaseException) and kind(value) is type(value)
    if copied or (
        type(value).__module__.split(".")[0] in PICKLED and not isinstance(value, ModuleType)
    ):
        import pickle  # noqa: PLC0415  seldom needed

        return ["pickle", pickle.dumps(value).hex()]
    return None


def name(value: Any) -> str:
    """The name of a function or a class, or that of a value's class."""
    callables = type | FunctionType | BuiltinFunctionType | MethodType
    return str((value if isinstance(value, callables) else type(value)).__name__)


def kind(error: BaseException) -> type:
    """The class of an exception, or the nearest above it that both processes have."""
    bases = type(error).__mro__
    return next(base for base in bases if references.plain(base) is not None)


def arguments(error: BaseException) -> tuple[Any, ...]:
    """Arguments of an exception, if they are plain."""
    plain = isinstance(error.args, tuple) and all(map(is_plain, error.args))
    return error.args if plain else (str(error),)


def is_plain(value: object) -> bool:
    """Whether a value crosses as itself."""
    kind_ = type(value)
    if value is None or kind_ in {
        bool,
        str,
        *value_types.APART,
        *value_types.LEAVES,
        *containers.KINDS,
    }:
        return True
    return value_types.named(kind_) in value_types.LIBRARY


def copied(value: Any, depth: int = 0) -> Any:
    """A value whose containers are copies: one that is compared must not be changed meanwhile."""
    if depth > DEEPEST:
        raise CrossingError("the tests compare with a value that is too deep")
    kind_ = type(value)
    if kind_ in {list, tuple, set}:
        return kind_(copied(each, depth + 1) for each in value)
    if kind_ is dict:
        return {key: copied(each, depth + 1) for key, each in value.items()}
    return copy.copy(value) if kind_ in containers.KINDS else value


def leaving(_: Any, error: Any, __: Any) -> tuple[Any, Any, None]:
    """What a context manager of the program is told of an exception; a traceback stays here."""
    if error is None:
        return None, None, None
    if references.plain(type(error)) is not None:
        return type(error), error, None
    nearest = kind(error)
    return nearest, references.exception(nearest, arguments(error)), None


def standard_input(how: str, args: list[Any]) -> str:
    """What the tests have on standard input.

    Args:
        how: `input`, `readline` or `read`.
        args: the prompt, or the number of characters.
    """
    if how == "input":
        return builtins.input(str(args[0])[:LONGEST])
    read = sys.stdin.readline if how == "readline" else sys.stdin.read
    return read(int(args[0]))


def _is_at(module: str, path: str, value: object) -> bool:
    """Whether a module of the standard library has a value under a path."""
    if module.split(".", maxsplit=1)[0] not in sys.stdlib_module_names or module == "__main__":
        return False
    try:
        return references.found(module, path) is value
    except (ImportError, AttributeError):
        return False
