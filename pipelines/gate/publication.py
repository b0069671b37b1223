"""Publication of a round: the guard judges, its answer is recorded, and the round is merged.

Both the stage `publish` and a person's approval call this module, so both use the same guard and
make the same merge. The guard judges the evaluate commit; its answer is written into the round's
manifest and, bound to the judged commit, into the metadata of the merge, which is signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lake import files, refs
from lake.values import Commit
from lineage import guard
from lineage.guard import GuardResult
from pipelines.common import console
from pipelines.common.errors import BlockedError, StaleError
from pipelines.gate import (
    approvals,
    binding,
    checks,
    evidence,
    guard_record,
    guard_report,
    merge_verification,
    reviewed_head,
    reviews,
)
from pipelines.gate.reviews import Approval
from pipelines.rounds import (
    adoption,
    attestation,
    branches,
    earlier_release,
    history,
    manifest,
    merging,
    receipts,
    stage_inputs,
    stored_keys,
    trust,
)
from pipelines.rounds.context import RoundContext
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import PUBLISH_KEY, SUITE
from pipelines.rounds.round_commit import round_commit
from pipelines.rounds.staging_branch import delete_stale
from pipelines.takedown import denied_rows

ANSWER: Final = "guard"
"""Name of the stage in the metadata of the commit with the guard's answer."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A commit that published a round, and the key under which it was published."""

    commit: Commit
    key: StageKey


def published(ctx: RoundContext, key: StageKey) -> Publication | None:
    """Find the commit that published this round under this key or recipe; None if there is none.

    Raises:
        StaleError: main holds a merge that says so, and that is not proved.
    """
    if ctx.round.line != refs.MAIN:
        judged = history.find(
            ctx.lake,
            ctx.round,
            lambda commit, metadata: (
                metadata.extra.get(PUBLISH_KEY) == key.key and binding.fault(ctx, commit.id) is None
            ),
        )
        return Publication(judged, key) if judged else None
    merged = history.published(ctx.lake, ctx.round.dataset).get(ctx.round.number)
    if merged is None:
        return None
    earlier_release.compare_once(ctx)
    stored_key = _stored_key(ctx, merged.source) or merged.key
    if key.key != stored_key.key and key.recipe != stored_key.recipe:
        return None
    commit = ctx.lake.resolve(merged.commit)
    wrong = merge_verification.at(ctx.lake, commit, trust.load(ctx.lake)).wrong
    if wrong is not None:
        raise StaleError(
            f"main holds {ctx.round.key} by the merge {commit.id[:12]}, which is not proved: "
            f"{wrong}; see `stemma audit --history main`"
        )
    console.line(f"publish: adopted {merged.commit[:12]}{adoption.outdated(stored_key, key)}")
    return Publication(commit, stored_key)


def publish(
    ctx: RoundContext,
    evaluated: str,
    key: StageKey,
    *,
    supersede: bool,
    approval: Approval | None = None,
) -> Publication:
    """Let the guard judge, record its answer, and merge.

    Args:
        ctx: the round.
        evaluated: its evaluate commit.
        key: the key under which to publish.
        supersede: replace rounds on main that the receipts do not know.
        approval: a person's approval; None if the stage publishes.

    Returns:
        The merge; on a line other than main the commit with the guard's answer.

    Raises:
        BlockedError: the guard blocks the round, on main.
        ReasonError: the guard's answer requires a reason, and the person gave none.
        UnconfirmedError: checks block against which the person did not confirm to publish.
        SigningError: there is no key to sign with.
        StaleError: main changed meanwhile, the round is not what its stages made, or rows of it,
            or that it was made from, were taken down meanwhile.
    """
    settings, on_main = ctx.round.settings.publish, ctx.round.line == refs.MAIN
    trust.signer(ctx.lake)
    rejection = reviews.of_round(ctx.lake, ctx.round, evaluated) if approval else None
    commit = ctx.lake.resolve(evaluated)
    judged = branches.rebase_onto_main(ctx, commit, supersede=supersede).id
    binding.check(ctx, judged)
    if on_main:
        denied_rows.check_accepted(ctx.lake, judged, ctx.round)
        made = ctx.receipt("generate").commit
        denied_rows.check_learned(ctx.lake, ctx.round, ctx.receipt("fit"), made)
    collected = evidence.collect(ctx, judged)
    answer = checks.judge(collected, settings)
    reason = settings.override or (approval.reason if approval else None)
    recorded = manifest.read(ctx.lake, judged, ctx.round.dataset, ctx.round.number)
    digests = binding.of_round(ctx, judged, recorded, collected.calibration)
    result = answer.bound_to(judged, override=reason, digests=digests)
    if approval:
        approval.check(result, rejection)
    approved_by = approvals.entries_of(ctx.lake, ctx.round)
    answered = _record(ctx, judged, key, result)
    guard_report.show(result)
    write_metric(ctx, result)
    if not on_main:
        blocks = f"; the guard blocks it ({', '.join(result.blocking)})" if result.blocked else ""
        console.line(f"line {ctx.round.line}: {ctx.round.key} is judged and not merged{blocks}")
        return Publication(answered, key)
    if result.blocked:
        raise BlockedError(
            f"the guard blocks {ctx.round.key} ({', '.join(result.blocking)}); it stays on "
            f"{ctx.round.branch} for review: stemma diff main {ctx.round.branch}, or stemma ui"
        )
    entries = approval.metadata(rejection) if approval else {}
    sentence = approvals.awaited(ctx.lake, ctx.round) if approval is None else None
    if sentence is not None:
        raise BlockedError(approvals.waiting(ctx.round, sentence))
    entries |= approved_by | _merge_metadata(ctx, key, result, answered)
    return _merge(ctx, answered, key, result, entries)


def approve(ctx: RoundContext, approval: Approval) -> Commit | None:
    """Publish a round on a person's approval, with the same guard and merge as the stage.

    The round is published under the key of the stage, so that the stage adopts the merge.

    Returns:
        The merge; None where `publish.review` asks for another person, whom the round waits for.

    Raises:
        BlockedError: the round is on a line that never merges, or is not evaluated.
        ReasonError: the guard's answer requires a reason, and the person gave none.
        UnconfirmedError: checks block against which the person did not confirm to publish.
        StaleError: the branch has moved since the review, its head does not show what would be
            published, or main has changed.
    """
    lake, round_ = ctx.lake, ctx.round
    if round_.line != refs.MAIN:
        raise BlockedError(f"{round_.branch} is on the line {round_.line}, which never merges")
    reviews.unmoved(lake, round_.branch, approval.seen)
    wrong = reviewed_head.fault(ctx, approval.seen)
    if wrong is not None:
        raise StaleError(
            f"what was seen of {round_.branch} is not what would be published: {wrong}; find out "
            f"who committed it, and run `dvc repro` to make the round again"
        )
    evaluated = reviewed_head.evaluated(ctx, approval.seen)
    if evaluated is None:
        raise BlockedError(f"{round_.branch} is not evaluated; run `dvc repro` first")
    commit, evaluated_key = evaluated
    key = stage_inputs.key(round_, "publish", evaluated_key)
    if approvals.needed(round_) > 1 and published(ctx, key) is None:
        _check_recorded(ctx, commit.id, approval)
        if approvals.add(ctx, approval) < approvals.needed(round_):
            return None
    done = published(ctx, key) or publish(ctx, commit.id, key, supersede=False, approval=approval)
    merging.ensure_tag(lake, round_.dataset, round_.number, done.commit.id)
    delete_stale(lake, round_.branch)
    return done.commit


def _check_recorded(ctx: RoundContext, evaluated: str, approval: Approval) -> None:
    """Hold an approval against the guard's answer on the branch, before others are asked.

    Raises:
        ReasonError: the answer requires a reason, and the person gave none.
        UnconfirmedError: checks block against which the person did not confirm to publish.
    """
    lake, round_ = ctx.lake, ctx.round
    recorded = manifest.read(lake, approval.seen, round_.dataset, round_.number)
    if "guard" in recorded:
        rejection = reviews.of_round(lake, round_, evaluated)
        approval.check(guard.read(recorded["guard"]), rejection)


def refuse_rejected(ctx: RoundContext, evaluated: str) -> None:
    """Refuse to publish a round that a reviewer rejected.

    Args:
        ctx: the round.
        evaluated: its evaluate commit.

    Raises:
        BlockedError: main or the branch holds a rejection of it.
    """
    rejection = reviews.of_round(ctx.lake, ctx.round, evaluated)
    if rejection is not None:
        raise BlockedError(
            f"a reviewer rejected {ctx.round.key}: {' '.join(rejection.reason.split())}; change "
            f"the round, or approve it in `stemma ui`, where {ctx.round.branch} is under review"
        )


def write_metric(ctx: RoundContext, result: GuardResult) -> None:
    """Write the guard's answer, which the stage `report` takes into the headline of a data set."""
    path = receipts.path(ctx.round.dataset, ctx.round.number, "guard")
    warnings = sum(item.verdict == "warn" for item in result.checks)
    answer = {"verdict": result.verdict, "blocking": ", ".join(result.blocking)}
    count = len(result.not_applicable)
    inapplicable = {"not_applicable": count} if count else {}
    files.write_json(path, {**answer, "warnings": warnings, **inapplicable})


def _stored_key(ctx: RoundContext, source: str) -> StageKey | None:
    """The publish key of a merged commit."""
    notes = stored_keys.read(ctx.lake, ctx.round.dataset, ctx.round.number)
    for commit in history.chain(ctx.lake, source, ctx.round):
        key = stored_keys.key_of(commit, "publish", notes)
        if key is not None:
            return key
    return None


def _record(ctx: RoundContext, judged: str, key: StageKey, result: GuardResult) -> Commit:
    """Commit the guard's answer in the round's manifest on the round's branch."""
    round_ = ctx.round
    message = f"Judge {round_.key}: {result.verdict}"
    with round_commit(ctx, ANSWER, key=key, start=judged, message=message) as tx:
        tx.manifest["guard"] = result.to_dict()
        merging.write_head(tx.lake, tx.branch, round_.dataset, round_.number, key.key)
        tx.metadata[guard_record.JUDGED] = judged
        if not (result.blocked and round_.line == refs.MAIN):
            tx.metadata[PUBLISH_KEY] = key.key
    return tx.result.commit


def _merge_metadata(
    ctx: RoundContext, key: StageKey, result: GuardResult, answered: Commit
) -> dict[str, str]:
    """Metadata of the merge: the guard's answer, and digests of what is merged."""
    lake, round_ = ctx.lake, ctx.round
    return {
        **branches.metadata(round_, "publish", key).to_metadata(),
        **guard_record.guard_metadata(result),
        SUITE: result.bound["suite"],
        guard_record.LIMITS: result.limits,
        attestation.CONTENT: attestation.content(lake, answered.id, round_.dataset, round_.number),
        guard_record.HEAD: merging.head_checksum(lake, answered.id, round_.dataset),
    }


def _merge(
    ctx: RoundContext, answered: Commit, key: StageKey, result: GuardResult, entries: dict[str, str]
) -> Publication:
    """Merge into main; if another clone published the same key meanwhile, return its merge."""
    message = f"Publish {ctx.round.key}: guard {result.verdict}"
    try:
        sealed = attestation.seal(ctx.lake, entries)
        return Publication(merging.merge(ctx.lake, answered.id, message, sealed), key)
    except StaleError:
        done = published(ctx, key)
        if done is None:
            raise
        return done
