"""Stage `publish`: the guard decides; merge into main and tag, or stop with the reasons.

The guard judges the evaluate commit. Its answer goes into the round's manifest on the branch and,
bound to the commit that it judged, into the metadata of the merge, signed where a key is
configured. A blocked round stays on its branch for review; one that a reviewer rejected is not
judged. On a line other than main the stage ends with the guard's answer, whatever it is: nothing is
merged, and the next round of the line goes on from there. The answer is a metric of DVC as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lake import files, refs
from lake.values import Commit
from lineage import guard
from lineage.guard import GuardResult
from pipelines.common import console
from pipelines.common.errors import BlockedError, StaleError
from pipelines.gate import evidence, guard_record, guard_report, reviews, signing
from pipelines.gate.reviews import Approval
from pipelines.gate.signing import Signer
from pipelines.rounds import branches, history, keys, manifest, merging, receipts
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.rounds.receipts import Receipt
from pipelines.rounds.staging_branch import delete_stale, staging_branch

CODE: Final = ("pipelines/stages/publish.py",)


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Publish a round, or adopt the merge that main holds."""
    evaluated = ctx.receipt("evaluate")
    key = _key(ctx, evaluated.input_key)
    commit = _published(ctx, key)
    if commit is None:
        _refuse_rejected(ctx)
        commit = _publish(ctx, evaluated.commit, key, supersede=supersede)
    else:
        about = manifest.read(ctx.lake, commit.id, ctx.round.dataset, ctx.round.number)
        _write_metric(ctx, guard.read(about["guard"]))
    _write_receipt(ctx, evaluated, commit, key)


def approve(ctx: RoundContext, approval: Approval) -> Commit:
    """Publish a round as the stage does, on the word of a person: the same guard and merge.

    The key under which it is published is the stage's own, so that the stage adopts the merge.

    Raises:
        BlockedError: the round is on a line that never merges, or not evaluated.
        ReasonError: the guard's answer asks for a reason, and the person gave none.
        StaleError: the branch is not where the person saw it, or main has moved.
    """
    lake, round_ = ctx.lake, ctx.round
    if round_.line != refs.MAIN:
        raise BlockedError(f"{round_.branch} is on the line {round_.line}, which never merges")
    reviews.unmoved(lake, round_.branch, approval.seen)
    made = history.chain(lake, approval.seen, round_)
    evaluated = next((each for each in made if each.metadata["stemma.stage"] == "evaluate"), None)
    if evaluated is None:
        raise BlockedError(f"{round_.branch} is not evaluated; run `dvc repro` first")
    key = _key(ctx, evaluated.metadata["stemma.input_key"])
    commit = _published(ctx, key) or _publish(
        ctx, evaluated.id, key, supersede=False, approval=approval
    )
    merging.ensure_tag(lake, round_.dataset, round_.number, commit.id)
    delete_stale(lake, round_.branch)
    return commit


def _refuse_rejected(ctx: RoundContext) -> None:
    """Stop at a round that a reviewer rejected.

    Raises:
        BlockedError: the branch ends with a rejection.
    """
    found = reviews.of_branch(ctx.lake, ctx.round.branch)
    if found is not None:
        raise BlockedError(
            f"a reviewer rejected {ctx.round.key}: {' '.join(found.reason.split())}; change the "
            f"round, or approve it in `stemma ui`, where {ctx.round.branch} is under review"
        )


def _write_receipt(ctx: RoundContext, evaluated: Receipt, commit: Commit, key: str) -> None:
    """Tag what main holds; on another line, write down what main held meanwhile."""
    round_ = ctx.round
    data_key = ctx.receipt("curate").input_key
    more: dict[str, str | None] = {"data_key": data_key}
    if round_.line == refs.MAIN:
        more["tag"] = merging.ensure_tag(ctx.lake, round_.dataset, round_.number, commit.id)
        delete_stale(ctx.lake, round_.branch)
    else:
        held = history.published(ctx.lake, round_.dataset).get(round_.number)
        more["main"] = held.commit if held else None
    write_receipt(ctx, "publish", commit.id, key, evaluated.rows, **more)


def _write_metric(ctx: RoundContext, result: GuardResult) -> None:
    """Write the guard's answer where `dvc metrics show` and `dvc exp show` read it."""
    place = receipts.path(ctx.round.dataset, ctx.round.number, "guard")
    warnings = sum(item.verdict == "warn" for item in result.checks)
    answer = {"verdict": result.verdict, "blocking": ", ".join(result.blocking)}
    files.write_json(place, {**answer, "warnings": warnings})


def _published(ctx: RoundContext, key: str) -> Commit | None:
    """The commit that published this very round, if the lake holds it."""
    if ctx.round.line != refs.MAIN:
        return history.find(ctx.lake, ctx.round, "stemma.publish_key", key)
    held = history.published(ctx.lake, ctx.round.dataset).get(ctx.round.number)
    if held is None or held.input_key != key:
        return None
    console.line(f"publish: adopted {held.commit[:12]}")
    return ctx.lake.resolve(held.commit)


def _publish(
    ctx: RoundContext,
    evaluated: str,
    key: str,
    *,
    supersede: bool,
    approval: Approval | None = None,
) -> Commit:
    """Let the guard judge, record its answer, and merge."""
    settings = ctx.round.settings.publish
    signer = signing.signer() if ctx.round.line == refs.MAIN else None
    rejection = reviews.of_branch(ctx.lake, ctx.round.branch) if approval else None
    judged = branches.rebase_onto_main(ctx, ctx.lake.resolve(evaluated), supersede=supersede).id
    found = guard.judge(evidence.collect(ctx, judged), settings.guard)
    reason = settings.override or (approval.reason if approval else None)
    result = found.bound_to(judged, override=reason)
    if approval:
        approval.check(result, rejection)
    recorded = _record(ctx, judged, key, result)
    guard_report.show(result)
    _write_metric(ctx, result)
    if ctx.round.line != refs.MAIN:
        blocks = f"; the guard blocks it ({', '.join(result.blocking)})" if result.blocked else ""
        console.line(f"line {ctx.round.line}: {ctx.round.key} is judged and not merged{blocks}")
        return recorded
    if result.blocked:
        raise BlockedError(
            f"the guard blocks {ctx.round.key} ({', '.join(result.blocking)}); it stays on "
            f"{ctx.round.branch} for review: stemma diff main {ctx.round.branch}, or stemma ui"
        )
    message = f"Publish {ctx.round.key}: guard {result.verdict}"
    try:
        said = approval.metadata(rejection) if approval else {}
        about = _merge_metadata(ctx, key, result, signer) | said
        return merging.merge(ctx.lake, recorded.id, message, about)
    except StaleError:  # another clone was faster; it may have published the same
        done = _published(ctx, key)
        if done is None:
            raise
        return done


def _merge_metadata(
    ctx: RoundContext, key: str, result: GuardResult, signer: Signer | None
) -> dict[str, str]:
    """What the merge says: the guard's answer, bound to the commit that it judged, and signed."""
    about = branches.metadata(ctx.round, "publish", key) | guard_record.guard_metadata(result)
    if signer is None:
        return about
    return about | signer.metadata(guard_record.statement(ctx.lake.repository, result, key))


def _record(ctx: RoundContext, judged: str, key: str, result: GuardResult) -> Commit:
    """Commit the guard's answer to the round's manifest on its branch."""
    round_ = ctx.round

    def produce(branch: str) -> Mapping[str, str]:
        dataset, number = round_.dataset, round_.number
        manifest.extend(ctx.lake, branch, dataset, number, guard=result.to_dict())
        merging.write_head(ctx.lake, branch, dataset, number, key)
        about = {"stemma.guard.judged": judged}
        stays = result.blocked and round_.line == refs.MAIN
        return about if stays else about | {"stemma.publish_key": key}

    message = f"Judge {round_.key}: {result.verdict}"
    with staging_branch(ctx.lake, round_.branch, judged) as branch:
        return branches.finish(ctx, branch, "guard", key=key, produce=produce, message=message)


def _key(ctx: RoundContext, evaluate_key: str) -> str:
    return keys.input_key(
        "publish",
        settings=ctx.round.settings.publish,
        code=CODE,
        inputs={"evaluate": evaluate_key, "line": ctx.round.line},
    )
