"""Settings, files and versions of plug-ins that a stage's key covers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from expectations import suite as suites
from expectations import versions as expectations
from pipelines.common.settings import key_content, parse
from pipelines.generators.registry import GENERATORS
from pipelines.metrics import Configured
from pipelines.metrics.protocol import RoundMetric, Task
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.modalities import registry as modalities
from pipelines.modalities.registry import MODALITIES
from pipelines.params import Dataset, Round
from pipelines.rounds import guard_checks
from pipelines.rounds.guard_checks import CHECKS
from pipelines.scorers import registry as scorers
from pipelines.sources import registry as sources


def ingest_settings(settings: Dataset) -> dict[str, Any]:
    """Settings of the stage `ingest`; the default distance of the modality is left out."""
    ingest = settings.ingest
    content = key_content(ingest)
    content["source"] = sources.plugin(ingest.source) or ingest.source
    if plugin_settings := key_content(sources.settings(ingest.source, content.pop("settings", {}))):
        content["settings"] = plugin_settings
    if settings.ingest.near == MODALITIES.find(settings.ingest.modality).default_near:
        content.pop("near", None)
    return content


def modality_files(settings: Dataset) -> tuple[Path, ...]:
    """The files of a plug-in modality."""
    ingest = settings.ingest
    return modalities.files(ingest.modality, settings.identity, ingest.modality_settings)


def ingest_versions(settings: Dataset) -> dict[str, str]:
    """Versions of the source's reader and of the modality, by name."""
    return sources.versions(settings.ingest.source) | MODALITIES.versions(
        [settings.ingest.modality]
    )


def task(round_: Round) -> Configured[Task[Any]]:
    """The downstream task of a round, with its settings.

    Raises:
        ParamsError: there is no such task, or a key is wrong.
    """
    evaluate = round_.settings.evaluate
    plugin = TASKS.load(_task(round_))
    return Configured(
        plugin, parse(plugin.Settings, dict(evaluate.task_settings), "evaluate.task_settings")
    )


def unlabelled_task(round_: Round) -> Configured[Task[Any]] | None:
    """The task of a round whose data has no two labels; None if there is none besides `task`."""
    evaluate, name = round_.settings.evaluate, round_.settings.modality.unlabelled_task
    return Configured(TASKS.load(name)) if name and evaluate.task is None else None


def second_task(round_: Round) -> Configured[Task[Any]] | None:
    """The task of a second family of models; None if params.yaml names a task of its own."""
    evaluate, name = round_.settings.evaluate, round_.settings.modality.second_task
    return Configured(TASKS.load(name)) if name and evaluate.task is None else None


def metrics(round_: Round) -> dict[str, Configured[RoundMetric[Any]]]:
    """The metrics of a round with their settings, by reference; the modality's come first.

    Raises:
        ParamsError: there is no such metric, or a key is wrong.
    """
    return {
        name: Configured(metric := METRICS.load(name), parse(metric.Settings, dict(given), name))
        for name, given in _metrics(round_).items()
    }


def _task(round_: Round) -> str:
    return round_.settings.evaluate.task or round_.settings.modality.task


def _metrics(round_: Round) -> dict[str, Mapping[str, Any]]:
    configured = round_.settings.evaluate.metrics
    modality = round_.settings.modality
    return {**{name: {} for name in (*modality.metrics, *modality.guard_metrics)}, **configured}


def measured_digests(round_: Round) -> dict[str, str]:
    """Digests of what the figures of a round depend on besides rows, settings and files."""
    ingest = round_.settings.ingest
    return dict(
        modalities.measured_digests(ingest.modality, round_.identity, ingest.modality_settings)
    )


def settings(round_: Round, stage: str) -> dict[str, Any]:
    """The settings of a stage that its key covers."""
    if stage == "verify":
        configured = round_.settings.verify.scorers
        contents = {
            name: key_content(scorers.settings(name, given)) for name, given in configured.items()
        }
        return {"scorers": contents}
    section = getattr(round_.settings, stage)
    content = key_content(section)
    if stage not in ("fit", "generate"):
        return content
    plugin_settings = key_content(section.of(round_.generator))
    others = {*GENERATORS.names(), "settings"}
    kept = {name: value for name, value in content.items() if name not in others}
    return kept | {"generator": round_.generator, "plugin": plugin_settings}


def files(round_: Round, stage: str) -> tuple[Path, ...]:
    """The user's files on which the result of a stage depends."""
    if stage == "fit":
        plugin_settings = round_.settings.fit.of(round_.generator)
        return GENERATORS.files({round_.generator: plugin_settings}, method="fit_files")
    if stage == "generate":
        return GENERATORS.files({round_.generator: round_.settings.generate.of(round_.generator)})
    if stage == "verify":
        return (*modality_files(round_.settings), *scorers.files(round_.settings.verify.scorers))
    if stage == "evaluate":
        return (
            *modality_files(round_.settings),
            *TASKS.files({_task(round_): task(round_).settings}),
            *METRICS.files({name: metric.settings for name, metric in metrics(round_).items()}),
        )
    if stage == "publish":
        return CHECKS.files(guard_checks.settings(round_.settings.publish.checks))
    return ()


def versions(round_: Round, stage: str) -> dict[str, str]:
    """Versions of the plug-ins that a stage uses, by kind and name."""
    modality = MODALITIES.versions([round_.settings.ingest.modality])
    if stage in ("fit", "generate"):
        return GENERATORS.versions([round_.generator])
    if stage == "verify":
        suite = suites.load(suites.place(round_.dataset))
        scorer_versions = scorers.versions(round_.settings.verify.scorers)
        return scorer_versions | expectations.of_suite(suite) | modality
    if stage == "evaluate":
        second = [round_.settings.modality.second_task] if second_task(round_) else []
        tasks = TASKS.versions([_task(round_), *second])
        return METRICS.versions(_metrics(round_)) | tasks | modality
    if stage == "publish":
        return CHECKS.versions(round_.settings.publish.checks)
    return {}
