"""Removes files and folders so that a process that is killed meanwhile leaves nothing half there.

What goes is first moved out of its place in one step, so that what is left in a place is whole. The
next cleaning removes what a killed one had moved and not yet removed.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from lake import private

REMOVED: Final = Path(".stemma") / "removed"


def remove(paths: Iterable[Path]) -> list[str]:
    """Remove files and folders of the project in this directory; return what could not be removed.

    A sentence each says why. What is gone already counts as removed.
    """
    problems = []
    for path in paths:
        try:
            _remove(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{path} cannot be removed: {error.strerror or error}")
    with suppress(OSError):
        REMOVED.rmdir()
    return problems


def _remove(path: Path) -> None:
    target = path
    if path.parent != REMOVED:
        private.folder(REMOVED)
        target = REMOVED / secrets.token_hex(8)
        try:
            path.rename(target)
        except FileNotFoundError:
            raise
        except OSError:  # on another file system
            target = path
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink()
