"""Modules of this package on their way into the sandbox, as code on standard input.

The sandbox's Python has no access to this package, and none of its folders need be readable for the
user that the sandbox runs as.
"""

from __future__ import annotations

import importlib.util
import marshal
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, Final, Literal

from pipelines.sandbox.inside import judge, worker

PACKAGE: Final = "pipelines.sandbox.inside"
MAINS: Final[Mapping[str, str]] = {"judge": judge.__name__, "worker": worker.__name__}
"""Modules that a process is started with; each is called by its `main`."""
START: Final = """
import marshal, sys
codes, name, request = marshal.loads(sys.stdin.buffer.read())
from importlib.machinery import ModuleSpec
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in codes:
            return ModuleSpec(name, cls, is_package=codes[name] is None)
    @staticmethod
    def create_module(spec):
        return None
    @staticmethod
    def exec_module(module):
        if codes[module.__name__] is not None:
            exec(codes[module.__name__], module.__dict__)
sys.meta_path.insert(0, Finder)
__import__(name)
sys.modules[name].main(request)
"""
"""What Python is started with."""


def given(name: Literal["judge", "worker"], request: Mapping[str, Any]) -> bytes:
    """Standard input for Python that was started with `START`.

    Args:
        name: which process it is.
        request: what its `main` is called with: plain values.
    """
    return marshal.dumps((_codes(), MAINS[name], dict(request)))


@cache
def _codes() -> dict[str, CodeType | None]:
    """Code of the modules by name; None: a package."""
    parts = PACKAGE.split(".")
    codes: dict[str, CodeType | None] = {
        ".".join(parts[:count]): None for count in range(1, len(parts) + 1)
    }
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise AssertionError(f"{PACKAGE} is a part of this package")
    for place in sorted(Path(spec.origin).parent.glob("*.py")):
        if place.stem != "__init__":
            source = place.read_text(encoding="utf-8")
            codes[f"{PACKAGE}.{place.stem}"] = compile(source, place.name, "exec")
    return codes
