"""Asks a lake again only where one of its refs has changed since it last was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lake import documents, files, heads, private, settings
from lake.client import Lake
from lake.documents import DocumentError
from pipelines.params import Params
from pipelines.rounds.context import PRIVATE


def refresh(
    params: Params, asked: str, open_lake: Callable[[], Lake], write: Callable[[Lake], None]
) -> None:
    """Write anew what a lake says, unless no ref has changed since that was last written.

    Args:
        params: settings of the project.
        asked: name of the file that keeps what the refs of the embedded lake were then.
        open_lake: connects to the lake, which is not done if nothing changed.
        write: asks the lake, and writes.
    """
    where = settings.resolve(Path.cwd())
    now = None
    if isinstance(where, settings.Embedded):
        now = heads.digest(where.home, params.lake.repository)
        if now is None or _asked(PRIVATE / asked) == now:  # no lake yet, or as it was
            return
    write(open_lake())
    if now is not None:
        private.folder(PRIVATE)
        files.write_json(PRIVATE / asked, {"refs": now})


def _asked(file: Path) -> Any:  # noqa: ANN401  what the file holds
    try:
        return documents.read_json(file)["refs"]
    except (OSError, DocumentError, LookupError, TypeError):
        return None
