"""Apply the newest calibration of a verifier that counts to a round, for the guard.

A person's audit of these very candidates measures p directly. Any other audit measures what the
verifier does to right and wrong rows; p then follows from how many of the round's candidates it
keeps. Where errors were planted, the kinds of the generator's own errors are unknown, so the worst
kind counts: whatever the mixture of kinds, p is at most, and p* at least, that of the worst kind.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from expectations.calibration import Calibration
from expectations.errors import CalibrationError
from lineage import calibrated, checks, curation
from lineage.evidence import Check
from lineage.limits import Limits
from lineage.record import REVIEWED
from pipelines.rounds import manifest, parts
from pipelines.rounds.context import RoundContext
from pipelines.verification.calibrations import merges, records
from pipelines.verification.calibrations.merges import Stored
from pipelines.verification.calibrations.records import Candidates, Record


def to_round(ctx: RoundContext, commit: str) -> dict[str, Any]:
    """Describe the calibration of a round's verifier, as evidence for the guard.

    Args:
        ctx: The round.
        commit: A commit that holds its verdicts and lineage.

    Returns:
        What `lineage.evidence.Evidence.calibration` holds.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    digest = str(manifest.read(lake, commit, dataset, number)["verdicts"]["suite"])
    settings = ctx.round.settings.verify.model_dump(mode="json")
    found = merges.all_of(lake, dataset)
    valid = [item for item in found.counting if item.record.holds_for(digest, settings)]
    left_out = {
        "void": len(found.counting) - len(valid),
        "unsigned": found.unsigned,
        "unreadable": found.unreadable,
    }
    if not valid:
        return {"suite": digest, **left_out}
    columns = ("row", "sample_id", "attribution")
    keys = parts.joined(parts.blocks(lake, commit, dataset, "lineage", number, columns=columns))
    made = keys.filter(pl.col("attribution").ne_missing(REVIEWED))  # by the generator
    ids = made.sort("row")["sample_id"]
    verdicts = parts.decisive_verdicts(lake, commit, dataset, number)
    candidates = Candidates(
        digest=records.candidates_digest(ids),
        rows=len(ids),
        kept=int(curation.kept(verdicts)["kept"].sum()),
    )
    return {**describe(valid[0], candidates), **left_out}


def describe(stored: Stored, candidates: Candidates) -> dict[str, Any]:
    """Estimate, by a stored calibration, how good the verifier is on a round's candidates.

    Returns:
        What `lineage.evidence.Evidence.calibration` holds, without estimates if there are no
        candidates.
    """
    record = stored.record
    try:
        kind, estimated = _worst_kind(record, candidates)
        estimates = estimated.to_dict()
    except CalibrationError:
        kind, estimates = None, {"error": None}
    return {
        "suite": record.suite_digest,
        "source": record.source,
        "round": record.round,
        "place": stored.path,
        "digest": stored.digest,
        "signed_by": stored.signer,
        "kind": kind,
        **estimates,
    }


def guard_check(stored: Stored, limits: Limits) -> Check:
    """What the guard says of the candidates that were audited, by this audit alone."""
    description = describe(stored, stored.record.suite.candidates)
    return checks.hold(
        checks.CALIBRATION, calibrated.of(description, stored.record.dataset), limits
    )


def _worst_kind(record: Record, candidates: Candidates) -> tuple[str | None, Calibration]:
    """Find the kind of error with the greatest ratio of p to p*; None: all errors together."""
    tallies: dict[str | None, records.Tally] = dict(record.suite.kinds.items())
    tallies = tallies or {None: record.suite.tally}
    seen = record.source == "sheet" and record.candidates_are(candidates)
    estimates = {
        kind: records.estimate(tally, candidates, seen=seen) for kind, tally in tallies.items()
    }
    return max(estimates.items(), key=lambda item: _ratio(item[1]))


def _ratio(calibration: Calibration) -> float:
    """Upper bound of p over lower bound of p*; 1 or more means that the verifier is not enough."""
    threshold = calibration.threshold.low
    return calibration.error.high / threshold if threshold else math.inf
