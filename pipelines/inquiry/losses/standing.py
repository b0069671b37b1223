"""What became of a round as a whole: published, superseded, stopped, rejected, or not at its end.

That decides how its accepted candidates ended, whatever was said of each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.values import Commit
from lineage import curation
from lineage.guard import OVERRIDE
from pipelines.gate import rejections, reviews
from pipelines.inquiry.losses import endings
from pipelines.rounds import history, parts, superseded
from pipelines.rounds.history import Published
from pipelines.rounds.metadata import StageMetadata

SHORT: Final = 12
"""Hex digits of a commit that a sentence names."""
NEXT: Final = {
    "generate": "verify",
    "verify": "curate",
    "curate": "evaluate",
    "evaluate": "publish",
}
"""The stage that follows each stage of a round."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a round stands."""

    state: str
    outcome: str
    """How the candidates that were accepted, or not decided about, ended."""
    stage: str = ""
    reason: str = ""
    told: str = ""
    """What is to be known of the round as a whole, as a sentence without its full stop."""
    merge: Commit | None = None
    """The commit that published it, where that is on main."""


def of_round(
    lake: Lake, dataset: str, number: int, commit: str, manifest: Mapping[str, Any]
) -> Standing:
    """Find out how a round stands that a commit holds.

    Args:
        lake: the lake.
        dataset: the data set.
        number: of the round.
        commit: id of a commit that holds it.
        manifest: of the round at that commit.
    """
    now = history.published(lake, dataset).get(number)
    held = _published_at(lake, dataset, number, commit, now)
    if held is None:
        return _open(lake, dataset, number, commit, manifest)
    if now is None or now.commit != held.commit:
        return _past(lake, dataset, number, held, now)
    merge = lake.resolve(held.commit)
    if (manifest.get("guard") or {}).get("verdict") == OVERRIDE:
        told = _overridden(merge, manifest["guard"])
        return Standing("published", endings.OVERRIDDEN, "publish", told[0], told[1], merge)
    return Standing("published", endings.ACCEPTED, merge=merge)


def _published_at(
    lake: Lake, dataset: str, number: int, commit: str, now: Published | None
) -> Published | None:
    """The merge by which a commit holds a round, or which merged it; None: there is none."""
    if now is not None and commit in (now.commit, now.source):
        return now
    return history.published(lake, dataset, commit).get(number) or _merged(
        lake, dataset, number, commit
    )


def _merged(lake: Lake, dataset: str, number: int, commit: str) -> Published | None:
    """The merge on main of a commit that main does not hold any more; None: it was not merged."""
    for merge in lake.log(refs.MAIN, first_parent=True):
        metadata = StageMetadata.from_commit(merge)
        if metadata is None or metadata.key is None or not metadata.publishes(dataset, number):
            continue
        if merge.parents[-1] == commit:
            return Published(number, merge.id, commit, metadata.key)
    return None


def _past(
    lake: Lake, dataset: str, number: int, held: Published, now: Published | None
) -> Standing:
    """Of a round that main held once: what replaced or removed it, if its rows are not the same."""
    rows = _samples(lake, held.commit, dataset, number)
    if now is not None and _samples(lake, now.commit, dataset, number) == rows:
        return Standing("published again", endings.ACCEPTED, reason=f"by {now.commit[:SHORT]}")
    by = now.commit if now is not None else None
    for each in superseded.rounds(lake):  # the latest removal first
        of_round = (each.dataset, each.round) == (dataset, number)
        if of_round and _samples(lake, each.last, dataset, number) == rows:
            by = each.by
            break
    reason = f"by {by[:SHORT]}" if by else "main does not hold it any more"
    return Standing("superseded", endings.SUPERSEDED, reason=reason)


def _samples(lake: Lake, ref: str, dataset: str, number: int) -> dict[str, str]:
    """Checksums of the accepted rows of a round, by path."""
    prefix = refs.partition(dataset, "samples", number)
    return {item.path: item.checksum for item in lake.objects(ref, prefix)}


def _overridden(merge: Commit, guard: Mapping[str, Any]) -> tuple[str, str]:
    """The checks that were overridden, and who did it when and why."""
    blocking = ", ".join(guard.get("blocking") or ())
    when = datetime.fromtimestamp(merge.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    who = f"{merge.committer}, {when}"
    why = " ".join(str(guard.get("override") or "").split())
    return blocking, f"published against {blocking} by {who}: {why}"


def _open(
    lake: Lake, dataset: str, number: int, commit: str, manifest: Mapping[str, Any]
) -> Standing:
    """Of a round that is on a branch."""
    head = lake.resolve(commit)
    records = [each for each in rejections.of_dataset(lake, dataset) if each.round == number]
    rejection = reviews.rejection(head) or reviews.matching(lake, commit, records)
    if rejection is not None:
        reason = " ".join(rejection.reason.split())
        return Standing("rejected", endings.REJECTED, "review", f"the round was rejected: {reason}")
    guard = manifest.get("guard")
    metadata = StageMetadata.from_commit(head)
    line = metadata.line if metadata else refs.MAIN
    if guard is not None and line != refs.MAIN:
        said = f"the line {line} is judged and never merged"
        return Standing("judged", endings.UNDECIDED, "publish", said)
    if guard is not None and guard["verdict"] == "block":
        names = ", ".join(guard.get("blocking") or ())
        return Standing("blocked", endings.FAILED, "publish", f"the guard blocks it: {names}")
    if "verdicts" in manifest and "reasons" not in manifest:
        stopped = _stopping(lake, dataset, number, commit)
        if stopped:
            said = f"the suite stops the round: {', '.join(stopped)}"
            return Standing("blocked", endings.FAILED, "curate", said)
    return Standing("in progress", endings.UNDECIDED, *_waits(manifest))


def _stopping(lake: Lake, dataset: str, number: int, commit: str) -> list[str]:
    """Names of critical expectations about the whole round that did not pass."""
    try:
        verdicts = parts.verdicts_against(lake, commit, dataset, number)
    except NotFoundError:
        return []
    return curation.stopping(verdicts)["expectation"].unique(maintain_order=True).to_list()


def _waits(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The stage that has not run, and that in words."""
    last = "generate"
    for section, stage in (("verdicts", "verify"), ("reasons", "curate"), ("next_mix", "evaluate")):
        last = stage if section in manifest else last
    if manifest.get("guard") is not None:
        return "publish", "the round is judged and not merged"
    return NEXT[last], f"the stage {NEXT[last]} has not run"
