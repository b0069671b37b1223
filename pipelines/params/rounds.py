"""Read params.yaml, and resolve the settings of a round.

A stage's settings are `datasets.<dataset>.<stage>` with the overrides of `rounds.<key>.<stage>`
laid over them. A user's own plug-ins are imported only for the round that is resolved, so that a
broken one fails alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lake import documents, refs
from lake.documents import DocumentError
from pipelines.common.errors import ParamsError
from pipelines.common.plugins import Registry
from pipelines.common.settings import nearest, parse
from pipelines.generators.registry import GENERATORS
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.params.round import Round
from pipelines.params.sections import Dataset, Params, RoundEntry
from pipelines.scorers import registry as scorers

FILE: Final = "params.yaml"


def load(path: Path | None = None) -> Params:
    """Read and check params.yaml.

    Raises:
        ParamsError: the file is missing, is not YAML as DVC reads it, has an unknown key (the
            nearest known one is named), a value of another type than its key wants, or a round
            whose data set or predecessor is missing.
    """
    path = Path(FILE) if path is None else path
    try:
        content = documents.read_yaml(path)
    except FileNotFoundError as error:
        raise ParamsError(
            f"there is no {path}; run this in the project's directory, or make a project with "
            "`stemma init`"
        ) from error
    except DocumentError as error:
        raise ParamsError(f"{path} {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path} must be a mapping with datasets and rounds")
    params = parse(Params, content, path.name)
    for name in params.datasets:
        if not refs.NAME.match(name):
            raise ParamsError(f"{path.name}: data set {name!r} must match {refs.NAME.pattern}")
    for key in params.rounds:
        _laid_over(params, key)
    _check_gpus(params, path.name)
    return params


def resolve(params: Params, key: str) -> Round:
    """Resolve the settings of a round: those of its data set, overridden by its own.

    Its plug-ins are imported, those of the user's own too, and their settings are checked.

    Raises:
        ParamsError: no such round, data set or predecessor; an override that is unknown; a plug-in
            that is not there or does not keep its protocol.
    """
    round_ = _laid_over(params, key)
    try:
        asked_scorers = scorers.resolved(round_.settings.verify.scorers)
    except ValueError as error:
        raise ParamsError(f"rounds.{key}: verify.scorers: {error}") from error
    for section in (round_.settings.fit, round_.settings.generate):
        section.of(round_.generator)
    verify = round_.settings.verify.model_copy(update={"scorers": asked_scorers})
    return replace(round_, settings=round_.settings.model_copy(update={"verify": verify}))


def _laid_over(params: Params, key: str) -> Round:
    """Resolve a round without importing the user's plug-ins, so that a broken one fails alone."""
    entry = params.rounds.get(key)
    if entry is None:
        raise ParamsError(f"there is no round {key!r} in {FILE}{nearest(key, params.rounds)}")
    if entry.dataset not in params.datasets:
        near = nearest(entry.dataset, params.datasets)
        raise ParamsError(f"rounds.{key}: there is no data set {entry.dataset!r}{near}")
    _check_place(params, key, entry)
    _check_name(GENERATORS, entry.generator, f"rounds.{key}")
    merged: dict[str, Any] = {"identity": params.datasets[entry.dataset].identity}
    for stage in ("ingest", "fit", "generate", "verify", "curate", "evaluate", "publish"):
        own = getattr(params.datasets[entry.dataset], stage).model_dump()
        merged[stage] = _overlay(own, getattr(entry, stage, {}))
    return Round(
        key=key,
        dataset=entry.dataset,
        number=entry.round,
        previous=entry.previous,
        generator=entry.generator,
        line=params.line,
        seed=params.seed,
        identity=params.datasets[entry.dataset].identity,
        settings=_checked(parse(Dataset, merged, f"rounds.{key}"), f"rounds.{key}"),
        revision=entry.revision,
    )


def _checked(settings: Dataset, where: str) -> Dataset:
    """Check the names of a round's task and metrics; the user's own are checked when they run.

    Raises:
        ParamsError: There is no task or no metric of this name.
    """
    if settings.evaluate.task is not None:
        _check_name(TASKS, settings.evaluate.task, f"{where}: evaluate.task")
    for reference in settings.evaluate.metrics:
        _check_name(METRICS, reference, f"{where}: evaluate.metrics")
    return settings


def _check_name(plugins: Registry[Any], reference: str, where: str) -> None:
    """Check that a plug-in exists, if it is named as one of Stemma's own.

    Raises:
        ParamsError: There is none.
    """
    try:
        plugins.check_name(reference)
    except ParamsError as error:
        raise ParamsError(f"{where}: {error}") from error


def _check_gpus(params: Params, where: str) -> None:
    """Check that GPUs are promised to generators that there are: to any other none would be given.

    Raises:
        ParamsError: A name is that of no generator, of Stemma or of a round.
    """
    gpus = params.executor.num_gpus
    known = dict.fromkeys([entry.generator for entry in params.rounds.values()])
    known |= dict.fromkeys(GENERATORS.names())
    for name in gpus if isinstance(gpus, Mapping) else ():
        if name not in known:
            raise ParamsError(
                f"{where}: executor.num_gpus: no round has a generator {name!r}"
                f"{nearest(name, known)}"
            )


def _check_place(params: Params, key: str, entry: RoundEntry) -> None:
    if key != f"{entry.dataset}-{entry.round}":
        raise ParamsError(f"rounds.{key} must be named {entry.dataset}-{entry.round}")
    before = f"{entry.dataset}-{entry.previous}"
    if entry.previous >= entry.round:
        raise ParamsError(f"rounds.{key}: previous ({entry.previous}) must be an earlier round")
    if entry.previous > 0 and before not in params.rounds:
        raise ParamsError(
            f"rounds.{key} follows round {entry.previous}, but there is no rounds.{before}; "
            f"add it, or set previous to a round that exists"
        )
    earlier = [
        other.round
        for other in params.rounds.values()
        if other.dataset == entry.dataset and other.round < entry.round
    ]
    if entry.previous != max(earlier, default=0):
        raise ParamsError(
            f"rounds.{key} follows round {entry.previous} and skips round {max(earlier)}; "
            f"set previous to {max(earlier)}: rounds of a data set are one line of descent"
        )


def _overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        below = result.get(name)
        nested = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[name] = _overlay(below, value) if nested else value  # type: ignore[arg-type]
    return result
