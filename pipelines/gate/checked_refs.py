"""When tags and main were last held against the receipts, so that nothing is asked twice.

To ask a lake takes a second (its server must run, and the SDK be imported), and `dvc repro` would
ask on every run. What is found depends on nothing but refs and receipts. So while the refs of the
embedded lake and the receipts are those of the last check that found nothing, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from lake import documents, files, heads, private, settings
from lake.client import Lake
from lake.documents import DocumentError
from pipelines.common import digests
from pipelines.gate import tags
from pipelines.gate.tags import TagFinding
from pipelines.params import Params
from pipelines.rounds.context import PRIVATE

CHECKED: Final = PRIVATE / "checked-refs.json"
"""What refs and receipts were when they last contradicted nothing."""


def check(params: Params, open_lake: Callable[[], Lake]) -> list[TagFinding]:
    """Hold tags and main against the receipts, unless nothing changed since they last were.

    Args:
        params: settings of the project.
        open_lake: connects to the lake, which is not done if nothing changed.

    Returns:
        Findings that do not stop a run.

    Raises:
        StaleError: receipts, tags and main contradict each other.
    """
    if not tags.publish_receipts():
        return []
    state = _state(params)
    if state is not None and _noted() == state:
        return []
    findings = tags.refuse(open_lake(), params)
    if not findings:
        _note(state)
    return findings


def note_published(lake: Lake, params: Params) -> None:
    """Note that nothing is contradicted after a stage published a round, if that is so."""
    state = _state(params)
    if state is not None and not tags.check(lake, params):
        _note(state)


def _state(params: Params) -> dict[str, str] | None:
    """Digests of what a check reads; None if the refs can only be asked for."""
    where = settings.resolve(Path.cwd())
    if not isinstance(where, settings.Embedded):
        return None
    refs_now = heads.digest(where.home, params.lake.repository)
    if refs_now is None:
        return None
    receipts_now = {str(file): digests.of_file(file) for file in tags.publish_receipts()}
    about = {"datasets": sorted(params.datasets), "receipts": receipts_now}
    return {"refs": refs_now, "receipts": digests.of_json(about)}


def _noted() -> Any:  # noqa: ANN401  what the file holds
    try:
        return documents.read_json(CHECKED)
    except (OSError, DocumentError):
        return None


def _note(state: dict[str, str] | None) -> None:
    if state is not None:
        private.folder(PRIVATE)
        files.write_json(CHECKED, state)
