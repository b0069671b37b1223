"""Refuses to run with a package of the user's in place of one of ours.

The packages are imported by their own names, and Python looks in the working directory first. A
package there called `pipelines` or `lake` would be imported instead of ours, and fail far from the
cause. A mere folder, such as `expectations` of a project, gives way to any package, but for one
that is installed in editable mode: then ours is imported from where it is.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Final

NAMES: Final = ("lake", "lineage", "expectations", "pipelines", "review")


def check() -> None:
    """Check that each name leads to the package that belongs to this one.

    Raises:
        ImportError: one leads elsewhere; the message names what stands in its place.
    """
    for name in NAMES:
        spec = importlib.util.find_spec(name)
        path = None if spec is None else _location(spec)
        if spec is None or path is None or path in _own(name):
            continue
        if not spec.has_location and name not in sys.modules and _import_own(name):
            continue
        raise ImportError(
            f"{path} would be imported in place of Stemma's package {name!r}; rename it, or "
            "use the `stemma` command, which it does not affect"
        )


def _import_own(name: str) -> bool:
    """Import our package from its place; return whether it is there."""
    for folder in _own(name):
        file = folder / "__init__.py"
        spec = importlib.util.spec_from_file_location(name, file) if file.is_file() else None
        if spec is not None and spec.loader is not None:
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
            return True
    return False


def _location(spec: ModuleSpec) -> Path | None:
    """The folder of a package, or the file of a module; None where it has neither."""
    if spec.submodule_search_locations is not None:
        return next((Path(folder).resolve() for folder in spec.submodule_search_locations), None)
    return Path(spec.origin).resolve() if spec.has_location and spec.origin else None


def _own(name: str) -> tuple[Path, Path]:
    """Where our package may be: beside this one, or where its distribution was installed."""
    installed = metadata.distribution("stemma").locate_file(name)
    return Path(__file__).resolve().parent.with_name(name), Path(str(installed)).resolve()
