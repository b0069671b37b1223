"""Audits of the verifier of a round: what is audited, and by a person's labels.

`planted_audits` has those by errors that are planted, which need the suite itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from expectations.errors import CalibrationError
from lake.client import Lake
from lake.errors import NotFoundError
from lake.values import Commit
from pipelines.common.errors import StaleError
from pipelines.common.seeds import derive_seed
from pipelines.params import Params, resolve
from pipelines.rounds import history, manifest, tables
from pipelines.rounds.context import RoundContext
from pipelines.verification.calibrations import records, sheets, tallies
from pipelines.verification.calibrations.records import Record, Source
from pipelines.verification.calibrations.sheets import LabellingRequest

ROWS: Final = pl.Schema(
    {
        "round": pl.Int32,
        "row": pl.Int64,
        "sample_id": pl.Binary,
        "asked": pl.String,
        "truth": pl.String,
        "note": pl.String,
        "kind": pl.String,
        "right": pl.Boolean,
        "kept": pl.Boolean,
    }
)
"""Columns of the audited rows in the lake; `row` is that of the round for a sheet, else from 0."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A verified round whose verifier is audited."""

    ctx: RoundContext
    commit: str
    """Its verify commit."""
    manifest: Mapping[str, Any]
    """Its manifest at that commit."""
    candidates: pl.DataFrame
    verdicts: pl.DataFrame

    @property
    def suite_digest(self) -> str:
        """Digest of the suite that gave the verdicts."""
        return str(self.manifest["verdicts"]["suite"])

    def sampling_frame(self) -> pl.DataFrame:
        """The candidates with `asked`, the label they were made for, and `kept`, the verdict."""
        label = pl.col("label") if "label" in self.candidates.columns else pl.lit(None)
        by_suite = tallies.kept(self.verdicts).filter(pl.col(tallies.EXPECTATION).is_null())
        return self.candidates.with_columns(label.cast(pl.String).alias("asked")).join(
            by_suite.select(*tallies.KEY, "kept"),
            on=tallies.KEY,
            how="left",
            maintain_order="left",
        )


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit, and its rows."""

    record: Record
    rows: pl.DataFrame
    """Columns as `ROWS`."""


def subject(lake: Lake, params: Params, dataset: str, number: int | None = None) -> Subject:
    """Find the round to audit: the one with this number, or the newest that is verified.

    Args:
        lake: The lake of the samples.
        params: The settings of the project.
        dataset: The data set.
        number: Number of the round; None: the newest verified one.

    Raises:
        StaleError: The round is not verified yet, or does not exist.
    """
    own = (entry.round for entry in params.rounds.values() if entry.dataset == dataset)
    numbers = sorted(own, reverse=True)
    for candidate in numbers if number is None else [number] if number in numbers else []:
        ctx = RoundContext(params, resolve(params, f"{dataset}-{candidate}"), lake)
        commit = _verify_commit(ctx)
        if commit is not None:
            parts = [
                tables.read_round(lake, commit.id, dataset, table, candidate)
                for table in ("candidates", "verdicts")
            ]
            content = manifest.read(lake, commit.id, dataset, candidate)
            return Subject(ctx, commit.id, content, *parts)
    which = f"no round of {dataset}" if number is None else f"round {number} of {dataset} not"
    raise StaleError(
        f"{which} is verified yet; `dvc repro` verifies the rounds of params.yaml"
        if number is None
        else f"{which} verified yet, or not in params.yaml; see `stemma status`"
    )


def ask(subject: Subject, path: Path, rows: int) -> pl.DataFrame:
    """Draw a sample of candidates and write a labelling sheet.

    Args:
        subject: The verified round.
        path: Path of the sheet, a CSV file.
        rows: Size of the sample.

    Returns:
        The drawn candidates.

    Raises:
        CalibrationError: The suite judges no single row.
    """
    drawn, request = draw(subject, rows)
    sheets.write(path, drawn, request)
    return drawn


def draw(subject: Subject, rows: int) -> tuple[pl.DataFrame, LabellingRequest]:
    """Draw a sample of candidates: the same one for whoever asks for as many rows.

    Returns:
        The drawn candidates without their verdicts, and what is asked about them.

    Raises:
        CalibrationError: The suite judges no single row, so answers could not be counted.
    """
    if subject.verdicts["row"].null_count() == len(subject.verdicts):
        raise CalibrationError(
            f"the suite of {subject.ctx.round.dataset} judges no single row, so there is no "
            "verdict to audit; give it an expectation about rows, and verify the round again"
        )
    round_ = subject.ctx.round
    seed = derive_seed(round_.seed, round_.dataset, round_.number, "audit", subject.commit)
    drawn = sheets.draw(subject.sampling_frame(), rows, seed)
    request = LabellingRequest(
        round_.dataset,
        round_.number,
        subject.commit,
        subject.suite_digest,
        tuple(drawn["row"].to_list()),
    )
    return drawn.drop("kept"), request


def answered(
    subject: Subject, path: Path, request: LabellingRequest, reviewer: str | None = None
) -> Audit:
    """Read a person's answers and compare the verdicts of the round with them.

    Args:
        subject: The verified round.
        path: Path of the sheet.
        request: The request of the sheet.
        reviewer: Who filled it in; None: the user of the lake.

    Raises:
        CalibrationError: A row of the sheet is no answer; the message names it.
    """
    answers = sheets.read(path, request, subject.sampling_frame())
    return by_person(subject, answers, request, reviewer)


def by_person(
    subject: Subject, answers: pl.DataFrame, request: LabellingRequest, reviewer: str | None
) -> Audit:
    """Compare the verdicts of the round with a person's answers, as of `sheets.checked`."""
    labelled = answers.filter(pl.col("right").is_not_null()).with_columns(
        pl.lit(None, pl.String).alias("kind")
    )
    audit = counted(subject, "sheet", labelled, subject.verdicts, asked=len(request.rows))
    return replace(audit, record=records.named(audit.record, reviewer))


def _verify_commit(ctx: RoundContext) -> Commit | None:
    """Find the commit that verified the round: on its branch, or in the history of main."""
    try:
        return history.find(ctx.lake, ctx.round, lambda _, made: made.stage == "verify")
    except NotFoundError:
        return None


def counted(
    subject: Subject, source: Source, labelled: pl.DataFrame, verdicts: pl.DataFrame, *, asked: int
) -> Audit:
    """Count and estimate from rows whose truth is known.

    Args:
        subject: The verified round.
        source: Who knows the truth.
        labelled: Columns of `ROWS` but for `kept`, of the rows whose truth is known.
        verdicts: Verdicts on these rows; other rows are ignored.
        asked: Number of audited rows.
    """
    digest = records.candidates_digest(subject.candidates.sort("row")["sample_id"])
    truth = labelled.select(*tallies.KEY, "right", "kind")
    findings = records.findings(truth, verdicts, subject.verdicts, digest=digest)
    suite = findings.pop(None)
    record = Record(
        source=source,
        dataset=subject.ctx.round.dataset,
        round=subject.ctx.round.number,
        commit=subject.commit,
        suite_digest=subject.suite_digest,
        verify=subject.ctx.round.settings.verify.model_dump(mode="json"),
        asked=asked,
        answered=len(labelled),
        suite=suite,
        expectations={str(name): finding for name, finding in findings.items()},
    )
    by_suite = tallies.kept(verdicts).filter(pl.col(tallies.EXPECTATION).is_null())
    rows = labelled.join(by_suite.select(*tallies.KEY, "kept"), on=tallies.KEY, how="left")
    return Audit(record, rows.select(pl.col(name).cast(dtype) for name, dtype in ROWS.items()))
