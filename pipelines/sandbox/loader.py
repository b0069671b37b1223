"""A package of this project on its way into the sandbox, as code on standard input.

The sandbox's Python has no access to this project, and none of its folders need be readable for the
user that the sandbox runs as.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

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


def given(package: ModuleType, name: str, request: Mapping[str, Any]) -> bytes:
    """Standard input for Python that was started with `START`.

    Args:
        package: a package whose modules import each other and what the sandbox has.
        name: a module of it.
        request: what the `main` of that module is called with: plain values.
    """
    found: Any = (codes(package), f"{package.__name__}.{name}", dict(request))
    return marshal.dumps(found)


@cache
def codes(package: ModuleType) -> Mapping[str, CodeType | None]:
    """Code of the modules of a package by name; None: a package."""
    parts = package.__name__.split(".")
    found: dict[str, CodeType | None] = {
        ".".join(parts[:count]): None for count in range(1, len(parts) + 1)
    }
    for place in sorted(Path(package.__path__[0]).glob("[!_]*.py")):
        source = place.read_text(encoding="utf-8")
        found[f"{package.__name__}.{place.stem}"] = compile(source, place.name, "exec")
    return found
