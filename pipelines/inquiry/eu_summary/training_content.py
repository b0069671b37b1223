"""What the lake knows of the training content at a version: sizes, sources, generators, dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from lake.client import Lake
from lineage.export import asked
from lineage.export.asked import Model
from lineage.export.values import Round
from pipelines.features.images import IMAGE
from pipelines.inquiry import lineage_export
from pipelines.inquiry.training.data import TrainingData
from pipelines.modalities import text_columns
from pipelines.rounds import manifest, tables

OWN: Final = frozenset({"round", "row", "sample_id", "weight"})
"""Columns of a mix beside the payload."""


@dataclass(frozen=True, slots=True)
class SourceContent:
    """A source of real rows."""

    name: str
    licence: str | None
    rows: int
    """Of the mix."""
    taken: str
    """Month in which it was ingested, MM/YYYY; empty where no commit says it."""


@dataclass(frozen=True, slots=True)
class GeneratedContent:
    """The rows of the mix that one generator made."""

    round: int
    kind: str
    """Kind and version of the generator, such as diffusion/1."""
    rows: int
    models: tuple[Model, ...]
    """Models that others trained and that were asked, or drew."""
    learnt: str
    """What its own network was fitted on; empty where it was fitted on nothing of this lake."""
    opaque: str
    """What is called a model of unknown training data; empty where the mix is known."""
    licence: str | None


@dataclass(frozen=True, slots=True)
class TrainingContent:
    """The training content at a version."""

    dataset: str
    ref: str
    commit: str
    modality: str
    rows: int
    real: int
    text_bytes: int
    """Bytes of all texts of the payload in UTF-8; chats, lists and objects as suites see them."""
    images: int
    columns: tuple[str, ...]
    sources: tuple[SourceContent, ...]
    generated: tuple[GeneratedContent, ...]
    latest: str
    """Month of the newest commit that brought real rows, MM/YYYY; empty where none says it."""
    real_share: float
    personal: str
    """What ingest did about personal data."""
    checks: tuple[str, ...]
    """Expectations of the suite of the last round that was judged."""
    held_out: Mapping[str, int]


def collect(lake: Lake, data: TrainingData) -> TrainingContent:
    """Measure the mix and read what the manifests of its rounds say.

    Args:
        lake: the lake.
        data: the version, with the split `train`.
    """
    dataset, commit = data.dataset, data.commit
    holding = lineage_export.hold(lake, commit, dataset)
    rounds = {round_.number: round_ for round_ in lineage_export.rounds(lake, holding)}
    kinds = _kinds(lake, data)
    first = manifest.read_if_there(lake, commit, dataset, 0)
    sources = [
        _source(lake, each, kinds.get((each.number, "real"), 0))
        for each in rounds.values()
        if each.text("source") is not None
    ]
    months = [each.taken for each in sources if each.taken]
    size = _size(data)
    return TrainingContent(
        dataset=dataset,
        ref=data.ref,
        commit=commit,
        modality=str(first.get("modality", "")),
        rows=len(data),
        real=sum(count for (_, kind), count in kinds.items() if kind == "real"),
        text_bytes=size["text_bytes"],
        images=size["images"],
        columns=tuple(_payload(next(data.blocks()))),
        sources=tuple(sources),
        generated=tuple(_generated(rounds, kinds)),
        latest=max(months, key=lambda month: (month[3:], month[:2]), default=""),
        real_share=data.manifest.real_share,
        personal=_personal(first),
        checks=_checks(rounds),
        held_out={
            name: int(first.get("counts", {}).get(name, 0)) for name in ("validation", "test")
        },
    )


def _kinds(lake: Lake, data: TrainingData) -> dict[tuple[int, str], int]:
    """Count the rows of the mix by round and kind."""
    lineage = tables.accepted_lineage(lake, data.commit, data.dataset)
    kept = lineage.select("round", "row", "kind").join(data.rows, on=["round", "row"], how="semi")
    counted = kept.group_by("round", pl.col("kind").cast(pl.String)).len().sort("round", "kind")
    return {(int(number), str(kind)): int(count) for number, kind, count in counted.iter_rows()}


def _payload(block: pl.DataFrame) -> list[str]:
    return [name for name in block.columns if name not in OWN]


def _size(data: TrainingData) -> dict[str, int]:
    """Measure texts and count images of the mix, block by block."""
    size = {"text_bytes": 0, "images": 0}
    for block in data.blocks():
        for name in _payload(block):
            if block.schema[name] == IMAGE:
                size["images"] += len(block) - block[name].null_count()
            else:
                size["text_bytes"] += _text_bytes(block, name)
    return size


def _text_bytes(block: pl.DataFrame, name: str) -> int:
    """Bytes of a column's texts; 0 where it is of numbers, times or bytes."""
    dtype = block.schema[name]
    if dtype != pl.String and (not dtype.is_nested() or text_columns.fault(dtype)):
        return 0
    texts = block.select(text_columns.rendered(name, dtype)).to_series()
    return int(texts.str.len_bytes().sum())


def _source(lake: Lake, round_: Round, rows: int) -> SourceContent:
    taken = ""
    if round_.commit is not None:
        taken = f"{datetime.fromtimestamp(lake.resolve(round_.commit).created, UTC):%m/%Y}"
    return SourceContent(round_.text("source") or "", round_.text("licence"), rows, taken)


def _generated(
    rounds: Mapping[int, Round], kinds: Mapping[tuple[int, str], int]
) -> list[GeneratedContent]:
    found = []
    for number, round_ in rounds.items():
        rows = sum(count for (at, kind), count in kinds.items() if at == number and kind != "real")
        if not rows:
            continue
        mix = round_.learnt_mix
        learnt = ""
        if mix is not None:
            learnt = (
                f"{mix['rows']:,} rows of this data set ({mix['real_share']:.1%} real by weight)"
            )
        found.append(
            GeneratedContent(
                number,
                round_.text("generator", "kind") or "a generator",
                rows,
                tuple(asked.models(round_)),
                learnt,
                round_.opaque_model if mix is None else "",
                round_.model_licence,
            )
        )
    return found


def _personal(first: Mapping[str, Any]) -> str:
    """What the manifest of round 0 says about personal data; reports are not in it."""
    section = (first.get("ingest") or {}).get("personal_data")
    if not section:
        return ""
    counts = ", ".join(f"{kind} {count:,}" for kind, count in section["counts"].items())
    return f"{section['policy']}: {counts or 'none found'} in {section['rows']:,} rows"


def _checks(rounds: Mapping[int, Round]) -> tuple[str, ...]:
    for number in sorted(rounds, reverse=True):
        expectations = rounds[number].mapping("verdicts", "expectations")
        if expectations:
            return tuple(expectations)
    return ()
