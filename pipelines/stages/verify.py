"""Stage `verify`: scores for each candidate, then a verdict per candidate and expectation.

Scorers compute columns; the suite `expectations/suites/<dataset>.json` holds the thresholds. Real
training data is that of the commit on which the generator was fitted. Two pages about the verdicts
go into the lake beside them: GX's Data Docs, and failures by reason with what failed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from expectations.suite import Suite
from expectations.verifier import Verification
from lake import files, refs
from pipelines.rounds import branches, keys, manifest, receipts, tables
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.scorers import registry
from pipelines.verification import judging
from pipelines.verification.verdicts import pages, places
from pipelines.verification.verdicts.pages import Judgement

CODE: Final = (
    "pipelines/stages/verify.py",
    "pipelines/verification/judging.py",
    "pipelines/scorers",
    "expectations/custom",
    "expectations/measures",
    "expectations/suites/{dataset}.json",
)
COUNTED: Final = ("severity", "level", "passed", "failed", "unknown")
"""What is written of each expectation for the plot over rounds."""


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Score and judge the candidates of a round, or adopt the verdicts that the lake holds."""
    generated = ctx.receipt("generate")
    pinned = ctx.receipt("fit").commit
    key = _key(ctx, generated.input_key)
    dataset, number = ctx.round.dataset, ctx.round.number
    suite = judging.suite_of(dataset)

    def produce(branch: str) -> Mapping[str, str]:
        began = time.monotonic()
        scores, found = judge(ctx, suite, generated.commit, pinned)
        ctx.lake.write(branch, refs.part(dataset, "scores", number), scores)
        judgement = Judgement(dataset, number, suite, found, generated.commit)
        _write(ctx, branch, judgement, began)
        return {"stemma.suite": found.suite_digest}

    commit = branches.commit_once(
        ctx,
        "verify",
        key=key,
        start=generated.commit,
        produce=produce,
        supersede=supersede,
        message=f"Verify the candidates of {ctx.round.key}",
    )
    about = manifest.read(ctx.lake, commit.id, dataset, number)
    _local_files(ctx, commit.id, about["verdicts"]["expectations"])
    write_receipt(ctx, "verify", commit.id, key, about["verdicts"]["counts"])


def judge(
    ctx: RoundContext, suite: Suite, generated: str, pinned: str
) -> tuple[pl.DataFrame, Verification]:
    """Compute scores and verdicts of the candidates of a generate commit."""
    rows, lineage = (
        tables.read_round(ctx.lake, generated, ctx.round.dataset, table, ctx.round.number)
        for table in ("candidates", "lineage")
    )
    return judging.judge(ctx, suite, rows, pinned, lineage)


def _write(ctx: RoundContext, branch: str, judgement: Judgement, began: float) -> None:
    dataset, number, found = judgement.dataset, judgement.round, judgement.found
    ctx.lake.write(branch, refs.part(dataset, "verdicts", number), found.verdicts)
    counted = found.verdicts.group_by("verdict").len().sort("verdict")
    about: dict[str, Any] = {
        "suite": found.suite_digest,
        "counts": dict(counted.iter_rows()),
        "expectations": pages.described(judgement.suite, found),
    }
    about["pages"] = pages.write(ctx.lake, branch, judgement, about)
    cost = {"verify": {"seconds": round(time.monotonic() - began, 3)}}
    manifest.extend(ctx.lake, branch, dataset, number, verdicts=about, cost=cost)


def _local_files(
    ctx: RoundContext, commit: str, expectations: Mapping[str, Mapping[str, Any]]
) -> None:
    """Write the pages, and what stage `report` needs: how often each verdict was given."""
    dataset, number = ctx.round.dataset, ctx.round.number
    places.copy(ctx.lake, commit, dataset, number)
    counts = {name: {each: about[each] for each in COUNTED} for name, about in expectations.items()}
    files.write_json(receipts.path(dataset, number, "verdicts"), counts)


def _key(ctx: RoundContext, generate_key: str) -> str:
    return keys.input_key(
        "verify",
        settings=ctx.round.settings.verify,
        code=[
            *(path.format(dataset=ctx.round.dataset) for path in CODE),
            *map(str, registry.files(ctx.round.settings.verify.scorers)),
        ],
        inputs={"seed": ctx.round.seed, "generate": generate_key},
    )
