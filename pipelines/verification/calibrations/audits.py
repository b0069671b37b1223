"""Audits of a round: ask a person about its candidates, or plant errors into held-out real rows.

Planted errors are made of validation rows, never of test rows, and are scored and judged as stage
`verify` does it with candidates: with the same suite, settings, seed and real rows. Expectations
about the round as a whole, or about lineage, which planted rows do not have, are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake.errors import NotFoundError
from lake.values import Commit
from lineage.identity import sample_ids
from pipelines.common.errors import StaleError
from pipelines.common.seeds import derive_seed
from pipelines.params import Params, resolve
from pipelines.rounds import history, manifest, tables
from pipelines.rounds.context import RoundContext, held_out, open_lake
from pipelines.verification import judging
from pipelines.verification.calibrations import planting, records, sheets, tallies
from pipelines.verification.calibrations.records import Record, Source
from pipelines.verification.calibrations.sheets import Asked

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
"""The audited rows as they are kept: of a sheet, rows of the round; planted ones count from 0."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A round that was verified."""

    ctx: RoundContext
    commit: str
    """Its verify commit."""
    about: Mapping[str, Any]
    """Its manifest there."""
    candidates: pl.DataFrame
    verdicts: pl.DataFrame

    @property
    def suite_digest(self) -> str:
        """Of the suite that gave the verdicts."""
        return str(self.about["verdicts"]["suite"])

    def asked(self) -> pl.DataFrame:
        """The candidates with `asked`, the label they were made for, and `kept`."""
        label = pl.col("label") if "label" in self.candidates.columns else pl.lit(None)
        whole = tallies.kept(self.verdicts).filter(pl.col(tallies.EXPECTATION).is_null())
        return self.candidates.with_columns(label.cast(pl.String).alias("asked")).join(
            whole.select(*tallies.KEY, "kept"),
            on=tallies.KEY,
            how="left",
            maintain_order="left",
        )


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found, and the rows it was found in."""

    record: Record
    rows: pl.DataFrame
    """`ROWS`."""


def subject(params: Params, dataset: str, number: int | None = None) -> Subject:
    """The round that is audited: the one asked for, or the newest that was verified.

    Raises:
        StaleError: it was not verified yet, or there is no such round.
    """
    lake = open_lake(params)
    entries = [each for each in params.rounds.values() if each.dataset == dataset]
    numbers = sorted((each.round for each in entries), reverse=True)
    for each in numbers if number is None else [number] if number in numbers else []:
        ctx = RoundContext(params, resolve(params, f"{dataset}-{each}"), lake)
        commit = _verified(ctx)
        if commit is not None:
            about = manifest.read(lake, commit.id, dataset, each)
            parts = [
                tables.read_round(lake, commit.id, dataset, table, each)
                for table in ("candidates", "verdicts")
            ]
            return Subject(ctx, commit.id, about, *parts)
    which = f"no round of {dataset}" if number is None else f"round {number} of {dataset} not"
    raise StaleError(
        f"{which} is verified yet; `dvc repro` verifies the rounds of params.yaml"
        if number is None
        else f"{which} verified yet, or not in params.yaml; see `stemma status`"
    )


def ask(about: Subject, place: Path, rows: int) -> pl.DataFrame:
    """Draw a sample of candidates and write the sheet; return the drawn candidates.

    Args:
        about: the round.
        place: of the CSV file.
        rows: how many candidates to ask about.
    """
    round_ = about.ctx.round
    seed = derive_seed(round_.seed, round_.dataset, round_.number, "audit", about.commit)
    drawn = sheets.draw(about.asked(), rows, seed)
    asked = Asked(
        round_.dataset,
        round_.number,
        about.commit,
        about.suite_digest,
        tuple(drawn["row"].to_list()),
    )
    sheets.write(place, drawn, asked)
    return drawn.drop("kept")


def answered(about: Subject, place: Path, asked: Asked) -> Audit:
    """Read a person's answers and hold the verdicts of the round against them.

    Raises:
        CalibrationError: an answer cannot be one; names the row.
    """
    candidates = about.asked()
    found = sheets.read(place, asked, candidates)
    known = found.filter(pl.col("right").is_not_null()).with_columns(
        pl.lit(None, pl.String).alias("kind")
    )
    return _audit(about, "sheet", known, about.verdicts, asked=len(asked.rows))


def planted(about: Subject, rows: int) -> Audit:
    """Plant errors into held-out rows and hold the suite's verdicts against them.

    The rows are those of the split validation, so scorers are shown the other one alone: else every
    right row would be taken for a leak.

    Raises:
        StaleError: the round was verified with another suite than the data set has now.
        DataError: no errors can be planted into this data.
    """
    ctx, dataset = about.ctx, about.ctx.round.dataset
    suite = judging.suite_of(dataset)
    if suite.digest != about.suite_digest:
        raise StaleError(
            f"round {ctx.round.number} of {dataset} was verified with another suite than "
            f"expectations/suites/{dataset}.json is now; run `dvc repro` first"
        )
    pinned = str(about.about["mix"]["commit"])
    right = held_out(ctx, pinned).validation().drop("row", "sample_id")
    training = tables.real_samples(ctx.lake, pinned, dataset)
    seed = derive_seed(ctx.round.seed, dataset, ctx.round.number, "planted")
    made = planting.plant(right, training, rows=rows, seed=seed)
    frame = made.drop(planting.KIND).select(
        pl.lit(ctx.round.number, pl.Int32).alias("round"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        sample_ids(made, ctx.round.identity).alias("sample_id"),
        pl.all(),
    )
    _, found = judging.judge(ctx, judging.of_rows(suite), frame, pinned, held_out_splits=("test",))
    known = frame.with_columns(made[planting.KIND]).with_columns(
        pl.col("label").cast(pl.String).alias("asked")
        if "label" in frame.columns
        else pl.lit(None, pl.String).alias("asked"),
        pl.lit(None, pl.String).alias("truth"),
        pl.lit(None, pl.String).alias("note"),
        pl.col("kind").is_null().alias("right"),
    )
    return _audit(about, "planted", known, found.verdicts, asked=len(known))


def _verified(ctx: RoundContext) -> Commit | None:
    """The commit that verified the round: on its branch, or behind what main holds."""
    try:
        return history.find(ctx.lake, ctx.round, lambda _, made: made.stage == "verify")
    except NotFoundError:
        return None


def _audit(
    about: Subject, source: Source, known: pl.DataFrame, verdicts: pl.DataFrame, *, asked: int
) -> Audit:
    """Count and estimate, from rows whose truth is known."""
    digest = records.candidates_digest(about.candidates.sort("row")["sample_id"])
    truth = known.select(*tallies.KEY, "right", "kind")
    found = records.findings(truth, verdicts, about.verdicts, digest=digest)
    suite = found.pop(None)
    record = Record(
        source=source,
        dataset=about.ctx.round.dataset,
        round=about.ctx.round.number,
        commit=about.commit,
        suite_digest=about.suite_digest,
        verify=about.ctx.round.settings.verify.model_dump(mode="json"),
        asked=asked,
        answered=len(known),
        suite=suite,
        expectations={str(name): each for name, each in found.items()},
    )
    whole = tallies.kept(verdicts).filter(pl.col(tallies.EXPECTATION).is_null())
    rows = known.join(whole.select(*tallies.KEY, "kept"), on=tallies.KEY, how="left")
    return Audit(record, rows.select(pl.col(name).cast(kind) for name, kind in ROWS.items()))
