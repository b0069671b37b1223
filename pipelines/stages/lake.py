"""Stage `lake`: a receipt that identifies the lake, on which all other stages depend.

The stage runs on every `dvc repro`, so it imports little. For the embedded lake, the facts are
cached beside the lake and its server is not started. A wiped or different lake gives other facts,
so DVC runs the rounds again; results that this lake already holds are adopted.
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
    """Validate params.yaml, identify the lake, and write the receipt."""
    params = load()
    where = settings.resolve(Path.cwd())
    facts = _cached(where, params) or _query(where, params)
    files.write_json(RECEIPT, facts)


def _cached(where: settings.Remote | settings.Embedded, params: Params) -> Any:  # noqa: ANN401
    """The facts cached beside the embedded lake, if they are about the same repositories."""
    if not isinstance(where, settings.Embedded):
        return None
    try:
        facts = documents.read_json(where.home / REMEMBERED)
    except (OSError, DocumentError):
        return None
    names = {params.lake.repository, params.lake.holdout}
    return facts if isinstance(facts, dict) and set(facts) == names else None


def _query(where: settings.Remote | settings.Embedded, params: Params) -> dict[str, object]:
    """Query the lake, and create the repositories that are missing."""
    facts: dict[str, object] = {}
    for name, holdout in ((params.lake.repository, False), (params.lake.holdout, True)):
        base = where.namespace if isinstance(where, settings.Remote) else None
        lake = open_lake(params, holdout=holdout)
        facts[name] = {"created": lake.ensure(f"{base or 'local:/'}/{name}")}
    if isinstance(where, settings.Embedded):
        files.write_json(where.home / REMEMBERED, facts)
    return facts
