"""Verification of one merge commit: the guard judged this content and let it pass.

lakeFS lets anybody with merge rights merge, so the history must contain the evidence: publish
writes the guard's answer into the round's manifest on the branch and, bound to the commit that was
judged, into the metadata of the merge. Each check here compares the answer with the content of the
commits and returns what is wrong in one sentence, or None. Messages and metadata count only where
the content confirms them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError, TooLargeError
from lake.values import Change, Commit
from lineage import guard
from lineage.errors import GuardError
from lineage.guard import GuardResult
from lineage.schema import UNREADABLE
from pipelines.common import digests
from pipelines.common.errors import DataError
from pipelines.gate import guard_record
from pipelines.gate.guard_record import GUARD, OVERRIDE
from pipelines.gate.signing import SIGNATURE, Statement, Trusted
from pipelines.rounds import manifest, path_scope
from pipelines.rounds.metadata import DATASET, KEY, ROUND

DIGEST: Final = re.compile(r"[0-9a-f]{64}")
SHORT: Final = 12
"""Number of hex digits that abbreviate a commit id."""


@dataclass(frozen=True, slots=True)
class Merge:
    """A commit with two parents, and its changes against the first parent."""

    lake: Lake
    commit: Commit
    changes: tuple[Change, ...]

    @property
    def before(self) -> str:
        """Id of the branch's head before the merge."""
        return self.commit.parents[0]

    @property
    def source(self) -> str:
        """Id of the commit that was merged."""
        return self.commit.parents[1]


@dataclass(frozen=True, slots=True)
class MergeVerification:
    """Result of the verification of a merge."""

    wrong: str | None
    """Why verification failed, in one sentence; None: the guard let exactly this content pass."""
    result: GuardResult | None = None
    """The guard's answer in the merged manifest; None if it is missing or unreadable."""
    signer: str | None = None
    """Short name of the trusted key that signed the answer."""


def of_round(merge: Merge, trusted: Trusted | None) -> MergeVerification:
    """Verify that the guard let pass what a merge brought.

    Args:
        merge: the merge of a round.
        trusted: keys of which one must have signed; None: signatures are not verified.
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
    if wrong is not None or trusted is None:
        return MergeVerification(wrong, result)
    signer = trusted.signer(_statement(merge, result), metadata)
    return MergeVerification(None if signer else _unsigned(metadata), result, signer)


def of_real_data(merge: Merge, dataset: str) -> str | None:
    """Verify by content that a merge brought nothing but real data, round 0 of a data set.

    Real data has no guard's answer, because there is nothing synthetic to judge. The lineage of its
    rows must therefore record that every row is real and has no parents.

    Returns:
        Why verification failed, in one sentence; None: the merge brought only real data.
    """
    other = path_scope.foreign(merge.changes, dataset, path_scope.REAL)
    if other is not None:
        return f"it brings real data of {dataset}, and {_verb(other)} {other.path} besides"
    try:
        return _contradiction(merge.lake, merge.commit.id, dataset)
    except NotFoundError:
        return f"it leaves round 0 of {dataset} without samples or without lineage"
    except UNREADABLE:
        return f"the samples or the lineage of round 0 of {dataset} cannot be read"


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


def _scope(merge: Merge, result: GuardResult) -> str | None:
    """The merge changed only its round and what the round supersedes."""
    other = path_scope.foreign(merge.changes, result.dataset, result.round)
    if other is None:
        return None
    judged_round = f"round {result.round} of {result.dataset}"
    return f"{judged_round} was judged, and it {_verb(other)} {other.path} besides"


def _brought(merge: Merge, _: GuardResult) -> str | None:
    """The merge differs from its first parent by exactly the changes of its source."""
    expected: dict[str, str | None] = {}
    for item in merge.lake.diff(merge.before, merge.source, checksums=True):
        if item.kind == "conflict":
            return f"it was forced: {item.path} had been changed on both sides"
        expected[item.path] = _checksum(merge.lake, merge.source, item)
    actual = {item.path: _checksum(merge.lake, merge.commit.id, item) for item in merge.changes}
    for path in sorted(actual.keys() | expected.keys()):
        if path not in expected:
            return f"it changes {path}, which its source did not bring"
        if path not in actual:
            return f"it leaves out {path}, which its source brought"
        if actual[path] != expected[path]:
            return f"it holds another {path} than its source"
    return None


Check = Callable[[Merge, GuardResult], str | None]
CHECKS: Final[tuple[Check, ...]] = (
    _metadata,
    _complete,
    _let_through,
    _judged,
    _scope,
    _brought,
)
"""Checks in the order in which they run; the first that fails is reported."""


def _statement(merge: Merge, result: GuardResult) -> Statement:
    key = merge.commit.metadata.get(KEY, "")
    return guard_record.statement(merge.lake.repository, result, key)


def _unsigned(metadata: Mapping[str, str]) -> str:
    if SIGNATURE not in metadata:
        return "the guard's answer is not signed"
    return "the guard's answer is not signed by a key that is trusted"


def _checksum(lake: Lake, ref: str, item: Change) -> str | None:
    """The checksum of a changed object at a ref; None if the object was removed.

    If the diff of the lake has no checksums, the object is listed.
    """
    if item.kind == "removed" or item.checksum is not None:
        return item.checksum
    same = (listed for listed in lake.objects(ref, item.path) if listed.path == item.path)
    return next(same).checksum


def _without_guard(content: Mapping[str, Any]) -> bytes:
    """A manifest without the guard's answer, as canonical JSON."""
    return digests.canonical({name: content[name] for name in content if name != "guard"})


def _verb(item: Change) -> str:
    return {"added": "adds", "removed": "removes"}.get(item.kind, "changes")


def _contradiction(lake: Lake, commit: str, dataset: str) -> str | None:
    """The first property of round 0 that real data cannot have; None if there is none."""
    key = ["round", "row", "sample_id"]
    lineage = lake.scan(commit, refs.partition(dataset, "lineage", path_scope.REAL)).select(
        *key, "kind", "parents", "generator", "trained_on"
    )
    wrong = (
        (pl.col("kind").cast(pl.String) != "real").fill_null(value=True)
        | (pl.col("round") != path_scope.REAL).fill_null(value=True)
        | (pl.col("parents").list.len() > 0).fill_null(value=False)
        | pl.col("generator").is_not_null()
        | pl.col("trained_on").is_not_null()
    )
    unreal = lineage.filter(wrong).select("row", "kind").collect()
    samples = lake.scan(commit, refs.partition(dataset, "samples", path_scope.REAL)).select(key)
    strange = samples.join(lineage, on=key, how="anti").select("row").collect()
    return next(_contradictions(unreal, strange, dataset), None)


def _contradictions(unreal: pl.DataFrame, strange: pl.DataFrame, dataset: str) -> Iterator[str]:
    what = f"of round 0 of {dataset}"
    if not unreal.is_empty():
        row, kind = unreal.row(0)
        yield f"{_rows(unreal)} {what} not real: row {row} is {kind}, or has parents or a generator"
    if not strange.is_empty():
        yield f"{_rows(strange)} {what} without lineage: row {strange['row'][0]}"


def _rows(frame: pl.DataFrame) -> str:
    return "1 row" if len(frame) == 1 else f"{len(frame):,} rows"
