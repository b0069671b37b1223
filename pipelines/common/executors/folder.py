"""The folder that workers need, where they are on other machines.

Where a node of a cluster sees the folder of the driver (the same machine, or a shared file system),
its workers use that. Where one does not, Ray carries a copy of it to every node (`runtime_env`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """A folder of the driver that workers need."""

    path: Path
    mark: Path
    """A file in it, whose name nobody else chose: a node that has it sees the folder itself."""
    excludes: tuple[str, ...]
    """Patterns of what a copy leaves out, as those of `.gitignore`."""
    check: Callable[[], None]
    """Raises one of the project's errors, with a remedy, where a copy is not enough."""
