"""Adoption of results in the lake: of the same key, of other versions, of an earlier release.

Commits of format 1 (`pipelines.rounds.metadata`) carry keys that covered bytes of code, which no
later release can compute again. The settings and inputs of such a round, as its manifest and its
commits record them, are compared once with the current ones. Where they are equal, the current keys
are written to the branch `stemma-keys`, and every checkout finds the round by them from then on.
Neither main nor a tag moves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lake import documents, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import NotFoundError
from lake.values import Commit
from pipelines.common import console
from pipelines.common.errors import DataError, PipelineError, StaleError
from pipelines.common.settings import parse
from pipelines.params import Dataset, Round
from pipelines.rounds import attestation, history, keys, manifest, stage_inputs, trust
from pipelines.rounds.context import RoundContext
from pipelines.rounds.history import Published
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import PUBLISH_KEY, SUITE, StageMetadata
from pipelines.rounds.staging_branch import staging_branch

BRANCH: Final = "stemma-keys"
"""Branch that holds the current keys of each round of an earlier release."""
MAX_BYTES: Final = 1 << 20
"""Limit of the size of a file with the current keys of a round, in bytes."""
HOLDER_STAGES: Final = {"fit": "generate", "publish": "guard"}
"""The stage whose commit holds the result, for stages without a commit of their own."""
FIRST_VERSIONS: Final = {"scorer code": "code/2", "scorer maths": "maths/2"}
"""Versions that format 1 implies where they are not `<name>/1`."""

Notes = Mapping[str, StageKey]
"""Current keys of a round's stages, by `<commit>/<stage>`."""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A stage's result in the lake, and its key."""

    commit: Commit
    key: StageKey


def path(dataset: str, number: int) -> str:
    """Path of the file with the current keys of a round: `digits/keys/003.json`."""
    return f"{dataset}/keys/{number:03d}.json"


def read(lake: Lake, dataset: str, number: int) -> Notes:
    """Read the current keys of a round; empty where the lake holds none.

    Raises:
        DataError: the file is damaged.
    """
    try:
        content = documents.parse_json(lake.read(BRANCH, path(dataset, number), MAX_BYTES))
        return {name: StageKey(**entry) for name, entry in content.items()}
    except NotFoundError:
        return {}
    except (DocumentError, TypeError, AttributeError) as error:
        raise DataError(f"{path(dataset, number)} on {BRANCH} is damaged; remove it") from error


def write(lake: Lake, dataset: str, number: int, notes: Notes) -> None:
    """Add current keys of a round to those that the lake holds."""
    merged = {**read(lake, dataset, number), **notes}
    content = {
        name: {"key": key.key, "recipe": key.recipe, "versions": dict(key.versions)}
        for name, key in merged.items()
    }
    data = json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
    start = lake.head(BRANCH) or list(lake.log(refs.MAIN, first_parent=True))[-1].id
    with staging_branch(lake, BRANCH, start) as branch:
        lake.write_bytes(branch, path(dataset, number), data, "application/json")
        commit = lake.commit(branch, f"Note the keys of round {number} of {dataset}", {})
        lake.set_branch(BRANCH, commit.id)


def key_of(commit: Commit, stage: str, notes: Notes) -> StageKey | None:
    """The key of the stage's result in a commit; None if the commit holds no such result.

    Nobody signs notes, so they count only for a commit of format 1, which states no current key.
    """
    stored_key = notes.get(f"{commit.id}/{stage}")
    metadata = StageMetadata.from_commit(commit)
    if metadata is None:
        return stored_key
    if stored_key is not None and (metadata.key is None or metadata.key.recipe is None):
        return stored_key
    if stage == "fit":
        return metadata.fit
    if stage == "publish":
        return metadata.key if PUBLISH_KEY in metadata.extra else None
    return metadata.key if metadata.stage == stage else None


def find(ctx: RoundContext, stage: str, key: StageKey) -> StoredResult | None:
    """Find the result of a stage in the lake.

    A result of the same key comes first. A result of the same recipe and other versions counts if
    main holds its round: a published round never goes stale because code changed. A commit that is
    not what a stage made (`pipelines.rounds.attestation`) is passed over, and said.

    Args:
        ctx: the round.
        stage: the stage's name.
        key: the stage's current key.

    Raises:
        StaleError: main holds a round whose commits are not what its stages made.
    """
    compare_once(ctx)
    notes = read(ctx.lake, ctx.round.dataset, ctx.round.number)
    merge = _published(ctx)

    def has_key(commit: Commit, _: StageMetadata) -> bool:
        return _has(key_of(commit, stage, notes), key=key.key) and _is_sound(ctx, commit, merge)

    exact = history.find(ctx.lake, ctx.round, has_key)
    if exact is not None:
        return StoredResult(exact, key)
    for commit in history.chain(ctx.lake, merge.source, ctx.round) if merge else ():
        stored_key = key_of(commit, stage, notes)
        if stored_key is None or stored_key.recipe != key.recipe:
            continue
        if _is_sound(ctx, commit, merge):
            return StoredResult(commit, stored_key)
    return None


def fault(ctx: RoundContext, commit: Commit, merge: Published | None) -> str | None:
    """Find out why a commit of a round is not what a stage made; None if it is.

    A round that main held before signing began was made by an earlier release, whose commits state
    nothing about what they hold.

    Args:
        ctx: the round.
        commit: the commit.
        merge: the merge by which main holds the round; None if it does not.
    """
    trusted = trust.load(ctx.lake)
    earlier = merge is not None and (trusted is None or trusted.is_earlier(merge.commit))
    if earlier and _is_in(ctx, commit, merge):
        if attestation.CONTENT not in commit.metadata:
            return None
        trusted = None
    return attestation.chain_fault(ctx.lake, commit.id, trusted)


def _is_sound(ctx: RoundContext, commit: Commit, merge: Published | None) -> bool:
    """Tell whether a commit of a round may be adopted; say so if it may not.

    Raises:
        StaleError: main holds it, and it is not what a stage made.
    """
    wrong = fault(ctx, commit, merge)
    if wrong is None:
        return True
    if _is_in(ctx, commit, merge):
        raise StaleError(
            f"main holds {ctx.round.key}, and {wrong}; see `stemma audit --history main`, and make "
            f"the round again with `stemma round redo {ctx.round.key}`"
        )
    console.line(f"{commit.id[:12]} has the key of {ctx.round.key} and is not adopted: {wrong}")
    return False


def _is_in(ctx: RoundContext, commit: Commit, merge: Published | None) -> bool:
    """Tell whether a merge brought a commit of the round into main."""
    chain = history.chain(ctx.lake, merge.source, ctx.round) if merge else ()
    return any(held.id == commit.id for held in chain)


def outdated(stored: StageKey, current: StageKey) -> str:
    """End of a sentence about a result of other versions; empty if the versions are current."""
    changed = keys.raised(stored, current) if stored.recipe == current.recipe else {}
    pairs = [f"{before or 'none'}, now {after or 'none'}" for before, after in changed.values()]
    return f", outdated: made by {'; '.join(pairs)}" if pairs else ""


def outdated_versions(lake: Lake, round_: Round, source: str) -> dict[str, list[str]]:
    """The versions of a published round that differ from the current ones: [then, now] by name.

    Args:
        lake: the lake.
        round_: the round, with its current settings.
        source: the commit whose merge published it.
    """
    notes = read(lake, round_.dataset, round_.number)
    changed: dict[str, list[str]] = {}
    for commit in history.chain(lake, source, round_):
        for stage in stage_inputs.OF_A_ROUND:
            stored = key_of(commit, stage, notes)
            if stored is None or stored.recipe is None:
                continue
            current = stage_inputs.versions(round_, stage)
            pairs = keys.raised(stored, StageKey("", None, current))
            changed |= {
                name: [then or "none", new or "none"] for name, (then, new) in pairs.items()
            }
    return changed


def compare_once(ctx: RoundContext) -> None:
    """Store the current keys of a published round of format 1 if its settings and inputs match."""
    merge = _published(ctx)
    if merge is None:
        return
    source = merge.source
    commits: dict[str, Commit] = {}
    for commit in history.chain(ctx.lake, source, ctx.round):  # newest first
        metadata = StageMetadata.from_commit(commit)
        if metadata and metadata.key and not metadata.key.recipe:
            commits.setdefault(metadata.stage, commit)
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    if not commits or read(lake, dataset, number):
        return
    try:
        equal = _equal_stages(ctx, source, commits)
    except PipelineError as error:
        console.line(f"{ctx.round.key} was made by the release before; not adopted: {error}")
        return
    notes = _notes(ctx, commits, equal)
    if notes:
        write(lake, dataset, number, notes)
        console.line(
            f"{ctx.round.key}: made by the release before of the same settings and inputs "
            f"({', '.join(equal)}); its current keys are stored on {BRANCH}"
        )


def _published(ctx: RoundContext) -> Published | None:
    """The merge that published the round; None if main does not hold the round."""
    if ctx.round.line != refs.MAIN:
        return None
    return history.published(ctx.lake, ctx.round.dataset).get(ctx.round.number)


def _has(stored: StageKey | None, *, key: str) -> bool:
    return stored is not None and stored.key == key


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
    return Round(
        key=round_.key,
        dataset=round_.dataset,
        number=round_.number,
        previous=round_.previous,
        generator=round_.generator,
        line=round_.line,
        seed=round_.seed,
        identity=round_.identity,
        settings=settings,
    )


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
