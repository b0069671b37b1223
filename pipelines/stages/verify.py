"""Stage `verify`: scores for each candidate, then a verdict per candidate and expectation.

Scorers compute columns; the suite `expectations/suites/<dataset>.json` holds the thresholds. Real
training data is read at the commit on which the generator was fitted. The suite is stored beside
the verdicts, so that anybody can derive them again, with two pages about them: GX's Data Docs, and
the failures by reason with examples.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from lake import files, refs
from pipelines.common import console
from pipelines.rounds import branches, receipts, stage_inputs, tables
from pipelines.rounds.arrivals import source_states
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import SUITE
from pipelines.rounds.round_commit import StageResult, Transaction, adopt, round_commit
from pipelines.verification import stored_suite
from pipelines.verification.verdicts import page_store

if TYPE_CHECKING:
    from expectations.suite import Suite
    from expectations.verifier import Verification
    from pipelines.verification.judging import Scored
    from pipelines.verification.verdicts.pages import VerifiedRound

COUNTED: Final = ("severity", "level", "passed", "failed", "unknown")
"""Values of each expectation that are written for the plot over rounds."""


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Score and verify the candidates of a round, or adopt verdicts from the lake."""
    generated = ctx.receipt("generate")
    key = stage_inputs.key(ctx.round, "verify", generated.key)
    result = adopt(ctx, "verify", key, supersede=supersede) or _verify(
        ctx, key, generated.commit, supersede=supersede
    )
    verdicts = result.manifest["verdicts"]
    _local_files(ctx, result.commit.id, verdicts["expectations"])
    write_receipt(ctx, "verify", result.commit.id, result.key, verdicts["counts"])


def _verify(ctx: RoundContext, key: StageKey, generated: str, *, supersede: bool) -> StageResult:
    """Score and verify the candidates, and commit scores and verdicts."""
    # Great Expectations takes seconds to import, and adopting verdicts needs nothing of it.
    from pipelines.verification import acceptance, judging  # noqa: PLC0415
    from pipelines.verification.verdicts.pages import VerifiedRound  # noqa: PLC0415

    dataset, number = ctx.round.dataset, ctx.round.number
    suite, pinned = judging.suite_of(dataset), ctx.receipt("fit").commit
    start = branches.rebase_onto_main(ctx, ctx.lake.resolve(generated), supersede=supersede)
    message = f"Verify the candidates of {ctx.round.key}"
    with round_commit(ctx, "verify", key=key, start=start.id, message=message) as tx:
        began = time.monotonic()
        scored, verification = verify_candidates(ctx, suite, generated, pinned)
        acceptance.check(ctx, generated, tx.manifest, verification.verdicts)
        judged = _judged(suite, verification) if source_states.is_real(ctx.round) else suite
        tx.metadata[SUITE] = verification.suite_digest
        tx.write(refs.part(dataset, "scores", number), scored.scores)
        stored_suite.write(
            tx.lake, tx.branch, suite, scored.real_scores, dataset=dataset, number=number
        )
        tx.write(refs.part(dataset, "verdicts", number), verification.verdicts)
        tx.manifest["verdicts"] = _described(
            tx, VerifiedRound(dataset, number, judged, verification, generated)
        )
        tx.add_cost(verify={"seconds": round(time.monotonic() - began, 3)})
    return tx.result


def verify_candidates(
    ctx: RoundContext, suite: Suite, generated: str, pinned: str
) -> tuple[Scored, Verification]:
    """Compute scores and verdicts of the candidates of a generate commit."""
    from pipelines.verification import judging  # noqa: PLC0415  imports Great Expectations

    rows, lineage = (
        tables.read_round(ctx.lake, generated, ctx.round.dataset, table, ctx.round.number)
        for table in ("candidates", "lineage")
    )
    shards = None
    if ctx.round.accepted is not None:
        keys = lineage.select("row", "shard")
        shards = rows.select("row").join(keys, on="row", how="left", maintain_order="left")["shard"]
    scored = judging.score(ctx, suite, rows, pinned, shards=shards)
    return scored, judging.judge(suite, scored, lineage)


def _judged(suite: Suite, verification: Verification) -> Suite:
    """The expectations that apply to real rows; those that do not, or only warn, are said."""
    from expectations.suite import Suite  # noqa: PLC0415  imports Great Expectations
    from pipelines.verification import judging  # noqa: PLC0415  as above

    names = set(verification.verdicts["expectation"])
    left = [rule.name for rule in suite.rules if rule.name not in names]
    if left:
        console.line(
            f"{len(left)} expectations about the round as a whole are not applied to real rows: "
            f"{', '.join(left)}"
        )
    measured = [rule.name for rule in suite.rules if judging.is_measured(rule)]
    if measured:
        console.line(
            f"{len(measured)} expectations with limits that were measured on real rows only warn "
            f"of real rows: {', '.join(measured)}"
        )
    return Suite(suite.name, tuple(rule for rule in suite.rules if rule.name in names))


def _described(tx: Transaction, verified: VerifiedRound) -> dict[str, Any]:
    """Stage the pages about the verdicts; return the manifest's section `verdicts`."""
    from pipelines.verification.verdicts import pages  # noqa: PLC0415  imports Great Expectations

    verification = verified.verification
    counted = verification.verdicts.group_by("verdict").len().sort("verdict")
    content: dict[str, Any] = {
        "suite": verification.suite_digest,
        "counts": dict(counted.iter_rows()),
        "expectations": pages.described(verified.suite, verification),
    }
    return content | {"pages": pages.write(tx.lake, tx.branch, verified, content)}


def _local_files(
    ctx: RoundContext, commit: str, expectations: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the pages, and the counts of verdicts that the stage `report` reads."""
    dataset, number = ctx.round.dataset, ctx.round.number
    page_store.copy(ctx.lake, commit, dataset, number)
    counts = {
        name: {column: counted[column] for column in COUNTED}
        for name, counted in expectations.items()
    }
    files.write_json(receipts.path(dataset, number, "verdicts"), counts)
