"""Tags and main of a lake, held against each other and against this checkout's receipts.

lakeFS lets whoever may write remove a tag and make another of its name, move main back, or give a
branch the name of a tag (a name stands for a branch before it stands for a tag). None of that is a
commit, so no history shows it. Published rounds are never taken out of main's log and their tags
never move, so each such change contradicts something: a receipt, a tag, or the log.

All tags, all branches and main's first-parent log are read once. Tags are read as they are listed,
never by resolving a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common.errors import StaleError
from pipelines.params import Params
from pipelines.rounds import history, receipts, trust
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.receipts import Receipt

Kind = Literal[
    "main was moved",
    "tag is gone",
    "tag was moved",
    "foreign tag",
    "branch hides tag",
    "no tag",
    "held-out rows are gone",
    "held-out rows are left",
]
SHORT: Final = 12
"""Number of hex digits that abbreviate a commit id."""

RoundId = tuple[str, int]
"""Data set and number of a round."""


@dataclass(frozen=True, slots=True)
class TagFinding:
    """What is wrong with a tag, with main, or with the hold-out (`held_out_audit`)."""

    kind: Kind
    dataset: str
    round: int
    name: str
    """The tag, the branch, the path of the receipt, or the take-down that is contradicted."""
    commit: str
    """The commit that the tag, the branch or the receipt names; of the hold-out, its head."""
    sentence: str
    """What is wrong and what to do, in one sentence."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Refs:
    """The refs of a lake, read in an order in which a round that is being published fits."""

    tags: Mapping[str, str]
    branches: Mapping[str, str]
    log: frozenset[str]
    """Ids of the commits of main's first-parent log."""
    merges: Mapping[str, RoundId]
    """The rounds that the merges of main published, by commit, newest first."""


def check(lake: Lake, params: Params) -> list[TagFinding]:
    """Hold tags and main against each other and against the receipts in `rounds/`.

    Args:
        lake: the lake.
        params: settings of the project, which name its data sets.

    Returns:
        The findings: about receipts, then about tags and branches, then about untagged rounds.
    """
    found = _read(lake)
    known = {*params.datasets, *(dataset for dataset, _ in found.merges.values())}
    contradicted: list[TagFinding] = []
    explained: set[str | None] = set()
    for receipt in _published():
        findings = list(_receipt(lake, found, receipt))
        contradicted += findings
        explained |= {receipt.tag} if findings else set()
    tags = [finding for finding in _tags(found, known) if finding.name not in explained]
    return [*contradicted, *tags, *_branches(found, known), *_untagged(lake, found)]


def refuse(lake: Lake, params: Params) -> list[TagFinding]:
    """Refuse to go on where receipts, tags and main contradict each other.

    Returns:
        Findings that do not stop a run: the run of a stage makes the tag of a round that has none.

    Raises:
        StaleError: they contradict each other; the message is the first finding.
    """
    findings = check(lake, params)
    stopping = [finding for finding in findings if finding.kind != "no tag"]
    if stopping:
        others = len(stopping) - 1
        more = f" ({others} more: `stemma status` names them)" if others else ""
        raise StaleError(f"{stopping[0].sentence}{more}")
    return findings


def publish_receipts() -> list[Path]:
    """The publish receipts of this checkout, in order."""
    found = receipts.ROOT.glob("*/*/publish.json")
    return sorted(file for file in found if receipts.number_of(file) is not None)


def _read(lake: Lake) -> _Refs:
    """Read tags before the log: a round that is published meanwhile has a merge, but no tag yet."""
    tags, branches = lake.tags(), lake.branches()
    trusted, log, merges = trust.load(lake), [], {}
    for commit in lake.log(refs.MAIN, first_parent=True):
        log.append(commit.id)
        metadata = StageMetadata.from_commit(commit)
        says_so = metadata is not None and metadata.stage == "publish"
        if metadata and says_so and history.is_proved(lake, commit, trusted):
            merges[commit.id] = (metadata.dataset, metadata.round)
    return _Refs(tags, branches, frozenset(log), merges)


def _published() -> Iterator[Receipt]:
    """The publish receipts of this checkout; one that cannot be read is left to its stage."""
    for file in publish_receipts():
        with suppress(StaleError):
            yield receipts.read(file.parent.parent.name, int(file.parent.name), "publish")


def _receipt(lake: Lake, found: _Refs, receipt: Receipt) -> Iterator[TagFinding]:
    """Hold a publish receipt against main's log, and against the tag that it names.

    A receipt about a commit that the lake does not hold is about another lake, or about this one
    before it was wiped: the rounds run again.
    """
    on_main = receipt.line == refs.MAIN
    commit = receipt.commit if on_main else receipt.main
    if commit is None or receipt.repository != lake.repository:
        return
    if commit not in found.log:
        if _holds(lake, commit):
            yield _moved_main(receipt, commit)
        return
    if on_main and receipt.tag is not None and found.tags.get(receipt.tag) != commit:
        yield _lost_tag(receipt, receipt.tag, found.tags.get(receipt.tag))


def _holds(lake: Lake, commit: str) -> bool:
    try:
        return lake.resolve(commit).id == commit
    except NotFoundError:
        return False


def _moved_main(receipt: Receipt, commit: str) -> TagFinding:
    file = receipts.path(receipt.dataset, receipt.round, "publish")
    return TagFinding(
        "main was moved",
        receipt.dataset,
        receipt.round,
        str(file),
        commit,
        f"main does not hold {commit[:SHORT]} any more, which {file} names: somebody moved main "
        f"back; find out who (the log of main, and your team's: git pull) and put it back to the "
        f"last merge that the receipts name, or, if it was moved on purpose, remove that receipt, "
        f"and `dvc repro` publishes the round again",
    )


def _lost_tag(receipt: Receipt, tag: str, target: str | None) -> TagFinding:
    file = receipts.path(receipt.dataset, receipt.round, "publish")
    again = f"`{_stage((receipt.dataset, receipt.round))}` makes it again"
    if target is None:
        kind: Kind = "tag is gone"
        what = f"the tag {tag}, which {file} names, is gone; find out who deleted it, and {again}"
    else:
        kind = "tag was moved"
        what = (
            f"the tag {tag} points to {target[:SHORT]}, and {file} says to {receipt.commit[:SHORT]}"
            f": tags of rounds never move, so somebody deleted it and made another; find out who, "
            f"delete it, and {again}"
        )
    return TagFinding(kind, receipt.dataset, receipt.round, tag, receipt.commit, what)


def _tags(found: _Refs, known: set[str]) -> Iterator[TagFinding]:
    """Tags of rounds that point to something else than the merge of their round on main."""
    for tag, commit in sorted(found.tags.items()):
        round_id = _round_of(tag, known)
        if round_id is None or found.merges.get(commit) == round_id:
            continue
        dataset, number = round_id
        what = (
            f"which is no merge of round {number} of {dataset}: no stage made the tag; find out "
            f"who did, and delete it"
            if commit in found.log
            else "which main does not hold: main was moved back, or no stage made the tag; find "
            "out who did that, and put main back or delete the tag"
        )
        sentence = f"the tag {tag} points to {commit[:SHORT]}, {what}"
        yield TagFinding("foreign tag", dataset, number, tag, commit, sentence)


def _branches(found: _Refs, known: set[str]) -> Iterator[TagFinding]:
    """Branches with the name of a round's tag."""
    for branch, commit in sorted(found.branches.items()):
        round_id = _round_of(branch, known)
        if round_id is not None:
            yield TagFinding(
                "branch hides tag",
                *round_id,
                branch,
                commit,
                f"the branch {branch} has the name of a tag of round {round_id[1]} of "
                f"{round_id[0]}, and whoever reads {branch} gets the branch; delete the branch",
            )


def _untagged(lake: Lake, found: _Refs) -> Iterator[TagFinding]:
    """Published rounds without a tag of their name; tags are listed again, as one may be new."""
    missing = _without_tag(found.merges, found.tags)
    missing = _without_tag(missing, lake.tags()) if missing else missing
    for commit, (dataset, number) in missing.items():
        yield TagFinding(
            "no tag",
            dataset,
            number,
            refs.next_tag(dataset, number, ()),
            commit,
            f"round {number} of {dataset}, which {commit[:SHORT]} published, has no tag of its "
            f"name; `{_stage((dataset, number))}` tags the round that main holds",
        )


def _without_tag(merges: Mapping[str, RoundId], tags: Mapping[str, str]) -> dict[str, RoundId]:
    tagged = {(commit, _round_of(tag)) for tag, commit in tags.items()}
    return {
        commit: round_id for commit, round_id in merges.items() if (commit, round_id) not in tagged
    }


def _round_of(name: str, known: set[str] | None = None) -> RoundId | None:
    """The round whose tag has a name; None if it is no name of a tag of a known data set."""
    match = refs.TAG.match(name)
    if match is None or (known is not None and match["dataset"] not in known):
        return None
    return match["dataset"], int(match["round"])


def _stage(round_id: RoundId) -> str:
    """The command that makes the tag of a round."""
    dataset, number = round_id
    return (
        f"stemma stage publish {dataset}-{number}" if number else f"stemma stage ingest {dataset}"
    )
