"""`stemma audit SAMPLE --replay`: make the sample's shard again from its record, and compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from lake.client import Lake
from pipelines.inquiry import replay
from pipelines.inquiry.replay import Replay
from pipelines.params import load
from pipelines.rounds import tables
from pipelines.rounds.context import open_lake
from review.cli.output import console, print_json, sentence, table
from review.errors import Findings, UsageError
from review.provenance.lookup import Located, locate

DIGEST: Final = 64
SHOWN: Final = 20
"""Rows that differ that are printed; `--json` has them all."""


def run(*, sample: str, ref: str, dataset: str | None, as_json: bool) -> None:
    """Replay each shard that a sample is in and print how it came out."""
    params = load()
    lake = open_lake(params)
    located = locate(lake, params, ref, dataset, sample)
    found = list(_replays(lake, located, sample))
    if as_json:
        print_json({"ref": ref, "replays": [_to_dict(each) for each in found]})
    else:
        out = console()
        for each in found:
            for part in _rendered(each):
                out.print(part, soft_wrap=isinstance(part, Text))
    broken = [each for each in found if each.broken]
    if broken:
        record = broken[0].record
        raise Findings(
            f"shard {record.shard} of round {record.round} of {record.dataset} must come out "
            "identical in this environment and does not"
        )


def _replays(lake: Lake, located: Located, sample: str) -> Iterator[Replay]:
    """Replay the shards of the occurrences that a generator made.

    Raises:
        UsageError: all are real.
    """
    places = located.index.nodes(located.numbers)
    lineage = tables.rows_at(lake, located.commit, places, "lineage")
    shards = lineage.drop_nulls("shard").select("dataset", "round", "shard").unique()
    if shards.is_empty():
        raise UsageError(f"{sample} is real: no generator made it, so there is nothing to replay")
    for dataset, number, shard in shards.sort("dataset", "round", "shard").iter_rows():
        yield replay.replay(lake, located.commit, dataset, number, shard)


def _to_dict(found: Replay) -> dict[str, Any]:
    record = found.record
    return {
        "dataset": record.dataset,
        "round": record.round,
        "shard": record.shard,
        "seed": record.seed,
        "generator": record.generator,
        "kind": record.about["generator"]["kind"],
        "commit": record.commit,
        "rows": record.rows.height,
        "identical": found.identical,
        "must_be_identical": not found.other,
        "environment": {
            each.name: {"recorded": each.recorded, "present": each.present}
            for each in found.environment
        },
        "differing": [
            {**row, "recorded": _hex(row["recorded"]), "replayed": _hex(row["replayed"])}
            for row in found.differing.to_dicts()
        ],
    }


def _rendered(found: Replay) -> Iterator[RenderableType]:
    record = found.record
    place = f"{record.dataset}, round {record.round}, shard {record.shard}"
    yield sentence(
        f"{place}: {record.rows.height:,} rows by generator {record.generator[:12]}, "
        f"{record.about['generator']['kind']}, seed {record.seed}, commit {record.commit[:12]}"
    )
    yield sentence(_result(found), style="green" if found.identical else "red")
    yield sentence(_expected(found))
    if found.other:
        body = [[each.name, _word(each.recorded), _word(each.present)] for each in found.other]
        yield table("", ["environment", "recorded", "present"], body)
    if not found.identical:
        yield table("", ["row", "recorded", "replayed", "difference"], _differing(found))
        if found.differing.height > SHOWN:
            yield sentence(f"… {found.differing.height - SHOWN:,} more rows; --json has them all")


def _result(found: Replay) -> str:
    rows = found.record.rows.height
    if found.identical:
        return f"identical: ids and payload bytes of all {rows:,} rows"
    differing = found.differing.height
    most = found.differing["difference"].to_numpy().max()
    return f"different: {differing:,} of {rows:,} rows, by at most {most} of 255 grey levels"


def _expected(found: Replay) -> str:
    unknown = [each.name for each in found.other if each.recorded is None]
    other = [each.name for each in found.other if each.recorded is not None]
    if not found.other:
        return "code, libraries, processor and threads are as recorded: it must be identical"
    said = [f"{', '.join(other)} differ from the record"] if other else []
    said += [f"{', '.join(unknown)} were not recorded"] if unknown else []
    return f"{' and '.join(said)}: it need not be identical"


def _differing(found: Replay) -> list[list[object]]:
    rows = found.differing.head(SHOWN).iter_rows()
    return [
        [str(row), _short(recorded), _short(replayed), difference]
        for row, recorded, replayed, difference in rows
    ]


def _short(sample_id: bytes | None) -> str:
    return "–" if sample_id is None else sample_id.hex()[:12]


def _hex(sample_id: bytes | None) -> str | None:
    return None if sample_id is None else sample_id.hex()


def _word(value: object) -> str:
    """A fact of the environment; of a digest its first digits."""
    word = "–" if value is None else str(value)
    return word[:12] if len(word) == DIGEST else word
