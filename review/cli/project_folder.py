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
from review.errors import UsageError

ANYWHERE: Final = ("review.commands.init",)
"""Commands whose paths say where the project is."""
OWN: Final = ("-", ".lake")
"""Paths that are none of a folder's: a standard stream, and what is the default in the project."""
PATH_OR_NAME: Final = ("source", "left", "right", "target", "candidates", "blockstore")
"""Options that are a file or folder where there is one, and else a name."""
WORD_AND_FILES: Final = "words"
"""The option that is a word, after which files may follow."""


def above(folder: Path) -> Path | None:
    """Find the folder with a project's settings: this one, or the nearest above it."""
    folders = (folder, *folder.parents)  # of which some may be closed to this user
    return next((each for each in folders if os.path.isfile(each / PROJECT)), None)  # noqa: PTH113


@contextmanager
def entered(module: str, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Run in the project's folder, with the options of a command as seen from there.

    Args:
        module: the module of the command.
        options: its options, with paths relative to where the user stands.

    Raises:
        UsageError: where the user stands is there no more.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise UsageError("this folder is there no more: change to one that is") from None
    project = None if module in ANYWHERE else above(here)
    if project is None or project == here:
        yield dict(options)
        return
    with chdir(project):
        yield {name: _seen(name, value, here, project) for name, value in options.items()}


def _seen(name: str, value: Any, here: Path, project: Path) -> Any:  # noqa: ANN401  any option
    """A path as it reads from the project's folder; anything else as it is."""
    if name == WORD_AND_FILES:
        return [*value[:1], *(_relative(each, here, project) for each in value[1:])]
    if isinstance(value, list):
        return [_seen(name, each, here, project) for each in value]
    if isinstance(value, Path):
        return value if str(value) in OWN else Path(_relative(str(value), here, project))
    if name in PATH_OR_NAME and isinstance(value, str) and value and (here / value).exists():
        return _relative(value, here, project)
    return value


def _relative(path: str, here: Path, project: Path) -> str:
    """The same file as seen from the project's folder; an absolute path stays one."""
    if os.path.isabs(path):  # noqa: PTH117
        return path
    short = os.path.relpath(here / path, project)
    if os.path.realpath(project / short) == os.path.realpath(here / path):
        return short
    return os.path.join(here.relative_to(project), path)  # noqa: PTH118  `..` after a link stays
