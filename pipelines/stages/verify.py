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

from lake import files
from pipelines.common import console
from pipelines.generation import scored_blocks
from pipelines.rounds import branches, parts, receipts, stage_inputs
from pipelines.rounds.arrivals import source_states
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import SUITE
from pipelines.rounds.round_commit import StageResult, Transaction, adopt, round_commit
from pipelines.verification import stored_suite
from pipelines.verification.verdicts import page_store

if TYPE_CHECKING:
    from expectations.suite import Suite
    from expectations.tally import Tally
    from pipelines.verification.round_judging import ScoredRound
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
    from pipelines.verification import acceptance, judging, round_judging  # noqa: PLC0415
    from pipelines.verification.verdicts.pages import VerifiedRound  # noqa: PLC0415

    dataset, number = ctx.round.dataset, ctx.round.number
    suite, pinned = judging.suite_of(dataset), ctx.receipt("fit").commit
    start = branches.rebase_onto_main(ctx, ctx.lake.resolve(generated), supersede=supersede)
    message = f"Verify the candidates of {ctx.round.key}"
    with round_commit(ctx, "verify", key=key, start=start.id, message=message) as tx:
        began = time.monotonic()
        known = scored_blocks.of_round(ctx, key, generated)
        scored = round_judging.score(ctx, suite, generated, pinned, known)
        with tx.parts(dataset, "scores", number) as written:
            written.add(scored.scores)
        tally = _verdicts(ctx, tx, suite, scored)
        if ctx.round.accepted is not None:
            acceptance.check(ctx, generated, tx.manifest, tx.branch)
        judged = _judged(suite, tally) if source_states.is_real(ctx.round) else suite
        tx.metadata[SUITE] = suite.digest
        stored_suite.write(
            tx.lake, tx.branch, suite, scored.compared.real_scores, dataset=dataset, number=number
        )
        verified = VerifiedRound(dataset, number, judged, tally, generated)
        tx.manifest["verdicts"] = _described(tx, suite, verified)
        tx.add_cost(verify={"seconds": round(time.monotonic() - began, 3)})
    return tx.result


def _verdicts(ctx: RoundContext, tx: Transaction, suite: Suite, scored: ScoredRound) -> Tally:
    """Give the verdicts of a round, and write them block by block."""
    from expectations.tally import Tally  # noqa: PLC0415  few commands need it

    dataset, number, tally = ctx.round.dataset, ctx.round.number, Tally()
    with tx.parts(dataset, "verdicts", number, max_rows=parts.MANY) as written:
        for verdicts in scored.verdicts(suite):
            tally.add(verdicts)
            written.add(verdicts)
    return tally


def _judged(suite: Suite, tally: Tally) -> Suite:
    """The expectations that apply to real rows; those that do not, or only warn, are said."""
    from expectations.suite import Suite  # noqa: PLC0415  imports Great Expectations
    from pipelines.verification import judging  # noqa: PLC0415  as above

    left = [rule.name for rule in suite.rules if rule.name not in tally.counts]
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
    return Suite(suite.name, tuple(rule for rule in suite.rules if rule.name in tally.counts))


def _described(tx: Transaction, suite: Suite, verified: VerifiedRound) -> dict[str, Any]:
    """Stage the pages about the verdicts; return the manifest's section `verdicts`."""
    from pipelines.verification.verdicts import pages  # noqa: PLC0415  imports Great Expectations

    content: dict[str, Any] = {
        "suite": suite.digest,
        "counts": verified.tally.totals(),
        "expectations": pages.described(verified.suite, verified.tally),
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
