"""Adoption of results in the lake: of the same key, of other versions, of an earlier release.

A stage looks for its key among the commits of its round before it does anything, so that nothing is
made twice. What carries the key is adopted only if a stage made it
(`pipelines.rounds.attestation`).
"""

from __future__ import annotations

from dataclasses import dataclass

from lake.client import Lake
from lake.values import Commit
from pipelines.common import console
from pipelines.common.errors import StaleError
from pipelines.params import Round
from pipelines.rounds import (
    attestation,
    earlier_release,
    history,
    keys,
    stage_inputs,
    stored_keys,
    trust,
)
from pipelines.rounds.context import RoundContext
from pipelines.rounds.history import Published
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import StageMetadata


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A stage's result in the lake, and its key."""

    commit: Commit
    key: StageKey


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
    earlier_release.compare_once(ctx)
    notes = stored_keys.read(ctx.lake, ctx.round.dataset, ctx.round.number)
    merge = history.published_round(ctx.lake, ctx.round)

    def has_key(commit: Commit, _: StageMetadata) -> bool:
        stored_key = stored_keys.key_of(commit, stage, notes)
        same = stored_key is not None and stored_key.key == key.key
        return same and _is_sound(ctx, commit, merge)

    exact = history.find(ctx.lake, ctx.round, has_key)
    if exact is not None:
        return StoredResult(exact, key)
    for commit in history.chain(ctx.lake, merge.source, ctx.round) if merge else ():
        stored_key = stored_keys.key_of(commit, stage, notes)
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
    notes = stored_keys.read(lake, round_.dataset, round_.number)
    changed: dict[str, list[str]] = {}
    for commit in history.chain(lake, source, round_):
        for stage in stage_inputs.OF_A_ROUND:
            stored = stored_keys.key_of(commit, stage, notes)
            if stored is None or stored.recipe is None:
                continue
            current = stage_inputs.versions(round_, stage)
            pairs = keys.raised(stored, StageKey("", None, current))
            changed |= {
                name: [then or "none", new or "none"] for name, (then, new) in pairs.items()
            }
    return changed
