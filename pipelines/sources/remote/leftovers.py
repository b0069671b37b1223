"""What of the cache of fetched sources no source is read from any more.

A source that changed at its service leaves the contents and the names that it had before.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from lake import documents
from lake.documents import DocumentError
from pipelines.sources.remote import fetch

_STATE: Final = re.compile(r"[0-9a-f]{32}\.json")


def unnamed() -> list[Path]:
    """Contents and trees of the cache that the state of no source names.

    Drafts do not count; where the state of a source cannot be read, nothing does.
    """
    named: set[Path] = set()
    try:
        states = [path for path in fetch.ROOT.iterdir() if _STATE.fullmatch(path.name)]
        for path in states:
            named |= _of_state(path)
    except (OSError, DocumentError, KeyError, TypeError, AttributeError):
        return []
    kept = [*(fetch.ROOT / "objects").glob("*"), *(fetch.ROOT / "trees").glob("*")]
    return sorted(path for path in kept if path not in named and not path.name.startswith("."))


def _of_state(path: Path) -> set[Path]:
    state = documents.read_json(path, strict=False)
    files = fetch.named_digests(state["files"])
    return {fetch.tree_path(state["source"], files), *map(fetch.object_path, files.values())}
