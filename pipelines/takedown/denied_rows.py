"""Rows of the lake that are on the deny-list: of a training mix, and among new candidates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from lake import refs
from lake.client import Lake
from pipelines.common.errors import StaleError
from pipelines.params import Round
from pipelines.rounds import mixes, parts, pinned_samples, tables
from pipelines.rounds.receipts import Receipt
from pipelines.takedown import deny_list, gone, noted, record

OCCURRENCE = pl.Schema({"round": pl.Int32(), "row": pl.Int64()})


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What a take-down that is not merged yet would take, and deny."""

    rows: pl.DataFrame
    """As `record.ROW`."""
    entries: pl.DataFrame
    """As `deny_list.ENTRY`."""


def of_mix(
    lake: Lake, commit: str, round_: Round, planned: Planned | None = None
) -> pl.DataFrame | None:
    """Find the accepted rows of a commit that no fit may learn from, because they were taken down.

    Rows that the commit still holds are found by their content. Those whose samples main has lost,
    by a take-down or a purge, are known by the take-downs' own lists.

    Args:
        lake: the lake; main has the deny-list.
        commit: the commit that a mix is taken from.
        round_: the round whose data set it is of.
        planned: a take-down that counts as if main held it.

    Returns:
        round, row, each once; None if nothing was ever taken down.
    """
    listed = deny_list.read(lake)
    if planned is not None:
        listed = listed.extended(planned.entries)
    if not len(listed):
        return None
    refuses = listed.refusing(round_.settings)
    found = [pl.DataFrame(schema=OCCURRENCE)]
    for number in tables.rounds(lake, commit, round_.dataset):
        blocks = parts.blocks(lake, commit, round_.dataset, "samples", number)
        found += [block.filter(refuses(block)).select(OCCURRENCE.names()) for block in blocks]
    found = [each.cast(OCCURRENCE) for each in found]
    lists = [gone.at(lake, ref).taken.select(*record.ROW) for ref in (refs.MAIN, commit)]
    taken = pl.concat([*lists, *([planned.rows] if planned is not None else [])])
    own = taken.filter((pl.col("dataset") == round_.dataset) & pl.col("sample"))
    if len(own):
        key = ["round", "row", "sample_id"]
        lineage = tables.read(lake, commit, round_.dataset, "lineage").select(key)
        lost = lineage.join(own.select(key).unique().lazy(), on=key, how="semi")
        what = f"the lineage of {round_.dataset} at {commit}"
        found.append(tables.collected(lost, what).select(OCCURRENCE.names()).cast(OCCURRENCE))
    return pl.concat(found).unique().sort(OCCURRENCE.names())


def of_candidates(lake: Lake, round_: Round, blocks: Iterable[pl.DataFrame]) -> pl.Series:
    """Find the candidates whose content is on the deny-list of main.

    Args:
        lake: the lake.
        round_: the round.
        blocks: its candidates, block by block; they are read only where something was taken down.

    Returns:
        The rows of these, ascending.
    """
    listed = deny_list.read(lake)
    rows = [pl.Series("row", [], dtype=pl.Int64)]
    if len(listed):
        refuses = listed.refusing(round_.settings)
        rows += [block.filter(refuses(block))["row"].cast(pl.Int64) for block in blocks]
    return pl.concat(rows).sort()


def check_accepted(lake: Lake, commit: str, round_: Round) -> None:
    """Refuse a round whose accepted rows were taken down after stage `curate` had looked.

    Args:
        lake: the lake.
        commit: a commit of the round's branch, with its samples.
        round_: the round.

    Raises:
        StaleError: the deny-list of main names the content of some of them.
    """
    blocks = parts.blocks(lake, commit, round_.dataset, "samples", round_.number)
    denied = len(of_candidates(lake, round_, blocks))
    if denied:
        rows = "row" if denied == 1 else "rows"
        raise StaleError(
            f"{denied:,} {rows} of {round_.key} went by a take-down after it was curated, so it "
            f"stays unpublished; make it again without them: stemma round redo {round_.key} (a "
            "service that made its candidates is asked again)"
        )


def check_learned(lake: Lake, round_: Round, fitted: Receipt, generated: str) -> None:
    """Refuse a round whose generator learned from, or read, samples that were taken down since.

    Args:
        lake: the lake.
        round_: the round.
        fitted: the receipt of its stage `fit`, which counts the rows that were left out then.
        generated: its generate commit, which has the take-downs that there were on main.

    Raises:
        StaleError: more of what it was made from is taken down now.
    """
    denied = of_mix(lake, fitted.commit, round_)
    if denied is None:
        return
    mix = mixes.compose(lake, fitted.commit, round_, contaminated=None, denied=denied)
    learned = mix.left_out.filter(pl.col("why") == mixes.TAKEN_DOWN)
    reads, known = list(pinned_samples.read_by(round_)), set(record.names(lake, generated))
    read = reads and any(
        noted.of_record(each).applies(round_, "generate", reads)
        for each in record.all_of(lake)
        if each.name not in known
    )
    if read or len(learned) > fitted.rows.get("denied", 0):
        raise StaleError(
            f"samples that {round_.key} was made from were taken down since, so it stays "
            f"unpublished; `dvc repro report@{round_.dataset}` makes it again without them"
        )
