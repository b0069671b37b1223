"""Asks a lake again only where one of its refs has changed since it last was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lake import documents, files, heads, private, settings
from lake.client import Lake
from lake.documents import DocumentError
from pipelines.params import Params
from pipelines.rounds.context import PRIVATE


@dataclass(frozen=True, slots=True)
class Answer:
    """What a lake says, as a file of the project keeps it."""

    asked: str
    """Name of the file that keeps what the refs of the embedded lake were when it was asked."""
    write: Callable[[Lake], None]
    """Asks the lake, and writes."""

    def refresh(self, params: Params, open_lake: Callable[[], Lake]) -> None:
        """Write it anew, unless no ref has changed since it was last written.

        Args:
            params: settings of the project.
            open_lake: connects to the lake, which is not done if nothing changed.
        """
        where = settings.resolve(Path.cwd())
        now = None
        if isinstance(where, settings.Embedded):
            now = heads.digest(where.home, params.lake.repository)
            if now is None or _asked(PRIVATE / self.asked) == now:  # no lake yet, or as it was
                return
        self.write(open_lake())
        if now is not None:
            private.folder(PRIVATE)
            files.write_json(PRIVATE / self.asked, {"refs": now})


def _asked(file: Path) -> Any:  # noqa: ANN401  what the file holds
    try:
        return documents.read_json(file)["refs"]
    except (OSError, DocumentError, LookupError, TypeError):
        return None
