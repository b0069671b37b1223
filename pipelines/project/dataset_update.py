"""What `stemma dataset update` writes: one more round, which brings real rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lake import refs
from pipelines.common.errors import DataError, ProjectError
from pipelines.generators import real
from pipelines.generators.real import RealGenerate
from pipelines.params import Params
from pipelines.project import yaml_edit
from pipelines.rounds import context, history, receipts
from pipelines.rounds.arrivals import real_round, source_states, taking
from pipelines.rounds.arrivals.taking import Arrivals
from pipelines.sources import registry
from pipelines.takedown import deny_list

STAGES: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")


@dataclass(frozen=True, slots=True)
class Update:
    """A round of real data that can be written into params.yaml."""

    dataset: str
    key: str
    entry: Mapping[str, Any]
    """The entry under `rounds`."""
    pinned: Mapping[str, str]
    """What `ingest.pinned` becomes; empty where it stays as it is."""
    arrivals: Arrivals
    seen: Mapping[str, str]
    """Digest by source of a state that has nothing new for training, and so gets no round."""
    waits_for: str | None
    """The round before it, where main does not hold that yet."""

    @property
    def brings_round(self) -> bool:
        """Whether there are new rows for training, without which there is no round."""
        return len(self.arrivals.train) > 0


@dataclass(frozen=True, slots=True)
class Own:
    """How one source is read, where another one of the data set is read otherwise."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """The source's own; empty: as it was read before, or as `ingest` says of its own source."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What it calls columns, by the names of round 0; empty: as it was read before."""


AS_BEFORE: Final = Own()


def plan(
    params: Params, dataset: str, source: str, licence: str | None, own: Own = AS_BEFORE
) -> Update:
    """Read a source, and plan the round that takes its new rows.

    Args:
        params: settings of the project.
        dataset: the data set.
        source: as `ingest.source`.
        licence: of the new rows; None: as of round 0.
        own: how the source is read.

    Raises:
        ProjectError: the real data is not in the lake yet, or the source has not changed.
        DataError: the source cannot be read.
        StaleError: the hold-out is missing, or not the one that manifests name.
    """
    settings = params.datasets[dataset]
    source = _spelled(params, dataset, source)
    before = _read_before(params, dataset, source)
    given, columns = dict(own.settings or before.settings), dict(own.columns or before.columns)
    digest = source_states.digest(source, given)
    _refuse_taken(params, dataset, source, digest)
    lake, held_out = context.open_lake(params), context.open_lake(params, holdout=True)
    published = history.published(lake, dataset)
    if 0 not in published:
        raise ProjectError(
            f"the lake does not hold the real data of {dataset} yet; `stemma run {dataset}` first"
        )
    number, previous = _place(params, dataset, source, published)
    main = lake.resolve(refs.MAIN).id
    known = real_round.known_at(lake, held_out, main, dataset, before=number)
    wanted = RealGenerate(
        source=source, settings=given, columns=columns, digest=digest, licence=licence
    )
    arrivals = taking.take(settings, wanted, known, deny_list.read(lake).refusing(settings))
    named = {"settings": given, "columns": columns}
    section = {"source": source, **{name: value for name, value in named.items() if value}}
    section["digest"] = digest
    if licence is not None:
        section["licence"] = licence
    entry = {
        "dataset": dataset,
        "round": number,
        "previous": previous,
        "generator": real.NAME,
        **{stage: {} for stage in STAGES},
    }
    return Update(
        dataset=dataset,
        key=f"{dataset}-{number}",
        entry=entry | {"generate": {real.NAME: section}},
        pinned=_pinned(params, dataset, source),
        arrivals=arrivals,
        seen={} if len(arrivals.train) or given != dict(before.settings) else {source: digest},
        waits_for=None if previous in published else f"{dataset}-{previous}",
    )


def _read_before(params: Params, dataset: str, source: str) -> Own:
    """How the newest round that names a source reads it, or else `ingest`."""
    sections = [
        entry.generate[real.NAME] for _, entry in source_states.real_entries(params, dataset)
    ]
    for section in reversed(sections):
        if section.get("source") == source:
            return Own(section.get("settings", {}), section.get("columns", {}))
    ingest = params.datasets[dataset].ingest
    return Own(ingest.settings) if source == ingest.source else AS_BEFORE


def _spelled(params: Params, dataset: str, source: str) -> str:
    """Spell a source as params.yaml does where it is the same place."""
    named = [params.datasets[dataset].ingest.source, *source_states.newest(params, dataset)]
    return next((other for other in named if source_states.same(source, other)), source)


def _place(
    params: Params, dataset: str, source: str, published: Mapping[int, object]
) -> tuple[int, int]:
    """The number of the round, and of the one before it.

    A round of an earlier state of the source that main does not hold takes the new state instead.
    """
    for _, entry in source_states.real_entries(params, dataset):
        if entry.generate[real.NAME].get("source") == source and entry.round not in published:
            return entry.round, entry.previous
    last = max(
        (entry.round for entry in params.rounds.values() if entry.dataset == dataset), default=0
    )
    return last + 1, last


def text(update: Update, path: Path) -> str | None:
    """Return params.yaml with the round; None where it stays as it is."""

    def change(content: Any) -> None:  # noqa: ANN401  a YAML document
        own = content["datasets"][update.dataset]
        for stage in STAGES:
            if own.get(stage) is None:
                own[stage] = {}
        if update.pinned:
            own["ingest"]["pinned"] = dict(update.pinned)
        seen = {**own["ingest"].get("seen", {}), **update.seen}
        source = update.entry["generate"][real.NAME]["source"]
        if update.brings_round:
            seen.pop(source, None)
            yaml_edit.put(content, "rounds", update.key, yaml_edit.commented(update.entry, {}))
        if seen or "seen" in own["ingest"]:
            own["ingest"]["seen"] = seen

    return yaml_edit.changed(path, change)


def _refuse_taken(params: Params, dataset: str, source: str, digest: str) -> None:
    """Refuse a source in a state that a round has taken already."""
    _, newest = source_states.newest(params, dataset).get(source, ({}, ""))
    if registry.plugin(source) is not None:
        return  # what it gives now, no digest of files tells
    if not newest and source == params.datasets[dataset].ingest.source:
        files = receipts.read(dataset, 0, "publish").files
        newest = digest if files == source_states.files(source, {}) else ""
    if newest == digest:
        raise ProjectError(
            f"{source} is as the newest round of real data of {dataset} takes it; nothing to do"
        )


def _pinned(params: Params, dataset: str, source: str) -> dict[str, str]:
    """The files that round 0 read, where its source is the one that has changed.

    Raises:
        DataError: the receipt of round 0 does not say which files it read.
    """
    ingest = params.datasets[dataset].ingest
    if source != ingest.source or ingest.pinned:
        return {}
    files = receipts.read(dataset, 0, "publish").files
    if files is None:
        receipt_path = receipts.path(dataset, 0, "publish")
        raise DataError(
            f"{receipt_path} does not say which files round 0 read, because an earlier release "
            f"wrote it; restore {source}, run `dvc repro --force --single-item ingest@{dataset}`, "
            "and then update; or give the new rows another path"
        )
    return dict(files)
