"""A round of candidates that were made elsewhere, as a command line describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipelines.common.errors import DataError
from pipelines.common.settings import nearest
from pipelines.params import Dataset
from pipelines.sources import candidates

GENERATOR: Final = "file"
LIMITS: Final[Mapping[str, None]] = {
    "opaque_roots_block": None,
    "real_inputs_block": None,
    "depth_mean_block": None,
}
"""Limits of the guard for candidates of which none names a parent: what these checks measure is
known before, so they warn and do not block."""
UNTIED: Final = (
    "no column names parents (--parents), so nothing ties the candidates to real data: for this "
    "round opaque_roots, real_inputs and depth_mean are written to warn and not to block "
    "(docs/candidates.md)"
)
COMMENTS: Final[Mapping[str, str]] = {
    "publish.guard": "nothing names parents, so these three can only warn; all others block"
}
"""Comments of params.yaml, by path of the key in an entry."""


@dataclass(frozen=True, slots=True)
class CandidatesFile:
    """A file of candidates, and what is known of them."""

    path: str
    parents: str | None = None
    """Column that names the rows that each was made from."""
    maker: str | None = None
    """Name of what made them."""

    def entry(self, entry: Mapping[str, Any], settings: Dataset) -> dict[str, Any]:
        """Make an entry under `rounds` one of these candidates.

        Args:
            entry: of a round.
            settings: of its data set, against which the file is held.

        Raises:
            DataError: the file cannot be read, or lacks a column.
        """
        frame = candidates.rows(self.path, None, settings.modality, settings.columns.named)
        wanted = [*settings.identity, *([self.parents] if self.parents else ())]
        missing = next((name for name in wanted if name not in frame.columns), None)
        if missing is not None:
            near = nearest(missing, frame.columns)
            raise DataError(f"{self.path} has no column {missing!r}{near}")
        given = {"path": self.path, "parents": self.parents, "generator": self.maker}
        section = {name: value for name, value in given.items() if value is not None}
        made = {**entry, "generator": GENERATOR, "generate": {GENERATOR: section}}
        if self.parents is None:
            made["publish"] = {**made.get("publish", {}), "guard": dict(LIMITS)}
        return made
