"""The inputs of each stage besides the lake: settings, the user's files, versions.

This is the only module that defines what a stage's key covers (`pipelines.rounds.keys`). The stage
`inputs` writes the same into one receipt per stage, so that DVC detects a changed suite, prompt or
plug-in: `deps` in dvc.yaml can name neither lists from params.yaml nor patterns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from expectations import suite as suites
from pipelines.generators.registry import GENERATORS
from pipelines.params import Dataset, Round
from pipelines.rounds import denied_inputs, pinned_samples, plugin_inputs, review_inputs
from pipelines.rounds.arrivals import source_states
from pipelines.rounds.keys import StageKey, stage_key

VERSIONS: Final = {
    "ingest": "ingest/1",
    "fit": "fit/1",
    "generate": "generate/1",
    "verify": "verify/1",
    "curate": "curate/2",
    "evaluate": "evaluate/3",
    "publish": "publish/8",
}
"""Semantic version of each stage: raised when the output of the stage itself changes for equal
input. Plug-ins have versions of their own."""
OF_A_ROUND: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")
BEFORE: Final = {
    "fit": "publish",
    "generate": "fit",
    "verify": "generate",
    "curate": "verify",
    "evaluate": "curate",
    "publish": "evaluate",
}
"""The stage whose result each stage reads; fit reads the published previous round."""


@dataclass(frozen=True, slots=True)
class StageInputs:
    """The inputs of a stage besides the lake."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings that differ from their default and are not operational."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the user's files, by path."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Semantic versions of the stage and of its plug-ins, by name."""
    names: Mapping[str, object] = field(default_factory=dict)
    """Names, numbers and seeds that the stage reads."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return asdict(self)


def of_ingest(settings: Dataset, *, junk: bool = False) -> StageInputs:
    """Collect the inputs of the stage `ingest`; arguments as `ingest_key`."""
    return StageInputs(
        plugin_inputs.ingest_settings(settings),
        source_states.of_files(plugin_inputs.modality_files(settings))
        | of_source(settings, junk=junk),
        {"ingest": VERSIONS["ingest"], **plugin_inputs.ingest_versions(settings)},
        {"identity": list(settings.identity)},
    )


def of_source(settings: Dataset, *, junk: bool = False) -> dict[str, str]:
    """Digests of the files of the source of round 0: those that are pinned, or else those of now.

    Raises:
        DataError: a file is missing, or the source cannot be read.
    """
    ingest = settings.ingest
    return dict(ingest.pinned) or source_states.files(ingest.source, ingest.settings, junk=junk)


def of_stage(round_: Round, stage: str) -> StageInputs:
    """Collect the inputs of a stage of a round."""
    files = source_states.of_files(plugin_inputs.files(round_, stage))
    if stage == "generate":
        files |= pinned_samples.keys(round_)
    if stage in ("fit", "generate"):
        reads = pinned_samples.read_by(round_) if stage == "generate" else ()
        files |= denied_inputs.of_stage(round_, stage, reads)
    if stage == "generate" and _judges(round_):
        files |= of_stage(round_, "verify").files
    if stage == "verify":
        files |= {str(suites.place(round_.dataset)): suite_digest(round_.dataset)}
    files |= review_inputs.of_stage(round_, stage)
    if stage == "evaluate":
        files |= plugin_inputs.measured_digests(round_)
    return StageInputs(
        settings(round_, stage), files, versions(round_, stage), _names(round_, stage)
    )


def settings(round_: Round, stage: str) -> dict[str, Any]:
    """The settings of a round that a stage's key covers."""
    content = plugin_inputs.settings(round_, stage)
    if stage == "generate" and _judges(round_):
        return content | {"verify": plugin_inputs.settings(round_, "verify")}
    if stage == "evaluate":  # it measures the mix that the next fit would learn from
        return content | {"fit": plugin_inputs.settings(round_, "fit")}
    return content


def versions(round_: Round, stage: str) -> dict[str, str]:
    """Semantic versions of a stage and of the plug-ins that it uses, by name."""
    own = {stage: VERSIONS[stage], **plugin_inputs.versions(round_, stage)}
    if stage == "generate" and _judges(round_):
        return own | plugin_inputs.versions(round_, "verify")
    return own


def _judges(round_: Round) -> bool:
    """Whether what is made depends on how it is judged: where a round ends, or what is chosen."""
    own = round_.settings.generate.of(round_.generator)
    chooses = GENERATORS.load(round_.generator).scored_by(own) is not None
    return chooses or round_.accepted is not None


def suite_digest(dataset: str) -> str:
    """Digest of the content of a data set's suite, independent of the file's layout."""
    return suites.load(suites.place(dataset)).digest


def ingest_key(dataset: str, settings: Dataset, *, junk: bool = False) -> StageKey:
    """Compute the key of a data set's real data.

    Args:
        dataset: the data set's name.
        settings: of the data set.
        junk: count what a system leaves behind in folders, as releases before 0.3 did.
    """
    inputs = of_ingest(settings, junk=junk)
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
    """Compute the key of a stage of a round.

    Args:
        round_: the round.
        stage: the stage's name.
        before: key of the stage whose result this stage reads (`BEFORE`).
        made_with: versions that made the result; None: the versions of this release.
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
