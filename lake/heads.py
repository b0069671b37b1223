"""What the refs of an embedded lake point to, read without its server.

A stage that runs every time only needs to know whether a ref has moved since it last looked. To ask
the server would take a second (it must run, and the SDK must be imported), so the catalog is read.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from lake.home import LakeHome

REFS: Final = """
SELECT 'branch', name, commit_id FROM branches WHERE repository = :repository
UNION ALL SELECT 'tag', name, commit_id FROM tags WHERE repository = :repository ORDER BY 1, 2
"""


def digest(home: Path, repository: str) -> str | None:
    """SHA-256 of all branches and tags of a repository with their commits, as 64 hex digits.

    Returns:
        None where the catalog cannot be read, so that the caller asks the server.
    """
    catalog = LakeHome(home).catalog
    try:
        with closing(
            sqlite3.connect(f"{catalog.absolute().as_uri()}?mode=ro", uri=True)
        ) as database:
            rows = database.execute(REFS, {"repository": repository}).fetchall()
    except sqlite3.Error:
        return None
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
