"""A lake's server whose commits have other ids than the embedded lake gives, as lakeFS's own have.

`python tests/lake/salted_server.py` takes what `python -m lake.server` takes.
"""

from __future__ import annotations

import hashlib

from lake.server import __main__ as program
from lake.server.catalog import commits
from lake.server.catalog.commits import Commit

_PLAIN = commits.identity


def _salted(repository: str, commit: Commit) -> str:
    return hashlib.sha256(f"salt {_PLAIN(repository, commit)}".encode()).hexdigest()


if __name__ == "__main__":
    commits.identity = _salted
    program.main()
