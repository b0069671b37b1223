"""How far people who filled in sheets of the same candidates agree: Krippendorff's alpha.

Each person's newest sheet counts, whatever suite it was filled in for: whether a candidate is what
was asked for does not depend on the suite. Sheets are about the same candidates if they are about
the same row and id of a round with the same candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import CorruptError, NotFoundError, TooLargeError
from lake.tables import decode
from lineage.schema import UNREADABLE
from pipelines.reviewing import agreement
from pipelines.verification.calibrations import audits, merges
from pipelines.verification.calibrations.merges import Stored
from pipelines.verification.calibrations.records import Agreement, Record

MAX_BYTES: Final = 1 << 28
"""Greatest size of the file with the audited rows."""
KEY: Final = ("row", "sample_id")
ANSWERS: Final = (*KEY, "right", "truth", "note")
"""Columns of the audited rows that hold a person's answers."""


def compared(lake: Lake, record: Record, rows: pl.DataFrame, ref: str) -> Record:
    """The record of a sheet with its agreement with the sheets of others that a ref holds.

    Args:
        lake: the lake; the sheet was filled in by its user, unless the record names somebody.
        record: the record; that of planted errors is given back as it is.
        rows: row, sample_id and right of the audited rows.
        ref: a ref of main.
    """
    if record.source != "sheet":
        return record
    others = newest_by_reviewer(lake, record.dataset, record.suite.candidates.digest, ref)
    name = record.reviewer or lake.user()
    others.pop(name, None)
    parts = {name: rows, **dict(_readable(lake, others.values()))}
    return record.model_copy(update={"agreement": among(parts)})


def among(answers: Mapping[str, pl.DataFrame]) -> Agreement | None:
    """The agreement of people; None where no two answered about the same candidate.

    Args:
        answers: row, sample_id and right (null: no answer) by the name of the person.
    """
    known = [
        rows.select(*KEY, "right").drop_nulls("right").with_columns(reviewer=pl.lit(name))
        for name, rows in answers.items()
    ]
    units = pl.concat(known).group_by(KEY).agg(pl.col("right").cast(pl.String), "reviewer")
    several = units.filter(pl.col("right").list.len() > 1)
    if several.is_empty():
        return None
    people = several["reviewer"].explode().unique().sort()
    alpha = agreement.alpha(several["right"].to_list())
    return Agreement(reviewers=tuple(people), samples=len(several), alpha=alpha)


def told(record: Record) -> str:
    """Say how far those who filled in sheets of the candidates agree; empty of planted errors."""
    agreed = record.agreement
    if record.source != "sheet":
        return ""
    if agreed is None:
        return "agreement not measured: nobody else filled in a sheet of these candidates"
    figure = "not defined, as all answers are the same"
    if agreed.alpha is not None:
        figure = f"{agreed.alpha:.3f}"
    candidates = "candidate" if agreed.samples == 1 else "candidates"
    who = ", ".join(agreed.reviewers)
    return f"Krippendorff's alpha of {who} on {agreed.samples:,} {candidates}: {figure}"


def newest_by_reviewer(
    lake: Lake, dataset: str, candidates: str, ref: str = refs.MAIN
) -> dict[str, Stored]:
    """The newest sheet of each person about the candidates of a round, by the person's name.

    Args:
        lake: the lake.
        dataset: the data set.
        candidates: digest of the candidates, as `records.Candidates.digest`.
        ref: a ref of main.
    """
    found: dict[str, Stored] = {}
    for stored in merges.all_of(lake, dataset, ref).counting:
        record = stored.record
        if record.source == "sheet" and record.suite.candidates.digest == candidates:
            found.setdefault(stored.reviewer, stored)
    return found


def answers_of(lake: Lake, stored: Stored) -> pl.DataFrame | None:
    """The answers of a stored sheet: `ANSWERS`.

    Returns:
        None where its rows cannot be read, or are not those that its merge names, which
        `stemma audit --history` says.
    """
    named = lake.resolve(stored.commit).metadata.get(merges.ROWS)
    try:
        data = lake.read(stored.commit, merges.rows_path(stored.path), MAX_BYTES)
        typed = decode([data]).select(pl.col(name).cast(audits.ROWS[name]) for name in ANSWERS)
        found = typed.unique(KEY, keep="last", maintain_order=True).collect()
    except (NotFoundError, TooLargeError, CorruptError, *UNREADABLE):
        return None
    return found if named in {None, merges.sha256(data)} else None


def _readable(lake: Lake, sheets: Iterable[Stored]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The answers of stored sheets that can be read, each with who gave them."""
    for stored in sheets:
        found = answers_of(lake, stored)
        if found is not None:
            yield stored.reviewer, found
