"""What an audit found: counts, and what follows from them, of the suite and each expectation.

A record holds for the suite and the verify settings that it was made with, and is void for others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from expectations import calibration
from expectations.calibration import Calibration, Counts
from pipelines.common.errors import DataError
from pipelines.verification.calibrations import tallies

Source = Literal["sheet", "planted"]
MOST: Final = 1 << 24
"""Bytes of a record."""


class Part(BaseModel):
    """A part of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Tally(Part):
    """Audited rows, right and wrong, and how many of each were kept."""

    correct: int
    correct_kept: int
    wrong: int
    wrong_kept: int

    @property
    def counts(self) -> Counts:
        """As the estimates take them."""
        return Counts(self.correct, self.correct_kept, self.wrong, self.wrong_kept)


class Candidates(Part):
    """The candidates of a round: which they are, and how many are kept."""

    digest: str
    """SHA-256 over their sample ids in order of rows."""
    rows: int
    kept: int


class Finding(Part):
    """What was found about the suite, or about one expectation."""

    severity: str | None
    """None: the suite."""
    tally: Tally
    kinds: Mapping[str, Tally] = {}
    """By planted kind, each with all right rows."""
    candidates: Candidates
    estimates: Mapping[str, Any]
    """`Calibration` as JSON."""
    kind_estimates: Mapping[str, Mapping[str, Any]] = {}
    """The same if all wrong candidates were of one kind."""


class Record(Part):
    """One audit of one round."""

    version: Literal["stemma-calibration/1"] = "stemma-calibration/1"
    source: Source
    dataset: str
    round: int
    commit: str
    """The verify commit whose verdicts were audited, or whose kept share p follows from."""
    suite_digest: str
    verify: Mapping[str, Any]
    """The settings of stage `verify`."""
    asked: int
    """Audited rows."""
    answered: int
    """Those whose truth is known."""
    suite: Finding
    expectations: Mapping[str, Finding]

    def holds_for(self, suite_digest: str, verify: Mapping[str, Any]) -> bool:
        """Whether the record is about a verifier; one that was changed is another."""
        return self.suite_digest == suite_digest and dict(self.verify) == dict(verify)

    def candidates_are(self, others: Candidates) -> bool:
        """Whether the audited round had these candidates."""
        return self.suite.candidates.digest == others.digest


def parse(text: bytes, where: str) -> Record:
    """Read a record.

    Raises:
        DataError: it is none.
    """
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise DataError(f"{where} is not a calibration; remove it and audit again") from error


def candidates_digest(ids: pl.Series) -> str:
    """Which candidates a round has: SHA-256 over their sample ids, in order of rows."""
    return hashlib.sha256(b"".join(ids.to_list())).hexdigest()


def findings(
    truth: pl.DataFrame, audited: pl.DataFrame, verdicts: pl.DataFrame, *, digest: str
) -> dict[str | None, Finding]:
    """Estimate how good the suite (None) and each expectation are.

    Args:
        truth: round, row, right, kind of the audited rows.
        audited: their verdicts.
        verdicts: of all candidates of the round.
        digest: of these candidates.

    Raises:
        DataError: no expectation judges single rows.
    """
    if audited["row"].null_count() == len(audited):
        raise DataError("the suite judges no single row, so there is no verdict to audit")
    counted = tallies.tally(truth, audited).partition_by(
        tallies.EXPECTATION, as_dict=True, maintain_order=True
    )
    known = {str(name): counted[name,] for (name,) in counted if name is not None}
    found: dict[str | None, Finding] = {}
    for row in tallies.totals(verdicts).iter_rows(named=True):
        name = row[tallies.EXPECTATION]
        mine = counted[None,] if name is None else known.get(name)
        if mine is None:  # nothing about it can be seen in planted rows
            continue
        there = Candidates(digest=digest, rows=row["rows"], kept=row["kept"])
        found[name] = _finding(mine, row["severity"], there)
    return found


def of(tally: Tally, candidates: Candidates, *, seen: bool) -> Calibration:
    """Estimate φ, ψ, p and p*.

    Args:
        tally: of the audited rows.
        candidates: of the round that p is about.
        seen: the audited rows are a sample of these candidates, so p is seen in them; else it
            follows from the share that is kept.
    """
    if seen:
        return calibration.audited(tally.counts)
    return calibration.planted(tally.counts, kept=candidates.kept, candidates=candidates.rows)


def _finding(counted: pl.DataFrame, severity: str | None, candidates: Candidates) -> Finding:
    by_kind = {
        row.pop("kind"): Tally(**row)
        for row in counted.drop(tallies.EXPECTATION).iter_rows(named=True)
    }
    whole = by_kind.pop(None)
    seen = not by_kind
    return Finding(
        severity=severity,
        tally=whole,
        kinds=by_kind,
        candidates=candidates,
        estimates=of(whole, candidates, seen=seen).to_dict(),
        kind_estimates={
            kind: of(each, candidates, seen=False).to_dict() for kind, each in by_kind.items()
        },
    )
