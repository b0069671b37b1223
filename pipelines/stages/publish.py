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
from pipelines.gate import evidence, guard_record, reviews, signing
from pipelines.gate.reviews import Approval
from pipelines.gate.signing import Signer
from pipelines.rounds import branches, history, keys, manifest, merging, receipts
from pipelines.rounds.context import Work, write_receipt
from pipelines.rounds.receipts import Receipt
from pipelines.rounds.staging_branch import attempt, sweep
from pipelines.stages import runner

CODE: Final = ("pipelines/stages/publish.py",)


def main(work: Work, *, supersede: bool = False) -> None:
    """Publish a round, or adopt the merge that main holds."""
    evaluated = work.receipt("evaluate")
    key = _key(work, evaluated.input_key)
    commit = _published(work, key)
    if commit is None:
        _refuse_rejected(work)
        commit = _publish(work, evaluated.commit, key, supersede=supersede)
    else:
        about = manifest.read(work.lake, commit.id, work.round.dataset, work.round.number)
        _write_metric(work, guard.read(about["guard"]))
    _write_receipt(work, evaluated, commit, key)


def approve(work: Work, approval: Approval) -> Commit:
    """Publish a round as the stage does, on the word of a person: the same guard and merge.

    The key under which it is published is the stage's own, so that the stage adopts the merge.

    Raises:
        BlockedError: the round is on a line that never merges, or not evaluated.
        ReasonError: the guard's answer asks for a reason, and the person gave none.
        StaleError: the branch is not where the person saw it, or main has moved.
    """
    lake, round_ = work.lake, work.round
    if round_.line != refs.MAIN:
        raise BlockedError(f"{round_.branch} is on the line {round_.line}, which never merges")
    reviews.unmoved(lake, round_.branch, approval.seen)
    made = history.chain(lake, approval.seen, round_)
    evaluated = next((each for each in made if each.metadata["stemma.stage"] == "evaluate"), None)
    if evaluated is None:
        raise BlockedError(f"{round_.branch} is not evaluated; run `dvc repro` first")
    key = _key(work, evaluated.metadata["stemma.input_key"])
    commit = _published(work, key) or _publish(
        work, evaluated.id, key, supersede=False, approval=approval
    )
    merging.ensure_tag(lake, round_.dataset, round_.number, commit.id)
    sweep(lake, round_.branch)
    return commit


def _refuse_rejected(work: Work) -> None:
    """Stop at a round that a reviewer rejected.

    Raises:
        BlockedError: the branch ends with a rejection.
    """
    found = reviews.of_branch(work.lake, work.round.branch)
    if found is not None:
        raise BlockedError(
            f"a reviewer rejected {work.round.key}: {' '.join(found.reason.split())}; change the "
            f"round, or approve it in `stemma ui`, where {work.round.branch} is under review"
        )


def _write_receipt(work: Work, evaluated: Receipt, commit: Commit, key: str) -> None:
    """Tag what main holds; on another line, write down what main held meanwhile."""
    round_ = work.round
    data_key = work.receipt("curate").input_key
    more: dict[str, str | None] = {"data_key": data_key}
    if round_.line == refs.MAIN:
        more["tag"] = merging.ensure_tag(work.lake, round_.dataset, round_.number, commit.id)
        sweep(work.lake, round_.branch)
    else:
        held = history.published(work.lake, round_.dataset).get(round_.number)
        more["main"] = held.commit if held else None
    write_receipt(work, "publish", commit.id, key, evaluated.rows, **more)


def _write_metric(work: Work, result: GuardResult) -> None:
    """Write the guard's answer where `dvc metrics show` and `dvc exp show` read it."""
    place = receipts.path(work.round.dataset, work.round.number, "guard")
    warnings = sum(item.verdict == "warn" for item in result.checks)
    answer = {"verdict": result.verdict, "blocking": ", ".join(result.blocking)}
    files.write_json(place, {**answer, "warnings": warnings})


def _published(work: Work, key: str) -> Commit | None:
    """The commit that published this very round, if the lake holds it."""
    if work.round.line != refs.MAIN:
        return history.find(work.lake, work.round, "stemma.publish_key", key)
    held = history.published(work.lake, work.round.dataset).get(work.round.number)
    if held is None or held.input_key != key:
        return None
    console.line(f"publish: adopted {held.commit[:12]}")
    return work.lake.resolve(held.commit)


def _publish(
    work: Work, evaluated: str, key: str, *, supersede: bool, approval: Approval | None = None
) -> Commit:
    """Let the guard judge, record its answer, and merge."""
    settings = work.round.settings.publish
    signer = signing.signer() if work.round.line == refs.MAIN else None
    rejection = reviews.of_branch(work.lake, work.round.branch) if approval else None
    judged = branches.on_main(work, work.lake.resolve(evaluated), supersede=supersede).id
    found = guard.judge(evidence.collect(work, judged), settings.guard)
    reason = settings.override or (approval.reason if approval else None)
    result = found.bound_to(judged, override=reason)
    if approval:
        approval.check(result, rejection)
    recorded = _record(work, judged, key, result)
    console.lines(guard.table(result))
    _write_metric(work, result)
    if work.round.line != refs.MAIN:
        blocks = f"; the guard blocks it ({', '.join(result.blocking)})" if result.blocked else ""
        console.line(f"line {work.round.line}: {work.round.key} is judged and not merged{blocks}")
        return recorded
    if result.blocked:
        raise BlockedError(
            f"the guard blocks {work.round.key} ({', '.join(result.blocking)}); it stays on "
            f"{work.round.branch} for review: stemma diff main {work.round.branch}, or stemma ui"
        )
    message = f"Publish {work.round.key}: guard {result.verdict}"
    try:
        said = approval.metadata(rejection) if approval else {}
        about = _merge_metadata(work, key, result, signer) | said
        return merging.merge(work.lake, recorded.id, message, about)
    except StaleError:  # another clone was faster; it may have published the same
        done = _published(work, key)
        if done is None:
            raise
        return done


def _merge_metadata(
    work: Work, key: str, result: GuardResult, signer: Signer | None
) -> dict[str, str]:
    """What the merge says: the guard's answer, bound to the commit that it judged, and signed."""
    about = branches.metadata(work.round, "publish", key) | guard_record.guard_metadata(result)
    if signer is None:
        return about
    return about | signer.metadata(guard_record.statement(work.lake.repository, result, key))


def _record(work: Work, judged: str, key: str, result: GuardResult) -> Commit:
    """Commit the guard's answer to the round's manifest on its branch."""
    round_ = work.round

    def produce(branch: str) -> Mapping[str, str]:
        dataset, number = round_.dataset, round_.number
        manifest.extend(work.lake, branch, dataset, number, guard=result.to_dict())
        merging.claim(work.lake, branch, dataset, number, key)
        about = {"stemma.guard.judged": judged}
        stays = result.blocked and round_.line == refs.MAIN
        return about if stays else about | {"stemma.publish_key": key}

    message = f"Judge {round_.key}: {result.verdict}"
    with attempt(work.lake, round_.branch, judged) as branch:
        return branches.finish(work, branch, "guard", key=key, produce=produce, message=message)


def _key(work: Work, evaluate_key: str) -> str:
    return keys.input_key(
        "publish",
        settings=work.round.settings.publish,
        code=CODE,
        inputs={"evaluate": evaluate_key, "line": work.round.line},
    )


if __name__ == "__main__":
    runner.run_stage(main, "supersede")
