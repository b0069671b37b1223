"""What each stage reads besides the lake: settings, files that the user wrote, versions.

This is the one place that says what a stage's key covers (`pipelines.rounds.keys`). The stage
`inputs` writes the same, stage by stage, into receipts, so that DVC sees when a suite, a prompt or
a plug-in has changed: `deps` in dvc.yaml can name neither lists from params.yaml nor patterns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from expectations import suite as suites
from pipelines.common.errors import DataError
from pipelines.params import Dataset, Round
from pipelines.rounds import file_digests, plugin_inputs
from pipelines.rounds.keys import StageKey, stage_key

VERSIONS: Final = {
    "ingest": "ingest/1",
    "fit": "fit/1",
    "generate": "generate/1",
    "verify": "verify/1",
    "curate": "curate/1",
    "evaluate": "evaluate/1",
    "publish": "publish/1",
}
"""Semantic version of each stage: raised when the stage itself writes other results for equal
input. What its plug-ins compute is under versions of their own."""
OF_A_ROUND: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")
BEFORE: Final = {
    "fit": "publish",
    "generate": "fit",
    "verify": "generate",
    "curate": "verify",
    "evaluate": "curate",
    "publish": "evaluate",
}
"""The stage whose result each stage reads; fit reads what the round before published."""


@dataclass(frozen=True, slots=True)
class StageInputs:
    """What a stage reads besides the lake."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings that are not at their default and not operational."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of what the user wrote, by path."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Semantic versions of the stage and of what it uses, by name."""
    names: Mapping[str, object] = field(default_factory=dict)
    """Names, numbers and seeds."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def of_ingest(settings: Dataset) -> StageInputs:
    """What the stage `ingest` reads."""
    return StageInputs(
        plugin_inputs.ingest_settings(settings),
        _digests(plugin_inputs.ingest_files(settings)),
        {"ingest": VERSIONS["ingest"], **plugin_inputs.ingest_versions(settings)},
        {"identity": list(settings.identity)},
    )


def of_stage(round_: Round, stage: str) -> StageInputs:
    """What a stage of a round reads."""
    files = _digests(plugin_inputs.files(round_, stage))
    if stage == "verify":
        files |= {str(suites.place(round_.dataset)): suite_digest(round_.dataset)}
    return StageInputs(
        settings(round_, stage), files, versions(round_, stage), _names(round_, stage)
    )


def settings(round_: Round, stage: str) -> dict[str, Any]:
    """The settings of a round that belong into a stage's key."""
    content = plugin_inputs.settings(round_, stage)
    if stage == "evaluate":  # it measures the mix that the next fit would learn from
        return content | {"fit": plugin_inputs.settings(round_, "fit")}
    return content


def versions(round_: Round, stage: str) -> dict[str, str]:
    """Semantic versions of a stage and of the plug-ins that it uses, by name."""
    return {stage: VERSIONS[stage], **plugin_inputs.versions(round_, stage)}


def suite_digest(dataset: str) -> str:
    """Digest of what a data set's suite says, however its file is laid out."""
    return suites.load(suites.place(dataset)).digest


def ingest_key(dataset: str, settings: Dataset) -> StageKey:
    """Key of a data set's real data."""
    inputs = of_ingest(settings)
    return stage_key(
        "ingest",
        versions=inputs.versions,
        settings=inputs.settings,
        files=inputs.files,
        inputs={"dataset": dataset, **inputs.names},
        before={},
    )


def key(
    round_: Round, stage: str, before: StageKey, made_with: Mapping[str, str] | None = None
) -> StageKey:
    """Key of a stage of a round.

    Args:
        round_: the round.
        stage: the stage's name.
        before: key of the stage whose result it reads (`BEFORE`).
        made_with: versions that made the result; None: those of this release.
    """
    inputs = of_stage(round_, stage)
    return stage_key(
        stage,
        versions=inputs.versions if made_with is None else made_with,
        settings=inputs.settings,
        files=inputs.files,
        inputs=inputs.names,
        before={BEFORE[stage]: before},
    )


def _names(round_: Round, stage: str) -> dict[str, object]:
    """Names, numbers and seeds that a stage reads."""
    if stage in ("fit", "generate"):
        names: dict[str, object] = {
            "dataset": round_.dataset,
            "round": round_.number,
            "identity": list(round_.identity),
            "seed": round_.seed,
        }
        if round_.revision:
            names["revision"] = round_.revision
        return names if stage == "fit" else names | {"line": round_.line}
    if stage in ("verify", "evaluate"):
        return {"seed": round_.seed}
    return {"line": round_.line} if stage == "publish" else {}


def _digests(paths: Iterable[Path]) -> dict[str, str]:
    """Digests of files, by path.

    Raises:
        DataError: one is missing.
        OSError: one cannot be read.
    """
    digests = {}
    for path in paths:
        try:
            digests[str(path)] = file_digests.of_path(path)
        except FileNotFoundError as error:
            missing = error.filename or path
            raise DataError(f"{missing} is missing; params.yaml names {path}") from error
    return digests
