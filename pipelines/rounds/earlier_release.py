"""Rounds of an earlier release: compare settings and inputs once, and store the current keys.

The settings and inputs of a round of format 1 (`pipelines.rounds.metadata`), as its manifest and
its commits record them, are compared with the current ones. Where they are equal, the current keys
are stored (`pipelines.rounds.stored_keys`), and every checkout finds the round by them from then
on. Neither main nor a tag moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from lake.values import Commit
from pipelines.common import console
from pipelines.common.errors import PipelineError
from pipelines.common.settings import parse
from pipelines.params import Dataset, Round
from pipelines.rounds import history, manifest, stage_inputs, stored_keys
from pipelines.rounds.context import RoundContext
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import SUITE, StageMetadata
from pipelines.rounds.stored_keys import BRANCH, Notes

HOLDER_STAGES: Final = {"fit": "generate", "publish": "guard"}
"""The stage whose commit holds the result, for stages without a commit of their own."""
FIRST_VERSIONS: Final = {"scorer code": "code/2", "scorer maths": "maths/2"}
"""Versions that format 1 implies where they are not `<name>/1`."""


def compare_once(ctx: RoundContext) -> None:
    """Store the current keys of a published round of format 1 if its settings and inputs match."""
    merge = history.published_round(ctx.lake, ctx.round)
    if merge is None:
        return
    source = merge.source
    commits: dict[str, Commit] = {}
    for commit in history.chain(ctx.lake, source, ctx.round):  # newest first
        metadata = StageMetadata.from_commit(commit)
        if metadata and metadata.key and not metadata.key.recipe:
            commits.setdefault(metadata.stage, commit)
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    if not commits or stored_keys.read(lake, dataset, number):
        return
    try:
        equal = _equal_stages(ctx, source, commits)
    except PipelineError as error:
        console.line(f"{ctx.round.key} was made by the release before; not adopted: {error}")
        return
    notes = _notes(ctx, commits, equal)
    if notes:
        stored_keys.write(lake, dataset, number, notes)
        console.line(
            f"{ctx.round.key}: made by the release before of the same settings and inputs "
            f"({', '.join(equal)}); its current keys are stored on {BRANCH}"
        )


def _equal_stages(ctx: RoundContext, source: str, commits: Mapping[str, Commit]) -> list[str]:
    """The leading stages of a round whose settings and inputs match the current ones."""
    round_ = ctx.round
    content = manifest.read(ctx.lake, source, round_.dataset, round_.number)
    before = _recorded(round_, content)
    if before is None:
        return []
    equal: list[str] = []
    for stage in stage_inputs.OF_A_ROUND:
        if stage_inputs.settings(before, stage) != stage_inputs.settings(round_, stage):
            break
        if stage == "verify" and not _same_suite(round_, commits.get("verify")):
            break
        equal.append(stage)
    return equal


def _recorded(round_: Round, content: Mapping[str, Any]) -> Round | None:
    """The round as its manifest describes it; None if seed, line or generator differ.

    Format 1 knows no revisions, so a round that is to be made again was made of something else.
    """
    if round_.revision:
        return None
    origin = (content["seed"], content["line"], content["previous"])
    if origin != (round_.seed, round_.line, round_.previous):
        return None
    generator = str(content["generator"].get("kind", "")).partition("/")[0]
    if generator != round_.generator:
        return None
    settings = parse(Dataset, content["settings"], "its manifest: settings")
    if settings.identity != round_.identity:
        return None
    return replace(round_, settings=settings)


def _same_suite(round_: Round, verified: Commit | None) -> bool:
    """Tell whether the verdicts of a verify commit were given by the current suite."""
    if verified is None:
        return False
    return verified.metadata.get(SUITE) == stage_inputs.suite_digest(round_.dataset)


def _notes(ctx: RoundContext, commits: Mapping[str, Commit], equal: list[str]) -> Notes:
    """The current keys of the stages that match."""
    notes: dict[str, StageKey] = {}
    key = ctx.previous().data
    for stage in equal:
        key = stage_inputs.key(ctx.round, stage, key, _first_versions(ctx.round, stage))
        holder = commits.get(HOLDER_STAGES.get(stage, stage))
        if holder is None:
            break
        notes[f"{holder.id}/{stage}"] = key
    return notes


def _first_versions(round_: Round, stage: str) -> dict[str, str]:
    """The versions that format 1, which records none, implies for a stage."""
    current = stage_inputs.versions(round_, stage)
    return {
        name: FIRST_VERSIONS.get(name, _first_version(version)) for name, version in current.items()
    }


def _first_version(version: str) -> str:
    """The first version of a name: `curate/1` for `curate/3`; library versions stay as they are."""
    name, numbered, _ = version.partition("/")
    return f"{name}/1" if numbered else version
