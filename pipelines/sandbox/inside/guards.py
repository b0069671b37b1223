"""What tests must not do with texts, bytes and files of the program in their own process: run them.

`eval`, `exec`, `pickle`, `import` and their like would run a hostile answer where the tests are
judged. In the tests they take what stands in the tests themselves and is not in what the program
gave, since that may name what the tests compare with; of anything else, `eval` computes expressions
of constants, `pickle` makes plain values, and the rest cannot be judged.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import io
import os
import pickle
import re
import sys
import zipimport
from collections.abc import Callable, Mapping
from importlib import machinery
from types import FrameType
from typing import Any, Final, NoReturn, Protocol

PICKLED: Final = frozenset(
    {
        *(
            ("builtins", name)
            for name in ("list", "dict", "set", "frozenset", "tuple", "bytearray")
        ),
        *(("builtins", name) for name in ("complex", "int", "float", "str", "bytes", "range")),
        *(("collections", name) for name in ("OrderedDict", "Counter", "defaultdict", "deque")),
        *(("datetime", name) for name in ("date", "time", "datetime", "timedelta", "timezone")),
        *(("decimal", "Decimal"), ("fractions", "Fraction"), ("uuid", "UUID")),
    }
)
"""Classes that a pickle may name."""
COMPUTED: Final = (
    *(ast.Expression, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Subscript, ast.Slice, ast.Load),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
"""Parts of an expression that compute and call nothing."""
READ_ONLY: Final = ("/python/", "/packages/", "/usr/", "/lib")
"""Folders that modules are read from; the program can write files into the others."""
RUNNING: Final[Mapping[str, tuple[str, ...]]] = {
    "runpy": ("run_path", "run_module"),
    "doctest": ("DocTestRunner", "DebugRunner"),
    "timeit": ("Timer",),
    "code": ("InteractiveInterpreter",),
    "marshal": ("loads",),
    "_pickle": ("loads", "load", "Unpickler"),
    "logging.config": ("dictConfig", "fileConfig", "listen"),
    "profile": ("run", "runctx", "Profile"),
    "trace": ("Trace",),
    "bdb": ("Bdb",),
}
"""Functions and classes of modules that run texts and files."""
LANGUAGE: Final = re.compile(
    r"builtins(__)?[\"']?\]?\s*[.\[]\s*[\"']?(eval|exec)\b"
    r"|from\s+builtins\s+import|getattr\(\s*_*builtins|builtins\s+as\b"
)
"""How tests reach `eval` and `exec` past their own namespace."""


class Judged(Protocol):
    """The program, as these functions need it."""

    def gave(self, text: str) -> bool:
        """Whether a text is a part of one that it gave."""

    def unjudge(self, why: str) -> NoReturn:
        """End judging."""


class Guards:
    """Functions that take the place of those that run texts."""

    def __init__(self, tests: str, program: Judged) -> None:
        """Take the source of the tests, and the program."""
        self._tests, self._program, self._unjudge = tests, program, program.unjudge

    def install(self, names: dict[str, Any]) -> None:
        """Put them into the namespace of the tests, and into the modules that they may import."""
        names["eval"], names["exec"] = self.eval, self.exec
        names["compile"] = self.compile
        if LANGUAGE.search(self._tests):
            self._unjudge("the tests take eval or exec from builtins, for texts of the program")
        pickle.loads = lambda data, **_: self.unpickled(data)
        pickle.load = lambda file, **_: self.unpickled(file.read())
        pickle.Unpickler = _Plain  # type: ignore[misc]
        _Plain.unjudge = staticmethod(self._unjudge)
        self._guard_imports()
        for module, names_ in RUNNING.items():
            if module in self._tests:
                for name in names_:
                    setattr(importlib.import_module(module), name, self._refused(module))

    def _guard_imports(self) -> None:
        """Read no module from where the program can write."""
        files: Any = machinery.SourceFileLoader.__mro__[1]
        extensions: Any = machinery.ExtensionFileLoader
        own = files.get_data

        def get_data(loader: Any, path: str) -> bytes:
            if not os.path.realpath(path).startswith(READ_ONLY):
                self._unjudge("the tests import a file that the program may have written")
            found: bytes = own(loader, path)
            return found

        files.get_data = get_data
        extensions.create_module = self._guarded_extension(extensions.create_module)
        sys.path_hooks[:] = [hook for hook in sys.path_hooks if hook is not zipimport.zipimporter]

    def _guarded_extension(self, own: Callable[..., Any]) -> Callable[..., Any]:
        def create(loader: Any, spec: Any) -> Any:
            if not os.path.realpath(spec.origin).startswith(READ_ONLY):
                self._unjudge("the tests import a file that the program may have written")
            return own(loader, spec)

        return create

    def _refused(self, module: str) -> Callable[..., NoReturn]:
        def refuse(*_: Any, **__: Any) -> NoReturn:
            self._unjudge(f"the tests run texts or files by {module}, which may be the program's")

        return refuse

    def eval(
        self,
        source: Any,
        names: dict[str, Any] | None = None,
        local: Mapping[str, object] | None = None,
    ) -> Any:
        """Evaluate an expression of the tests, or one of constants."""
        if not (type(source) is str and (self._is_of_tests(source) or _computes(source))):
            self._unjudge("the tests evaluate a text that the program gave")
        return builtins.eval(source, *_scope(sys._getframe(1), names, local))  # noqa: S307, SLF001  of the tests

    def exec(
        self,
        source: Any,
        names: dict[str, Any] | None = None,
        local: Mapping[str, object] | None = None,
    ) -> None:
        """Run a text of the tests."""
        if not (type(source) is str and self._is_of_tests(source)):
            self._unjudge("the tests run a text that the program gave")
        builtins.exec(source, *_scope(sys._getframe(1), names, local))  # noqa: S102, SLF001  of the tests

    def compile(self, source: Any, *args: Any, **named: Any) -> Any:
        """Compile a text, which does not run it; the code cannot be run by `exec` here."""
        return builtins.compile(source, *args, **named)

    def _is_of_tests(self, source: str) -> bool:
        return source in self._tests and not self._program.gave(source)

    def unpickled(self, data: bytes) -> Any:
        """Make plain values of a pickle."""
        return _Plain(io.BytesIO(data)).load()


class _Plain(pickle.Unpickler):
    unjudge: Callable[[str], NoReturn]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in PICKLED:
            self.unjudge(f"the tests unpickle an object of class {module[:40]}.{name[:40]}")
        return super().find_class(module, name)


def _scope(
    frame: FrameType, names: dict[str, Any] | None, local: Mapping[str, object] | None
) -> tuple[dict[str, Any], Mapping[str, object]]:
    """Global and local names of a text, as the language has them: those of the caller, if none."""
    if names is None:
        return frame.f_globals, frame.f_locals if local is None else local
    return names, names if local is None else local


def _computes(source: str) -> bool:
    """Whether a text is an expression of constants."""
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True  # the language's own error is the answer
    return all(isinstance(node, COMPUTED) for node in ast.walk(tree))
