"""`stemma audit SAMPLE --replay`: make the sample's shard again from its record, and compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from lake.client import Lake
from lineage import record as lineage_record
from pipelines.inquiry import replay
from pipelines.inquiry.replay import Replay
from pipelines.params import load
from pipelines.rounds import tables
from pipelines.rounds.context import open_lake
from review.cli.output import make_console, print_json, sentence, table
from review.errors import Findings, UsageError
from review.provenance.lookup import Located, locate

DIGEST: Final = 64
SHOWN: Final = 20
"""Differing rows that are printed; `--json` has them all."""


def run(*, sample: str, ref: str, dataset: str | None, as_json: bool) -> None:
    """Generate again each shard that a sample is in, and print whether the rows are the same.

    Raises:
        Findings: a shard differs although environment and code are as recorded.
        UsageError: no generator made the sample.
    """
    params = load()
    lake = open_lake(params)
    located = locate(lake, params, ref, dataset, sample)
    replays = list(_replays(lake, located, sample))
    if as_json:
        print_json({"ref": ref, "replays": [_to_dict(result) for result in replays]})
    else:
        out = make_console()
        for result in replays:
            for part in _rendered(result):
                out.print(part, soft_wrap=isinstance(part, Text))
    broken = [result for result in replays if result.broken]
    if broken:
        record = broken[0].record
        raise Findings(
            f"shard {record.shard} of round {record.round} of {record.dataset} must come out "
            "identical in this environment and does not"
        )


def _replays(lake: Lake, located: Located, sample: str) -> Iterator[Replay]:
    """Replay the shards of the occurrences that a generator made.

    Raises:
        UsageError: no generator made any of them.
    """
    nodes = located.index.nodes(located.numbers)
    lineage = tables.rows_at(lake, located.commit, nodes, "lineage")
    shards = lineage.drop_nulls("shard").select("dataset", "round", "shard").unique()
    if shards.is_empty() and (lineage["attribution"] == lineage_record.REVIEWED).any():
        raise UsageError(
            f"{sample} was made by a reviewer, so no shard holds it; `stemma audit {sample}` names "
            "the candidate that it was made of, which can be replayed"
        )
    if shards.is_empty():
        raise UsageError(f"{sample} is real: no generator made it, so there is nothing to replay")
    for dataset, number, shard in shards.sort("dataset", "round", "shard").iter_rows():
        yield replay.replay(lake, located.commit, dataset, number, shard)


def _to_dict(result: Replay) -> dict[str, Any]:
    record = result.record
    return {
        "dataset": record.dataset,
        "round": record.round,
        "shard": record.shard,
        "seed": None if record.has_row_seeds else record.seed,
        "generator": record.generator,
        "kind": record.manifest["generator"]["kind"],
        "commit": record.commit,
        "rows": record.rows.height,
        "identical": result.identical,
        "must_be_identical": not result.environment_changes,
        "environment": {
            fact.name: {"recorded": fact.recorded, "present": fact.present}
            for fact in result.environment
        },
        "differing": [
            {**row, "recorded": _hex(row["recorded"]), "replayed": _hex(row["replayed"])}
            for row in result.differing.to_dicts()
        ],
    }


def _rendered(result: Replay) -> Iterator[RenderableType]:
    record = result.record
    location = f"{record.dataset}, round {record.round}, shard {record.shard}"
    seed = "a seed for each row" if record.has_row_seeds else f"seed {record.seed}"
    yield sentence(
        f"{location}: {record.rows.height:,} rows by generator {record.generator[:12]}, "
        f"{record.manifest['generator']['kind']}, {seed}, commit {record.commit[:12]}"
    )
    yield sentence(_result(result), style="green" if result.identical else "red")
    yield sentence(_expected(result))
    if result.environment_changes:
        body = [
            [fact.name, _word(fact.recorded), _word(fact.present)]
            for fact in result.environment_changes
        ]
        yield table("", ["environment", "recorded", "present"], body)
    if not result.identical:
        yield table("", ["row", "recorded", "replayed", "difference"], _differing(result))
        if result.differing.height > SHOWN:
            yield sentence(f"… {result.differing.height - SHOWN:,} more rows; --json has them all")


def _result(result: Replay) -> str:
    rows = result.record.rows.height
    if result.identical:
        return f"identical: ids and payload bytes of all {rows:,} rows"
    differing = result.differing.height
    most = result.differing["difference"].to_numpy().max()
    return f"different: {differing:,} of {rows:,} rows, by at most {most} of 255 grey levels"


def _expected(result: Replay) -> str:
    unknown = [fact.name for fact in result.environment_changes if fact.recorded is None]
    other = [fact.name for fact in result.environment_changes if fact.recorded is not None]
    if not result.environment_changes:
        return "generator, libraries, processor and threads are as recorded: it must be identical"
    parts = [f"{', '.join(other)} differ from the record"] if other else []
    parts += [f"{', '.join(unknown)} were not recorded"] if unknown else []
    return f"{' and '.join(parts)}: it need not be identical"


def _differing(result: Replay) -> list[list[object]]:
    rows = result.differing.head(SHOWN).iter_rows()
    return [
        [str(row), _short(recorded), _short(replayed), difference]
        for row, recorded, replayed, difference in rows
    ]


def _short(sample_id: bytes | None) -> str:
    return "–" if sample_id is None else sample_id.hex()[:12]


def _hex(sample_id: bytes | None) -> str | None:
    return None if sample_id is None else sample_id.hex()


def _word(value: object) -> str:
    """A fact of the environment as text; a digest is cut to its first digits."""
    word = "–" if value is None else str(value)
    return word[:12] if len(word) == DIGEST else word
