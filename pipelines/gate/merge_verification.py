"""Verification of one merge commit: the guard judged this content and let it pass.

lakeFS lets anybody with merge rights merge, so the history must contain the evidence: publish
writes the guard's answer into the round's manifest on the branch and, bound to the commit that was
judged, into the metadata of the merge. Each check here compares the answer with the content of the
commits and returns what is wrong in one sentence, or None. Messages and metadata count only where
the content confirms them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError, TooLargeError
from lake.values import Commit
from lineage import guard
from lineage.errors import GuardError
from lineage.guard import GuardResult
from pipelines.common import digests
from pipelines.common.errors import DataError
from pipelines.gate import approval_proofs, binding, guard_record, merges, real_data_merges
from pipelines.gate.guard_record import OVERRIDE
from pipelines.gate.merges import SHORT, Merge, MergeVerification
from pipelines.rounds import attestation, manifest, merging, path_scope
from pipelines.rounds.metadata import DATASET, GUARD, KEY, ROUND
from pipelines.rounds.trust import Trust

DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def at(lake: Lake, commit: Commit, trusted: Trust | None) -> MergeVerification:
    """Verify the commit by which a lake says that it holds a round; arguments as `of_round`."""
    changes = lake.diff(commit.parents[0], commit.id, three_dot=False, checksums=True)
    return of_round(Merge(lake, commit, tuple(changes)), trusted)


def of_round(merge: Merge, trusted: Trust | None) -> MergeVerification:
    """Verify that the guard let pass what a merge brought.

    Args:
        merge: the merge of a round.
        trusted: the trusted keys, of which one must have signed what was made since signing began;
            None: signatures are not verified.
    """
    metadata = merge.commit.metadata
    dataset, number = metadata.get(DATASET, ""), refs.number(metadata.get(ROUND))
    if GUARD not in metadata or number is None or not refs.NAME.match(dataset):
        return MergeVerification(_without_answer(merge))
    try:
        result = _recorded(merge.lake, merge.source, dataset, number)
    except GuardError as error:
        return MergeVerification(str(error))
    if result is None:
        return MergeVerification(
            f"what it merged holds no answer of the guard about round {number}"
        )
    wrong = next(filter(None, (check(merge, result) for check in CHECKS)), None)
    signer = None if trusted is None else _signer(merge, result, trusted)
    if wrong is None and signer is None and trusted and not trusted.is_earlier(merge.commit.id):
        wrong = f"the guard's answer {_unsigned(metadata)}"
    wrong = wrong or approval_proofs.fault(merge, trusted)
    return MergeVerification(wrong or merges.made_otherwise(merge, trusted), result, signer)


def _recorded(lake: Lake, ref: str, dataset: str, number: int) -> GuardResult | None:
    """The guard's answer in the manifest of a round.

    Raises:
        GuardError: the answer was altered.
    """
    content = _manifest(lake, ref, dataset, number).get("guard")
    return None if content is None else guard.read(content)


def _manifest(lake: Lake, ref: str, dataset: str, number: int) -> dict[str, Any]:
    """The manifest of a round; empty if it is missing or unreadable."""
    try:
        return manifest.read(lake, ref, dataset, number)
    except (NotFoundError, TooLargeError, DataError):
        return {}


def _without_answer(merge: Merge) -> str:
    """Describe a merge without a guard's answer: the rounds that it brought, and their answers."""
    brought = path_scope.rounds(merge.changes, "added", "changed")
    answers = [
        f"round {number} of {name} ({_guard_answer(merge, name, number)})"
        for name, number in brought
    ]
    brings = f", and brings {', '.join(answers)}" if answers else ""
    return f"it carries no answer of the guard{brings}"


def _guard_answer(merge: Merge, dataset: str, number: int) -> str:
    """Describe the guard's answer about a round in the merged manifest."""
    try:
        result = _recorded(merge.lake, merge.source, dataset, number)
    except GuardError:
        return "with an answer that was altered"
    if result is None:
        return "never judged"
    blocking = f": {', '.join(result.blocking)}" if result.blocking else ""
    return f"the guard said {result.verdict}{blocking}"


def _metadata(merge: Merge, result: GuardResult) -> str | None:
    """The metadata of the merge agrees with the manifest."""
    metadata = merge.commit.metadata
    round_id = (metadata.get(DATASET), metadata.get(ROUND))
    if round_id != (result.dataset, str(result.round)):
        return f"the answer it carries is about round {result.round} of {result.dataset}"
    for name, value in guard_record.guard_metadata(result).items():
        if metadata.get(name) != value:
            return f"its {name} is not that of the guard's answer in the manifest it merged"
    if OVERRIDE in metadata and result.override is None:
        return "it names an override, and the guard's answer has none"
    return None


def _complete(_: Merge, result: GuardResult) -> str | None:
    """The answer has checks, the digest of the limits, and a judged commit."""
    if not result.checks:
        return "the guard's answer has no checks"
    if not DIGEST.fullmatch(result.limits):
        return "the guard's answer does not say which limits it was held against"
    return None if DIGEST.fullmatch(result.judged) else "the guard's answer is about no commit"


def _let_through(_: Merge, result: GuardResult) -> str | None:
    """The guard does not block, or somebody overrode the block with a reason."""
    if not result.blocked and (result.override is None or result.override.strip()):
        return None
    return f"the guard blocks it ({', '.join(result.blocking)}) and nobody gave a reason"


def _judged(merge: Merge, result: GuardResult) -> str | None:
    """The merged content is the judged content plus the answer."""
    lake, judged = merge.lake, result.judged
    try:
        descends = judged == lake.merge_base(merge.source, judged)
    except NotFoundError:
        descends = False
    if not descends:
        return f"what it merged does not descend from {judged[:SHORT]}, which the guard judged"
    answer = refs.manifest(result.dataset, result.round)
    later = list(lake.diff(judged, merge.source, three_dot=False))
    more = [item for item in later if item.path not in (answer, refs.head(result.dataset))]
    if more:
        return f"after the guard judged {judged[:SHORT]}, {more[0].path} was {more[0].kind}"
    before, after = (
        _manifest(lake, ref, result.dataset, result.round) for ref in (judged, merge.source)
    )
    if before and _without_guard(before) == _without_guard(after):
        return None
    return f"after the guard judged {judged[:SHORT]}, {answer} was changed beyond its answer"


def _bound(merge: Merge, result: GuardResult) -> str | None:
    """The digests that the answer is bound to are those of the judged commit."""
    if not result.bound:
        return None  # an answer of an earlier release
    tables = binding.of_tables(merge.lake, result.judged, result.dataset, result.round)
    for name in {**tables, **result.bound}.keys() & {*binding.TABLES}:
        if tables.get(name) != result.bound.get(name):
            return f"the guard judged other {name} than {result.judged[:SHORT]} holds"
    return None


def _head(merge: Merge, result: GuardResult) -> str | None:
    """The head file is what publish writes, and the one that was signed."""
    key = merge.commit.metadata.get(KEY, "")
    wrong = merging.head_fault(merge.lake, merge.source, result.dataset, result.round, key)
    signed = merge.commit.metadata.get(guard_record.HEAD)
    if wrong is None and signed is not None:
        held = merging.head_checksum(merge.lake, merge.source, result.dataset)
        wrong = None if held == signed else f"{refs.head(result.dataset)} is another file"
    return f"of what it merged, {wrong}" if wrong else None


def _scope(merge: Merge, result: GuardResult) -> str | None:
    """The merge changed only its round and what the round supersedes."""
    other = path_scope.foreign(merge.changes, result.dataset, result.round)
    if other is None:
        return None
    judged_round = f"round {result.round} of {result.dataset}"
    return f"{judged_round} was judged, and it {path_scope.verb(other)} {other.path} besides"


def _brought(merge: Merge, _: GuardResult) -> str | None:
    """The merge differs from its first parent by exactly the changes of its source."""
    return merges.altered(merge)


def _real(merge: Merge, result: GuardResult) -> str | None:
    """The round brings real rows alone, or none."""
    return real_data_merges.later_fault(merge, result.dataset, result.round)


Check = Callable[[Merge, GuardResult], str | None]
CHECKS: Final[tuple[Check, ...]] = (
    _metadata,
    _complete,
    _let_through,
    _judged,
    _scope,
    _bound,
    _head,
    _brought,
    _real,
)
"""Checks in the order in which they run; the first that fails is reported."""


def _signer(merge: Merge, result: GuardResult, trusted: Trust) -> str | None:
    """The short name of the trusted key that signed a merge; None if none did."""
    metadata = merge.commit.metadata
    if attestation.SIGNATURE in metadata:
        return attestation.signer_of(merge.lake, metadata, trusted)
    key = metadata.get(KEY, "")
    statement = guard_record.earlier_statement(merge.lake.repository, result, key)
    signature = metadata.get(guard_record.EARLIER_SIGNATURE)
    return trusted.keys.signer(statement.encoded(), signature)


def _unsigned(metadata: Mapping[str, str]) -> str:
    earlier = guard_record.EARLIER_SIGNATURE in metadata
    return attestation.unsigned({attestation.SIGNATURE: ""} if earlier else metadata)


def _without_guard(content: Mapping[str, Any]) -> bytes:
    """A manifest without the guard's answer, as canonical JSON."""
    return digests.canonical({name: content[name] for name in content if name != "guard"})
