"""The folder of the project that a command is about: this one, or the nearest one above it.

Commands run in the project's folder, wherever in it the user stands, as those of git do. Paths that
the user gives stay relative to where the user stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, Final

from review.cli.at_work import PROJECT

ANYWHERE: Final = ("review.commands.init",)
"""Commands whose paths say where the project is."""
OWN: Final = ("-", ".lake")
"""Paths that are none of a folder's: a standard stream, and what is the default in the project."""
PATH_OR_NAME: Final = ("source", "left", "right", "target")
"""Options that are a file or folder where there is one, and else a name."""


def above(folder: Path) -> Path | None:
    """Find the folder with a project's settings: this one, or the nearest above it."""
    return next((each for each in (folder, *folder.parents) if (each / PROJECT).is_file()), None)


@contextmanager
def entered(module: str, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Run in the project's folder, with the options of a command as seen from there.

    Args:
        module: the module of the command.
        options: its options, with paths relative to where the user stands.
    """
    here = Path.cwd()
    project = None if module in ANYWHERE else above(here)
    if project is None or project == here:
        yield dict(options)
        return
    with chdir(project):
        yield {name: _seen(name, value, here, project) for name, value in options.items()}


def _seen(name: str, value: Any, here: Path, project: Path) -> Any:  # noqa: ANN401  any option
    """A path as it reads from the project's folder; anything else as it is."""
    if isinstance(value, Path):
        return value if str(value) in OWN else Path(os.path.relpath(here / value, project))
    if name in PATH_OR_NAME and isinstance(value, str) and value and (here / value).exists():
        return os.path.relpath(here / value, project)
    return value
