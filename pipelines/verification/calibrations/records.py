"""Record of an audit: counts of the suite and of each expectation, and estimates from them.

A record is valid for the suite and the verify settings that it was made with, and void for others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

import polars as pl
from pydantic import ConfigDict, Field, ValidationError, model_validator

from expectations import calibration
from expectations.calibration import Calibration, Counts
from pipelines.common.errors import DataError
from pipelines.common.settings import StrictModel
from pipelines.reviewing.record import LONGEST_NAME, Line
from pipelines.verification.calibrations import tallies

Source = Literal["sheet", "planted"]
MAX_BYTES: Final = 1 << 24
"""Greatest size of a record."""
LARGEST: Final = (1 << 31) - 1
"""Greatest number of audited rows."""


class Part(StrictModel):
    """Base of the parts of a record."""

    model_config = ConfigDict(allow_inf_nan=False)


class Tally(Part):
    """Numbers of right and wrong audited rows, and how many of each were kept."""

    correct: int
    correct_kept: int
    wrong: int
    wrong_kept: int

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse counts that contradict each other.

        Raises:
            ValueError: More rows are kept than there are.
        """
        pairs = ((self.correct_kept, self.correct), (self.wrong_kept, self.wrong))
        if not all(0 <= kept <= rows <= LARGEST for kept, rows in pairs):
            raise ValueError("more rows are kept than there are")
        return self

    @property
    def counts(self) -> Counts:
        """The same as the estimates take it."""
        return Counts(self.correct, self.correct_kept, self.wrong, self.wrong_kept)


class Candidates(Part):
    """The candidates of a round: their digest, their number, and how many are kept."""

    digest: str
    """SHA-256 of their sample ids in the order of rows."""
    rows: int
    kept: int


class Finding(Part):
    """Result of an audit for the suite, or for one expectation."""

    severity: str | None
    """None for the suite."""
    tally: Tally
    kinds: Mapping[str, Tally] = {}
    """Tally by planted kind, each with all right rows."""
    candidates: Candidates
    estimates: Mapping[str, Any]
    """`Calibration` as JSON."""
    kind_estimates: Mapping[str, Mapping[str, Any]] = {}
    """Estimates by kind, as if all wrong candidates were of that kind."""


class Agreement(Part):
    """How far people who filled in sheets of the same candidates agree about them."""

    reviewers: tuple[str, ...]
    """Who answered about at least one candidate that another one answered about too."""
    samples: int
    """Number of these candidates."""
    alpha: float | None
    """Krippendorff's alpha for nominal data; None: all answers are the same, so chance cannot be
    told from agreement."""


class Record(Part):
    """An audit of a round."""

    version: Literal["stemma-calibration/1"] = "stemma-calibration/1"
    source: Source
    dataset: str
    round: int
    commit: str
    """The verify commit whose verdicts were audited, or whose kept share gives p."""
    suite_digest: str
    verify: Mapping[str, Any]
    """The settings of stage `verify`."""
    asked: int
    """Number of audited rows."""
    answered: int
    """Number of audited rows whose truth is known."""
    suite: Finding
    expectations: Mapping[str, Finding]
    reviewer: Line | None = Field(None, max_length=LONGEST_NAME)
    """Who filled in the sheet, where several do with one key pair of the lake; None: the committer
    of the merge."""
    agreement: Agreement | None = None
    """Agreement with the newest sheets of others about candidates of the round, as the lake held
    them; None: not measured, since nobody else answered about any of the same candidates."""

    def holds_for(self, suite_digest: str, verify: Mapping[str, Any]) -> bool:
        """Whether the record is about this verifier; a changed suite or setting makes another."""
        return self.suite_digest == suite_digest and dict(self.verify) == dict(verify)

    def candidates_are(self, others: Candidates) -> bool:
        """Whether these are the candidates of the audited round."""
        return self.suite.candidates.digest == others.digest


def named(record: Record, reviewer: str | None) -> Record:
    """The record of a sheet with who filled it in.

    Raises:
        DataError: it is no name in one line.
    """
    try:
        return Record.model_validate({**dict(record), "reviewer": reviewer})
    except ValidationError as error:
        message = f"{reviewer!r} is no name of at most {LONGEST_NAME} characters in one line"
        raise DataError(message) from error


def encoded(record: Record) -> bytes:
    """The bytes of a record: what it does not say takes none, so earlier releases read it then."""
    unsaid = {name for name in ("reviewer", "agreement") if getattr(record, name) is None}
    return record.model_dump_json(indent=2, exclude=unsaid).encode() + b"\n"


def parse(text: bytes, where: str) -> Record:
    """Read a record.

    Raises:
        DataError: The content is no record.
    """
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise DataError(f"{where} is not a calibration; remove it and audit again") from error


def candidates_digest(ids: pl.Series) -> str:
    """Digest the candidates of a round: SHA-256 of their sample ids in the order of rows."""
    return hashlib.sha256(b"".join(ids.to_list())).hexdigest()


def findings(
    truth: pl.DataFrame, audited: pl.DataFrame, verdicts: pl.DataFrame, *, digest: str
) -> dict[str | None, Finding]:
    """Estimate how good the suite (None) and each expectation are.

    Args:
        truth: Columns round, row, right, kind of the audited rows.
        audited: Verdicts on the audited rows.
        verdicts: Verdicts on all candidates of the round.
        digest: Digest of these candidates.

    Raises:
        DataError: No expectation is about single rows.
    """
    if audited["row"].null_count() == len(audited):
        raise DataError("the suite judges no single row, so there is no verdict to audit")
    counted = tallies.tally(truth, audited).partition_by(
        tallies.EXPECTATION, as_dict=True, maintain_order=True
    )
    by_expectation = {str(name): counted[name,] for (name,) in counted if name is not None}
    result: dict[str | None, Finding] = {}
    for row in tallies.totals(verdicts).iter_rows(named=True):
        name = row[tallies.EXPECTATION]
        own_counts = counted[None,] if name is None else by_expectation.get(name)
        if own_counts is None:  # planted rows show nothing about it
            continue
        candidates = Candidates(digest=digest, rows=row["rows"], kept=row["kept"])
        result[name] = _finding(own_counts, row["severity"], candidates)
    return result


def estimate(tally: Tally, candidates: Candidates, *, seen: bool) -> Calibration:
    """Estimate φ, ψ, p and p*.

    Args:
        tally: Tally of the audited rows.
        candidates: Candidates of the round that p is about.
        seen: The audited rows are a sample of these candidates, so p is measured in them;
            otherwise p follows from the share that is kept.
    """
    if seen:
        return calibration.audited(tally.counts)
    return calibration.planted(tally.counts, kept=candidates.kept, candidates=candidates.rows)


def _finding(counted: pl.DataFrame, severity: str | None, candidates: Candidates) -> Finding:
    by_kind = {
        row.pop("kind"): Tally(**row)
        for row in counted.drop(tallies.EXPECTATION).iter_rows(named=True)
    }
    all_kinds = by_kind.pop(None)
    seen = not by_kind
    return Finding(
        severity=severity,
        tally=all_kinds,
        kinds=by_kind,
        candidates=candidates,
        estimates=estimate(all_kinds, candidates, seen=seen).to_dict(),
        kind_estimates={
            kind: estimate(tally, candidates, seen=False).to_dict()
            for kind, tally in by_kind.items()
        },
    )
