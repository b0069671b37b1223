"""The history of a data set's rounds, read from the lake's log.

The lake is the source of truth, not a receipt. Every commit that a stage makes carries metadata
(`pipelines.rounds.metadata`), so the log tells which rounds main holds now, and whether the commit
that a stage would make already exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from lake import refs
from lake.client import Lake
from lake.values import Commit
from pipelines.params import Round
from pipelines.rounds import attestation, listing, trust
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import BASE, StageMetadata
from pipelines.rounds.trust import Trust

OF_MAIN: Final = ("publish", "calibrate")
"""Stages whose commits are on main, and not on the branch of the round that they name."""
MERGED: Final = 2
"""Number of parents of a merge."""


@dataclass(frozen=True, slots=True)
class Published:
    """A round that a ref holds: number, merge commit, merged commit and publish key."""

    round: int
    commit: str
    source: str
    key: StageKey


def published(lake: Lake, dataset: str, ref: str = refs.MAIN) -> dict[int, Published]:
    """The rounds of a data set that a ref holds now, by number.

    A ref holds a round if it has the round's manifest exactly as the publishing merge left it: a
    merge that was reverted or superseded does not count; one that a second revert restored does.
    Only a merge of two parents publishes a round, and it must be signed by a trusted key unless it
    is from before signing began (`pipelines.rounds.trust`).
    """
    trusted = trust.load(lake)
    published_rounds: dict[int, Published] = {}
    at = listing.pinned(lake, ref)
    manifests = _manifests(lake, dataset, at)
    for commit in lake.log(at, first_parent=True) if manifests else ():
        metadata = StageMetadata.from_commit(commit)
        if metadata is None or not metadata.publishes(dataset) or metadata.key is None:
            continue
        if not is_proved(lake, commit, trusted):
            continue
        number = metadata.round
        if number in published_rounds or number not in manifests:
            continue
        now, before = (
            _manifests(lake, dataset, ref).get(number) for ref in (commit.id, commit.parents[0])
        )
        if before != now == manifests[number]:
            source = commit.parents[1]
            published_rounds[number] = Published(number, commit.id, source, metadata.key)
        if len(published_rounds) == len(manifests):
            break
    return published_rounds


def published_round(lake: Lake, round_: Round) -> Published | None:
    """The merge that published a round; None if main does not hold it or its line never merges."""
    if round_.line != refs.MAIN:
        return None
    return published(lake, round_.dataset).get(round_.number)


def is_proved(lake: Lake, commit: Commit, trusted: Trust | None) -> bool:
    """Tell whether a commit that says that it publishes a round is a merge with a signature.

    Args:
        lake: the lake.
        commit: the commit.
        trusted: the trusted keys; None: signatures are not verified.
    """
    if len(commit.parents) != MERGED:
        return False
    if trusted is None or attestation.signer_of(lake, commit.metadata, trusted) is not None:
        return True
    return trusted.is_earlier(commit.id)


def _manifests(lake: Lake, dataset: str, ref: str) -> dict[int, str]:
    """Checksums of the manifests of a data set's rounds, by number."""
    held = listing.checksums(lake, ref, dataset)
    prefix = refs.table(dataset, "rounds")
    return {
        number: checksum
        for path, checksum in held.items()
        if path.startswith(prefix) and (number := refs.round_of(path)) is not None
    }


def chain(lake: Lake, ref: str, round_: Round) -> Iterator[Commit]:
    """The commits at the head of a ref that stages of this round made, newest first."""
    for commit in lake.log(ref, first_parent=True):
        if not belongs(commit, round_):
            return
        yield commit


def belongs(commit: Commit, round_: Round) -> bool:
    """Tell whether a stage of this round and line made the commit on the round's branch."""
    metadata = StageMetadata.from_commit(commit)
    return (
        metadata is not None
        and metadata.stage not in OF_MAIN
        and metadata.dataset == round_.dataset
        and metadata.round == round_.number
        and metadata.line == round_.line
    )


def find(
    lake: Lake, round_: Round, matches: Callable[[Commit, StageMetadata], bool]
) -> Commit | None:
    """Find a commit that a stage of this round made.

    The round's branch is searched first, then the merged commits that published the round, of which
    all but the newest are superseded.

    Args:
        lake: the lake.
        round_: the round.
        matches: predicate over a commit and its metadata; commits are tried newest first.
    """
    for ref in _candidate_refs(lake, round_):
        for commit in chain(lake, ref, round_):
            metadata = StageMetadata.from_commit(commit)
            if metadata and metadata.stage != "supersede" and matches(commit, metadata):
                return commit
    return None


def generated(lake: Lake, dataset: str, number: int, ref: str) -> Commit | None:
    """The generate commit of a round at a ref: it holds candidates and generator."""
    published_round = published(lake, dataset, ref).get(number)
    for commit in lake.log(published_round.source if published_round else ref, first_parent=True):
        metadata = StageMetadata.from_commit(commit)
        if metadata is None:
            continue
        if metadata.stage == "publish":
            return None
        if metadata.stage == "generate" and (metadata.dataset, metadata.round) == (dataset, number):
            return commit
    return None


def is_published(lake: Lake, round_: Round, commit: Commit) -> bool:
    """Tell whether main holds the round that this commit belongs to."""
    if round_.line != refs.MAIN:
        return False
    merged = published(lake, round_.dataset).get(round_.number)
    return merged is not None and any(
        earlier.id == commit.id for earlier in chain(lake, merged.source, round_)
    )


def leads_to_main(lake: Lake, round_: Round, commit: Commit) -> bool:
    """Tell whether merging the commit would bring exactly its branch's changes into main.

    Main's rounds of the data set must be those at the branch's base, and so must its head file,
    which a take-down writes anew (merges that started before it conflict). The branch must not have
    been merged before (after a revert, a second merge would restore nothing). Other lines are never
    merged into main, so the answer for them is always true.
    """
    if round_.line != refs.MAIN:
        return True
    bases = (earlier.metadata.get(BASE) for earlier in chain(lake, commit.id, round_))
    base = next(filter(None, bases), None)
    if base is None or lake.merge_base(commit.id, refs.MAIN) != base:
        return False
    dataset, at = round_.dataset, listing.pinned(lake, refs.MAIN)
    heads = {listing.checksums(lake, ref, dataset).get(refs.head(dataset)) for ref in (at, base)}
    return len(heads) == 1 and published(lake, dataset, at) == published(lake, dataset, base)


def _candidate_refs(lake: Lake, round_: Round) -> Iterator[str]:
    if lake.head(round_.branch) is not None:
        yield round_.branch
    if round_.line == refs.MAIN:
        for commit in lake.log(refs.MAIN, first_parent=True):
            metadata = StageMetadata.from_commit(commit)
            merges = metadata is not None and metadata.publishes(round_.dataset, round_.number)
            if merges and len(commit.parents) > 1:
                yield commit.parents[1]
