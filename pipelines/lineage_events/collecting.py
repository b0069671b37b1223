"""Collect what an event says of a stage: from its settings, receipts and the commits they name.

Data sets have the names of their tables in the lake (`digits/candidates`), and the published rows
of a data set its own (`digits`), which `ingest` and `publish` write and `fit` reads. A version is
the commit that holds it. Models lie outside the lake (`models/digits/3`) and have the key of their
fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import polars as pl

from lake import refs
from lake.client import Lake
from lake.visible import visible
from pipelines.lineage_events import outcomes
from pipelines.lineage_events.facts import (
    IDENTITY,
    TRANSFORMATION,
    DatasetFacts,
    FromColumn,
    Place,
    StageFacts,
)
from pipelines.params import Dataset, load
from pipelines.rounds import manifest, model_store, receipts
from pipelines.rounds.attestation import SIGNER
from pipelines.rounds.context import RoundContext, open_lake
from pipelines.sources.columns import LABEL

FILES: Final = "file"
"""Namespace of what lies in the project's folder."""
SOURCES: Final = "urn:stemma:source"
"""Namespace of sources of real data, which params.yaml names."""
READS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "verify": (("candidates", "generate"), ("samples", "fit")),
    "curate": (("candidates", "verify"), ("scores", "verify"), ("verdicts", "verify")),
    "evaluate": (("samples", "curate"), ("decisions", "curate")),
    "publish": (("samples", "evaluate"), ("lineage", "evaluate"), ("decisions", "evaluate")),
}
"""Tables that a stage reads, each with the stage whose receipt names the commit."""
WRITES: Final[Mapping[str, tuple[str, ...]]] = {
    "generate": ("candidates", "lineage"),
    "verify": ("scores", "verdicts"),
    "curate": ("samples", "decisions"),
    "evaluate": ("leaks", "contaminated"),
}
COPIED: Final = {"curate": ("samples", "candidates")}
"""Tables whose columns a stage copies: to which, from which."""
MOST_COLUMNS: Final = 1000
"""How many columns of a table are told."""


def of_round(ctx: RoundContext, stage: str, *, failed: bool) -> StageFacts:
    """Collect what a stage of a round read and wrote; what cannot be read is left out.

    Args:
        ctx: the round.
        stage: the stage.
        failed: it failed, so that its receipt and tables are those of an earlier run.
    """
    facts = _of_round(ctx, stage)
    if not failed:
        return facts
    checks = outcomes.checks(ctx, ctx.round.branch) if stage == "publish" else ()
    return StageFacts(facts.inputs, checks=checks)


def _of_round(ctx: RoundContext, stage: str) -> StageFacts:
    """As `of_round`, of a stage that ended well."""
    published = _published(ctx, "fit")
    model = _model(ctx)
    if stage == "fit":
        return StageFacts(inputs=published, outputs=model)
    inputs = tuple(_read(ctx, stage)) if stage != "generate" else (*model, *published)
    if stage == "publish":
        outputs = _merged(ctx, inputs)
        commit = outputs[0].version if outputs else None
        checks = outcomes.checks(ctx, commit) if commit else ()
        return StageFacts(inputs, outputs, checks=checks)
    outputs = tuple(_written(ctx, stage, inputs))
    return StageFacts(inputs, outputs, outcomes.assertions(ctx) if stage == "verify" else ())


def of_ingest(dataset: str, *, failed: bool) -> StageFacts:
    """Collect what `ingest` read of a source, and published; arguments as `of_round`."""
    params = load()
    lake, settings = open_lake(params), params.datasets[dataset]
    source = _source(settings)
    if failed:
        return StageFacts((source,))
    receipt = receipts.read(dataset, 0, "publish")
    made = manifest.read_if_there(lake, receipt.commit, dataset, 0)
    tags = {"licence": str(made["licence"])} if made.get("licence") else {}
    named = settings.columns.named
    origins = {
        visible(column): FromColumn(
            source.place, visible(named.get(column, column)), TRANSFORMATION
        )
        for column in (*settings.identity, LABEL, *settings.columns.kept)
    }
    whole = _table(lake, receipt.commit, dataset, "samples", 0, origins=origins, tags=tags)
    lineage = _table(lake, receipt.commit, dataset, "lineage", 0)
    return StageFacts((source,), (replace(whole, place=_place(lake, dataset)), lineage))


def _source(settings: Dataset) -> DatasetFacts:
    """The source of a data set, without user, password and query of an address.

    A path of this machine is as it is: `#` and `?` are characters of it as others are.
    """
    name = str(settings.ingest.source)
    if "://" in name:
        parts = urlsplit(name)
        host = parts.netloc.rpartition("@")[2]
        name = urlunsplit(parts._replace(netloc=host, query="", fragment=""))
    licence = settings.ingest.licence
    tags = {"licence": visible(licence)} if licence else {}
    return DatasetFacts(Place(SOURCES, visible(name)), tags=tags)


def _published(ctx: RoundContext, stage: str) -> tuple[DatasetFacts, ...]:
    """The published rows that a stage's receipt names the commit of."""
    try:
        commit = receipts.read(ctx.round.dataset, ctx.round.number, stage).commit
    except outcomes.UNKNOWN:
        return ()
    dataset = ctx.round.dataset
    known = _table(ctx.lake, commit, dataset, "samples", None)
    return (replace(known, place=_place(ctx.lake, dataset)),)


def _model(ctx: RoundContext) -> tuple[DatasetFacts, ...]:
    """The generator of the round, by the key of its fit."""
    name = f"{model_store.ROOT.as_posix()}/{ctx.round.dataset}/{ctx.round.number}"
    try:
        key = receipts.read(ctx.round.dataset, ctx.round.number, "fit").input_key
    except outcomes.UNKNOWN:
        return ()
    tags = {"generator": visible(ctx.round.generator)}
    return (DatasetFacts(Place(FILES, name), key, tags=tags),)


def _read(ctx: RoundContext, stage: str) -> Iterator[DatasetFacts]:
    dataset, number = ctx.round.dataset, ctx.round.number
    for table, written_by in READS.get(stage, ()):
        if written_by == "fit":
            yield from _published(ctx, "fit")
            continue
        try:
            commit = receipts.read(dataset, number, written_by).commit
        except outcomes.UNKNOWN:
            continue
        yield _table(ctx.lake, commit, dataset, table, number)


def _written(
    ctx: RoundContext, stage: str, inputs: tuple[DatasetFacts, ...]
) -> Iterator[DatasetFacts]:
    """The tables that a stage wrote; none where it failed before its receipt."""
    dataset, number = ctx.round.dataset, ctx.round.number
    try:
        commit = receipts.read(dataset, number, stage).commit
    except outcomes.UNKNOWN:
        return
    copied_to, copied_from = COPIED.get(stage, ("", ""))
    for table in WRITES[stage]:
        known = _table(ctx.lake, commit, dataset, table, number)
        if table == copied_to:
            known = _copied(known, _named(inputs, f"{dataset}/{copied_from}"))
        yield known


def _merged(ctx: RoundContext, inputs: tuple[DatasetFacts, ...]) -> tuple[DatasetFacts, ...]:
    """The data set as a round was merged into it, with the round's tag."""
    dataset, number = ctx.round.dataset, ctx.round.number
    try:
        receipt = receipts.read(dataset, number, "publish")
    except outcomes.UNKNOWN:
        return ()
    tags = {"tag": receipt.tag} if receipt.tag else {}
    known = _table(ctx.lake, receipt.commit, dataset, "samples", None, tags=tags)
    named = replace(known, place=_place(ctx.lake, dataset))
    return (_copied(named, _named(inputs, f"{dataset}/samples")),)


def _named(inputs: tuple[DatasetFacts, ...], name: str) -> DatasetFacts | None:
    return next((known for known in inputs if known.place.name == name), None)


def _copied(known: DatasetFacts, source: DatasetFacts | None) -> DatasetFacts:
    """Say which columns of a table were copied from those of another."""
    if source is None:
        return known
    there = {name for name, _ in source.columns}
    origins = {
        name: FromColumn(source.place, name, IDENTITY) for name, _ in known.columns if name in there
    }
    return replace(known, origins=origins)


def _table(
    lake: Lake,
    commit: str,
    dataset: str,
    table: str,
    number: int | None,
    *,
    origins: Mapping[str, FromColumn] | None = None,
    tags: Mapping[str, str] | None = None,
) -> DatasetFacts:
    """A table of a round at a commit, or of all rounds; columns and rows where they can be read."""
    place = _place(lake, f"{dataset}/{table}")
    under = refs.table(dataset, table)
    prefix = under if number is None else refs.partition(dataset, table, number)
    facts = DatasetFacts(place, commit, _endpoint(lake), tags=tags or {}, origins=origins or {})
    try:
        parts = lake.objects(commit, prefix)
        signer = lake.resolve(commit).metadata.get(SIGNER)
        owner = f"key:{signer}" if signer else None
        facts = replace(facts, owner=owner, size=sum(part.size for part in parts), files=len(parts))
        frame = lake.scan(commit, prefix)
        schema = frame.collect_schema()
        columns = [(visible(name), str(kind)) for name, kind in schema.items()][:MOST_COLUMNS]
        known = {name for name, _ in columns}
        kept = {name: origin for name, origin in facts.origins.items() if name in known}
        rows = int(frame.select(pl.len()).collect().item())
        return replace(facts, columns=tuple(columns), rows=rows, origins=kept)
    except outcomes.UNKNOWN:
        return replace(facts, origins={})


def _place(lake: Lake, name: str) -> Place:
    return Place(f"lakefs://{lake.repository}", name)


def _endpoint(lake: Lake) -> str | None:
    """Address of a served lake without a user; an embedded lake has another at each start."""
    if lake.connection.home is not None:
        return None
    parts = urlsplit(lake.endpoint)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
