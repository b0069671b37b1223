"""`stemma quarantine REF -o FILE`: the refused rows of a round, with every verdict against them.

What the rows hold is data that a suite refused, so nothing of it is printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.common.settings import nearest
from pipelines.inquiry import quarantine
from pipelines.inquiry.quarantine import Quarantine
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli import files, round_refs
from review.cli.output import make_console, number, plural, print_json, sentence
from review.cli.round_refs import RoundRef
from review.errors import UsageError


def run(
    *,
    ref: str,
    dataset: str | None,
    output: Path,
    reason: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write the refused rows of the round at a ref as Parquet.

    Raises:
        ReviewError: the file is there already, or cannot be written.
        UsageError: the ref holds rounds of several data sets, or no row can have the reason.
    """
    files.check_free(output, force=force)
    params = load()
    lake = open_lake(params)
    found = round_refs.find_only(params, lake, ref, dataset, "whose rows to write")
    refused = quarantine.find(lake, found.commit, found.dataset, found.number)
    if reason is not None:
        refused = _only(refused, reason)
    rows = write(output, refused.blocks())
    told = _told(found, refused, output, rows)
    if as_json:
        print_json(told)
        return
    counted = f"{number(rows)} refused {plural('row', rows)} of {found.key}"
    named = f" with the reason {reason}" if reason is not None else ""
    out = make_console()
    out.print(sentence(f"wrote {output}: {counted}{named}"), soft_wrap=True)
    if refused.taken_down:
        left_out = f"{number(refused.taken_down)} {plural('row', refused.taken_down)} left out"
        out.print(sentence(f"{left_out}, because they were taken down"), soft_wrap=True)


def write(path: Path, blocks: Iterable[pl.DataFrame]) -> int:
    """Write blocks of one schema as a Parquet file, which appears when it is complete.

    Returns:
        The number of rows.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  slow to import

    rows, writer = 0, None
    with files.replacing(path) as out:
        for block in blocks:
            table = block.to_arrow()
            if writer is None:
                writer = pq.ParquetWriter(out, table.schema, compression="zstd")
            with files.translated(path):
                writer.write_table(table)
            rows += len(block)
        if writer is not None:
            with files.translated(path):
                writer.close()
    return rows


def _only(refused: Quarantine, reason: str) -> Quarantine:
    names = refused.reasons()
    if reason not in names:
        raise UsageError(f"no row can have the reason {reason!r}{nearest(reason, names)}")
    return refused.only(reason)


def _told(found: RoundRef, refused: Quarantine, output: Path, rows: int) -> dict[str, Any]:
    counts = refused.rows["reasons"].explode().drop_nulls().value_counts(sort=True)
    return {
        "file": str(output),
        "dataset": found.dataset,
        "round": found.number,
        "commit": found.commit,
        "rows": rows,
        "reasons": dict(counts.iter_rows()),
        "taken_down": refused.taken_down,
    }
