"""Stage `lake`: which lake is this? The answer is a receipt on which everything else depends.

Runs on every `dvc repro`, so it imports little. On the embedded lake the answer is remembered
beside the lake and its server is not started. A wiped or foreign lake gives another answer, and
DVC then runs the rounds again; what that lake already holds is adopted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lake import documents, files, settings
from lake.documents import DocumentError
from pipelines.params import Params, load
from pipelines.rounds import receipts
from pipelines.rounds.context import open_lake

RECEIPT = receipts.ROOT / "lake.json"
REMEMBERED = "repositories.json"


def run() -> None:
    """Check params.yaml, find the lake, and write which one it is."""
    params = load()
    where = settings.resolve(Path.cwd())
    facts = _cached(where, params) or _query(where, params)
    files.write_json(RECEIPT, facts)


def _cached(where: settings.Remote | settings.Embedded, params: Params) -> Any:  # noqa: ANN401
    """What the embedded lake's directory says, if it speaks of the same repositories."""
    if not isinstance(where, settings.Embedded):
        return None
    try:
        facts = documents.read_json(where.home / REMEMBERED)
    except (OSError, DocumentError):
        return None
    names = {params.lake.repository, params.lake.holdout}
    return facts if isinstance(facts, dict) and set(facts) == names else None


def _query(where: settings.Remote | settings.Embedded, params: Params) -> dict[str, object]:
    """Ask the lake, creating the repositories where they are missing."""
    facts: dict[str, object] = {}
    for name, holdout in ((params.lake.repository, False), (params.lake.holdout, True)):
        base = where.namespace if isinstance(where, settings.Remote) else None
        lake = open_lake(params, holdout=holdout)
        facts[name] = {"created": lake.ensure(f"{base or 'local:/'}/{name}")}
    if isinstance(where, settings.Embedded):
        files.write_json(where.home / REMEMBERED, facts)
    return facts
