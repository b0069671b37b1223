"""What the plug-ins of a data set and of a round contribute to a stage's key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from expectations import suite as suites
from expectations import versions as expectations
from pipelines.common.settings import key_content
from pipelines.generators.registry import GENERATORS
from pipelines.modalities.registry import MODALITIES
from pipelines.params import Dataset, Round
from pipelines.scorers import registry as scorers
from pipelines.sources import registry as sources

METRICS = "metrics/1"
"""Semantic version of the figures of a round (`pipelines.metrics`)."""


def ingest_settings(settings: Dataset) -> dict[str, Any]:
    """Settings of the stage `ingest`; a distance that suits the modality is its default."""
    ingest = settings.ingest
    content = key_content(ingest)
    content["source"] = sources.plugin(ingest.source) or ingest.source
    if own := key_content(sources.settings(ingest.source, content.pop("settings", {}))):
        content["settings"] = own
    if settings.ingest.near == MODALITIES.find(settings.ingest.modality).default_near:
        content.pop("near", None)
    return content


def ingest_files(settings: Dataset) -> tuple[Path, ...]:
    """A table, a folder or the files of a source, and those of a modality of the user's own."""
    own = MODALITIES.files({settings.ingest.modality: None}, settings.identity)
    return (*sources.files(settings.ingest.source, settings.ingest.settings), *own)


def ingest_versions(settings: Dataset) -> dict[str, str]:
    """Versions of what reads the source, and of the modality."""
    return sources.versions(settings.ingest.source) | MODALITIES.versions(
        [settings.ingest.modality]
    )


def settings(round_: Round, stage: str) -> dict[str, Any]:
    """The settings of a stage that belong into its key."""
    if stage == "verify":
        asked = round_.settings.verify.scorers
        found = {name: key_content(scorers.settings(name, own)) for name, own in asked.items()}
        return {"scorers": found}
    section = getattr(round_.settings, stage)
    content = key_content(section)
    if stage not in ("fit", "generate"):
        return content
    own = key_content(section.of(round_.generator))
    others = {*GENERATORS.names(), "settings"}
    kept = {name: value for name, value in content.items() if name not in others}
    return kept | {"generator": round_.generator, "plugin": own}


def files(round_: Round, stage: str) -> tuple[Path, ...]:
    """Files that the user wrote and that the result of a stage depends on."""
    if stage in ("fit", "generate"):
        section = round_.settings.fit if stage == "fit" else round_.settings.generate
        return GENERATORS.files({round_.generator: section.of(round_.generator)})
    if stage == "verify":
        return scorers.files(round_.settings.verify.scorers)
    if stage == "evaluate":
        return MODALITIES.files({round_.settings.ingest.modality: None}, round_.identity)
    return ()


def versions(round_: Round, stage: str) -> dict[str, str]:
    """Versions of the plug-ins that a stage uses, by kind and name."""
    if stage in ("fit", "generate"):
        return GENERATORS.versions([round_.generator])
    if stage == "verify":
        suite = suites.load(suites.place(round_.dataset))
        judged = scorers.versions(round_.settings.verify.scorers)
        return judged | expectations.of_suite(suite)
    if stage == "evaluate":
        return {"metrics": METRICS, **MODALITIES.versions([round_.settings.ingest.modality])}
    return {}
