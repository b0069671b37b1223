"""Stage `lake`: a receipt that identifies the lake, on which all other stages depend.

The stage runs on every `dvc repro`, so it imports little. For the embedded lake, the facts are
cached beside the lake. A wiped or different lake gives other facts, so DVC runs the rounds again;
results that this lake already holds are adopted.

While the facts stay the same, the lake must hold what the receipts say. Whoever may write to it can
move main back or make a tag again, which changes no commit, so that no later stage would notice:
once a round is published, tags and main are held against the receipts on every run, unless neither
a ref of the embedded lake nor a receipt has changed since they last were.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lake import documents, files, private, settings
from lake.documents import DocumentError
from pipelines.common import console
from pipelines.gate import checked_refs
from pipelines.params import Params, load
from pipelines.rounds import receipts
from pipelines.rounds.context import open_lake

RECEIPT = receipts.ROOT / "lake.json"
REMEMBERED = "repositories.json"


def run() -> None:
    """Validate params.yaml, identify the lake, check its tags, and write the receipt.

    Raises:
        StaleError: receipts, tags and main contradict each other.
    """
    params = load()
    where = settings.resolve(Path.cwd())
    facts = _cached(where, params) or _query(where, params)
    if facts == _read(RECEIPT):  # otherwise this is another lake, and the rounds run again
        for finding in checked_refs.check(params, lambda: open_lake(params)):
            console.line(finding.sentence)
    files.write_json(RECEIPT, facts)


def _read(file: Path) -> Any:  # noqa: ANN401  what the file holds
    """The content of a JSON file; None if there is none, or it is damaged."""
    try:
        return documents.read_json(file)
    except (OSError, DocumentError):
        return None


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
        private.close(where.home / REMEMBERED)
    return facts
