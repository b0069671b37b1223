"""Attestation of stage commits: each says what it holds and what it was made from, and is signed.

Metadata can be copied, and whoever may write to a branch can commit anything with it. So the
metadata of a stage's commit holds two digests of the round's objects (paths and checksums): as they
are at the commit, and as they were at its parent, which is the stage's input. All entries are
signed by whoever ran the stage. A commit counts as the result of a stage only if it holds what it
states, was made from its parent, changed nothing but what the stage writes, and was signed by a key
that the project trusts (`pipelines.rounds.trust`). Where no key is trusted, signatures are not
verified, and everything else is.

The base of a round's branch (`stemma.base`) is not signed, because it changes when a branch is
rebased; what the round's commits hold does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lake import refs
from lake.client import Lake
from lake.values import Change, Commit
from pipelines.common import digests
from pipelines.common.errors import DataError
from pipelines.rounds import listing, path_scope, trust
from pipelines.rounds.metadata import BASE, StageMetadata
from pipelines.rounds.trust import Trust

CONTENT: Final = "stemma.content"
"""Metadata entry: digest of the round's objects at the commit."""
INPUT: Final = "stemma.input"
"""Metadata entry: digest of the round's objects at the commit's parent."""
SIGNATURE: Final = "stemma.signature"
SIGNER: Final = "stemma.signer"
FORM: Final = "stemma-seal/1"
OURS: Final = "stemma."
"""Prefix of the metadata entries that are signed."""
UNSIGNED: Final = (BASE, SIGNATURE, SIGNER)
SHORT: Final = 12
"""Number of hex digits that abbreviate a commit id."""

WRITES: Final[Mapping[str, tuple[str, ...]]] = {
    "ingest": ("samples", "lineage", "leaks"),
    "generate": ("candidates", "lineage", "left_out", "exchanges", refs.MODELS),
    "verify": ("scores", "verdicts", "suite", refs.DOCS),
    "curate": ("samples", "decisions", "candidates", refs.MODELS, refs.REVIEWED, "lineage"),
    "evaluate": ("leaks", "contaminated"),
    "guard": (),
    "review": (),
}
"""Tables that each stage writes or removes, besides the round's manifest."""
WRITES_HEAD: Final = ("ingest", "guard")
"""Stages that write the head file of the data set."""
NOTHING: Final = digests.of_json({})
"""Digest of the objects of a round that a commit does not hold."""
STARTING: Final = ("ingest", "generate")
"""Stages whose commit starts a round: its parent holds nothing of the round."""


def content(lake: Lake, ref: str, dataset: str, number: int) -> str:
    """Digest of a round's objects at a ref: SHA-256 of paths and checksums, as 64 hex digits."""
    return content_of(listing.checksums(lake, ref, dataset), number)


def content_of(held: Mapping[str, str], number: int) -> str:
    """Digest of a round's objects, among those of its data set: checksums by path."""
    return digests.of_json(
        {path: checksum for path, checksum in held.items() if refs.round_of(path) == number}
    )


def contents(lake: Lake, ref: str, start: str, dataset: str, number: int) -> dict[str, str]:
    """Metadata entries about what a stage wrote on a ref, and about the commit it started from."""
    return {
        CONTENT: content(lake, ref, dataset, number),
        INPUT: content(lake, start, dataset, number),
    }


def seal(lake: Lake, entries: Mapping[str, str]) -> dict[str, str]:
    """Sign metadata entries; return them with signature and name of the key.

    Raises:
        SigningError: there is no key to sign with.
    """
    signer = trust.signer(lake)
    signature = signer.sign(statement(lake, entries))
    return {**entries, SIGNATURE: signature, SIGNER: signer.name}


def statement(lake: Lake, entries: Mapping[str, str]) -> bytes:
    """The signed statement: the repository and all signed entries, as canonical JSON."""
    signed = {
        name: value
        for name, value in entries.items()
        if name.startswith(OURS) and name not in UNSIGNED
    }
    return digests.canonical({"form": FORM, "repository": lake.repository, "entries": signed})


def sealed(entries: Mapping[str, str]) -> dict[str, str]:
    """The metadata entries that a signature is about, with the signature and the key's name."""
    kept = {name: value for name, value in entries.items() if name.startswith(OURS)}
    return {name: value for name, value in kept.items() if name != BASE}


def signer_of(lake: Lake, entries: Mapping[str, str], trusted: Trust) -> str | None:
    """The short name of the trusted key that signed metadata entries; None if none did."""
    return trusted.keys.signer(statement(lake, entries), entries.get(SIGNATURE))


def unsigned(entries: Mapping[str, str]) -> str:
    """Say what is wrong with a signature that no trusted key made."""
    if SIGNATURE not in entries:
        return "is not signed"
    return "is not signed by a key that is trusted"


def fault(lake: Lake, commit: Commit, trusted: Trust | None) -> str | None:
    """Find out why a commit is not the result of the stage that it names.

    Args:
        lake: the lake.
        commit: the commit.
        trusted: the trusted keys; None: signatures are not verified.

    Returns:
        One sentence; None if the commit is what a stage made.
    """
    return _fault(lake, commit, trusted, {})


def chain_fault(lake: Lake, head: str, trusted: Trust | None) -> str | None:
    """Find out why the commits of a round, from a head down to its base, are not its stages'.

    Args:
        lake: the lake.
        head: id of the newest commit.
        trusted: the trusted keys; None: signatures are not verified.

    Returns:
        One sentence about the newest commit that is wrong; None if all are what stages made.
    """
    seen: dict[str, str] = {}
    round_id = None
    for commit in lake.log(head, first_parent=True):
        wrong = _fault(lake, commit, trusted, seen)
        if wrong is not None:
            return wrong
        metadata = StageMetadata.from_commit(commit)
        if metadata is None or round_id not in (None, _round_id(metadata)):
            return f"{commit.id[:SHORT]} is no commit of the round that {head[:SHORT]} is of"
        if metadata.stage in STARTING:
            return None
        round_id = _round_id(metadata)
    return f"{head[:SHORT]} does not come from candidates"


def _fault(lake: Lake, commit: Commit, trusted: Trust | None, seen: dict[str, str]) -> str | None:
    """As `fault`; `seen` keeps digests of the round's objects, by commit."""
    try:
        metadata = StageMetadata.strictly(commit)
    except DataError as error:
        return str(error)
    if metadata is None:
        return f"{commit.id[:SHORT]} is no commit of a stage"
    return next(_faults(lake, commit, metadata, trusted, seen), None)


def _faults(
    lake: Lake,
    commit: Commit,
    metadata: StageMetadata,
    trusted: Trust | None,
    seen: dict[str, str],
) -> Iterator[str]:
    """Everything that is wrong with a stage's commit, the cheapest to find first."""
    what = f"the {metadata.stage} commit {commit.id[:SHORT]}"
    malformed = _malformed(commit, metadata)
    if malformed is not None:
        yield f"{what} {malformed}"
        return
    if trusted is not None and signer_of(lake, commit.metadata, trusted) is None:
        yield f"{what} {unsigned(commit.metadata)}"
    parent = commit.parents[0]
    for ref in {commit.id, parent} - seen.keys():
        seen[ref] = content(lake, ref, metadata.dataset, metadata.round)
    if seen[commit.id] != metadata.extra[CONTENT]:
        yield f"{what} holds something else than the stage wrote"
    if seen[parent] != metadata.extra[INPUT]:
        yield f"{what} was made from something else than its parent holds"
    if metadata.stage in STARTING and seen[parent] != NOTHING:
        yield f"{what} starts from a commit that holds some of the round"
    other = _foreign(lake.diff(parent, commit.id, three_dot=False), metadata)
    if other is not None:
        yield f"{what} also {path_scope.verb(other)} {other.path}"


def _malformed(commit: Commit, metadata: StageMetadata) -> str | None:
    """What keeps a commit from being a stage's, whatever it holds; None if nothing does."""
    if metadata.stage not in WRITES:
        return "is of a stage that makes no commit of a round"
    if len(commit.parents) != 1:
        return f"has {len(commit.parents)} parents, and a stage's commit has one"
    if CONTENT not in metadata.extra or INPUT not in metadata.extra:
        return "does not state what it holds; an earlier release or somebody else made it"
    return None


def _foreign(changes: Iterable[Change], metadata: StageMetadata) -> Change | None:
    """The first change that a stage does not make; None if there is none."""
    dataset, number = metadata.dataset, metadata.round
    prefixes = tuple(refs.partition(dataset, table, number) for table in WRITES[metadata.stage])
    exact = {refs.manifest(dataset, number)} if metadata.stage != "review" else set()
    if metadata.stage in WRITES_HEAD:
        exact.add(refs.head(dataset))
    for item in changes:
        if item.path not in exact and not (prefixes and item.path.startswith(prefixes)):
            return item
    return None


def _round_id(metadata: StageMetadata) -> tuple[str, int, str]:
    return metadata.dataset, metadata.round, metadata.line
