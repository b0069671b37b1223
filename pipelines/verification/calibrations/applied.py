"""What is known about the verifier of a round, for the guard.

A person's audit of these very candidates shows p as it is. Any other audit shows what the verifier
does to right and wrong rows; p then follows from how many of the round's candidates it keeps. Where
errors were planted, nobody knows of which kind those of the generator are, so the kind that leaves
the least room counts: whatever the mixture, p is at most, and p* at least, that of the worst kind.
"""

from __future__ import annotations

import math
from typing import Any

from expectations.calibration import Calibration
from lineage import curate as curation
from pipelines.rounds import manifest, tables
from pipelines.rounds.context import RoundContext
from pipelines.verification.calibrations import records, store
from pipelines.verification.calibrations.records import Candidates, Record
from pipelines.verification.calibrations.store import Stored


def to_round(ctx: RoundContext, commit: str) -> dict[str, Any]:
    """What the guard is told about the verifier of a round.

    Args:
        ctx: the round.
        commit: one that holds its verdicts and lineage.

    Returns:
        As `lineage.evidence.Evidence.calibration`.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    digest = str(manifest.read(lake, commit, dataset, number)["verdicts"]["suite"])
    settings = ctx.round.settings.verify.model_dump(mode="json")
    known = store.all_of(lake, dataset)
    found = next((each for each in known if each.record.holds_for(digest, settings)), None)
    if found is None:
        return {"suite": digest, "void": len(known)}
    ids = tables.read_round(lake, commit, dataset, "lineage", number).sort("row")["sample_id"]
    verdicts = tables.read_round(lake, commit, dataset, "verdicts", number)
    there = Candidates(
        digest=records.candidates_digest(ids),
        rows=len(ids),
        kept=int(curation.kept(verdicts)["kept"].sum()),
    )
    return describe(found, there)


def describe(found: Stored, candidates: Candidates) -> dict[str, Any]:
    """A calibration held against the candidates of a round."""
    record = found.record
    kind, estimated = _worst(record, candidates)
    return {
        "suite": record.suite_digest,
        "source": record.source,
        "round": record.round,
        "place": found.path,
        "kind": kind,
        **estimated.to_dict(),
    }


def _worst(record: Record, candidates: Candidates) -> tuple[str | None, Calibration]:
    """The kind of error that leaves the least room between p and p*; None: all together."""
    mine = record.candidates_are(candidates)
    kinds: dict[str | None, records.Tally] = dict(record.suite.kinds.items())
    kinds = kinds or {None: record.suite.tally}
    seen = mine and record.source == "sheet"
    found = {kind: records.of(each, candidates, seen=seen) for kind, each in kinds.items()}
    return max(found.items(), key=lambda each: _room(each[1]))


def _room(found: Calibration) -> float:
    """How much of the room below p* the errors may take: 1 and more is too much."""
    return found.error.high / found.threshold.low if found.threshold.low else math.inf
