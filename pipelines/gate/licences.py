"""Rows of a training mix for whose content no licence is recorded.

A real row has its licence in lineage. A row that a model or a file brought from outside, whose
training data is not the mix, has that of the round's manifest: of the service (`service.licence`),
the pipeline or the file (`file.licence`). Rows that a generator made of the mix alone have no
licence of their own; those of the rows that it learned from are counted as they are. A text such as
`unknown` is none (`lineage.licences`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from lake import refs
from lake.client import Lake
from lineage import licences, schema
from lineage.manifest import RoundPart
from pipelines.rounds import manifest
from pipelines.rounds.manifest import ARRIVALS

UNNAMED = "an unnamed source"


def missing(
    lake: Lake,
    commit: str,
    dataset: str,
    mix: Iterable[RoundPart],
    taken: pl.DataFrame | None = None,
) -> tuple[int, dict[str, int]]:
    """Count the rows that a mix could take, and those of them without a licence.

    Args:
        lake: the lake.
        commit: a commit that holds the rounds.
        dataset: the mix's data set.
        mix: the rounds that give rows to it.
        taken: round, row of samples that count as if the commit did not hold them.

    Returns:
        All rows, and the rows without a licence by what they are from, the most first.

    Raises:
        SchemaError: the lineage of real rows cannot be read.
    """
    rows, found = 0, dict[str, int]()
    for part in mix:
        rows += part.accepted
        content = manifest.read_if_there(lake, commit, dataset, part.round)
        if part.round == 0 or ARRIVALS in content:
            own = _of_real_rows(lake, commit, dataset, part.round, taken)
        else:
            own = dict.fromkeys(_of_makers(content, part.round), part.accepted)
        for name, count in own.items():
            found[name] = found.get(name, 0) + count
    return rows, dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _of_real_rows(
    lake: Lake, commit: str, dataset: str, number: int, taken: pl.DataFrame | None
) -> dict[str, int]:
    """Accepted real rows of a round without a licence, by source."""
    lineage, samples = (
        lake.scan(commit, refs.partition(dataset, table, number))
        for table in ("lineage", "samples")
    )
    licence = pl.col("licence").cast(pl.String)
    with schema.readable(f"the lineage of round {number} of {dataset} at {commit}"):
        texts = lineage.select(licence.unique()).collect(engine="streaming")["licence"]
    none = [text for text in texts.drop_nulls() if not licences.is_recorded(text)]
    lacking = lineage.filter(licence.is_null() | licence.is_in(none))
    if taken is not None:
        gone = taken.filter(pl.col("round") == number)["row"]
        lacking = lacking.filter(~pl.col("row").is_in(gone.implode()))
    accepted = lacking.join(samples.select("row"), on="row", how="semi")
    source = pl.col("source").cast(pl.String).fill_null(UNNAMED)
    with schema.readable(f"the lineage of round {number} of {dataset} at {commit}"):
        counted = accepted.group_by(source).len().collect(engine="streaming")
    return {str(name): int(count) for name, count in counted.iter_rows()}


def _of_makers(content: Mapping[str, Any], number: int) -> list[str]:
    """What made a round from outside of the mix and has no licence: one name, or none."""
    environment = content.get("environment", {})
    services = environment.get("services")
    made = services if isinstance(services, list) else [environment]
    lacking = [
        str(each.get("model") or "a file")
        for each in made
        if isinstance(each, Mapping) and not licences.is_recorded(each.get("licence"))
    ]
    is_outside = (content.get("generator") or {}).get("maker") or environment.get("model")
    return [f"round {number} by {', '.join(lacking)}"] if is_outside and lacking else []
