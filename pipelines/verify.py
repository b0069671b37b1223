"""Stage `verify`: scores for each candidate, then a verdict per candidate and expectation.

Scorers compute columns; the suite `expectations/suites/<dataset>.json` holds the thresholds. Real
training data is that of the commit on which the generator was fitted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import polars as pl

from expectations import catalogue, verifier
from expectations import suite as suites
from expectations.errors import SuiteError
from expectations.suite import Suite
from expectations.verifier import Verification
from lake import refs
from pipelines import branches, images, keys, manifest, stage, tables
from pipelines.scorers import protocol, registry, scoring
from pipelines.scorers.protocol import Given
from pipelines.seeds import derive_seed
from pipelines.work import Work, held_out, write_receipt

CODE: Final = (
    "pipelines/verify.py",
    "pipelines/scorers",
    "expectations/custom",
    "expectations/measures",
    "expectations/suites/{dataset}.json",
)

REAL: Final = "real"
"""What a suite calls the real training rows, in `against`."""
TRACED: Final = ("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max")
"""Columns of lineage that a suite may judge."""


def main(work: Work, *, supersede: bool = False) -> None:
    """Score and judge the candidates of a round, or adopt the verdicts that the lake holds."""
    generated = work.receipt("generate")
    pinned = work.receipt("fit").commit
    key = _key(work, generated.input_key)
    suite = _suite(work.round.dataset)

    def produce(branch: str) -> Mapping[str, str]:
        began = time.monotonic()
        scores, found = judge(work, suite, generated.commit, pinned)
        _write(work, branch, scores, found, round(time.monotonic() - began, 3))
        return {"stemma.suite": found.suite_digest}

    commit = branches.commit_once(
        work,
        "verify",
        key=key,
        start=generated.commit,
        produce=produce,
        supersede=supersede,
        message=f"Verify the candidates of {work.round.key}",
    )
    about = manifest.read(work.lake, commit.id, work.round.dataset, work.round.number)
    write_receipt(work, "verify", commit.id, key, about["verdicts"]["counts"])


def _suite(dataset: str) -> Suite:
    """The suite of a data set, its types and arguments checked before anything is scored."""
    place = suites.place(dataset)
    suite = suites.load(place)
    try:
        catalogue.check(suite)
    except SuiteError as error:
        raise SuiteError(f"{place}: {error}") from error
    return suite


def judge(
    work: Work, suite: Suite, generated: str, pinned: str
) -> tuple[pl.DataFrame, Verification]:
    """Compute scores and verdicts of the candidates of a generate commit."""
    dataset, number = work.round.dataset, work.round.number
    candidates = tables.read_round(work.lake, generated, dataset, "candidates", number)
    scorers = work.round.settings.verify.scorers
    data = given(work, pinned)
    scores = scoring.score_all(scorers, candidates, data)
    reference = {}
    if compared := catalogue.compared_columns(suite, REAL):
        reference[REAL] = judged(data.real, scoring.score_real(scorers, compared, data))
    frame = judged(candidates, scores)
    asked = {name for rule in suite.rules for name in rule.columns} - set(frame.columns)
    if names := [name for name in TRACED if name in asked]:
        lineage = tables.read_round(work.lake, generated, dataset, "lineage", number)
        frame = frame.join(
            lineage.select(*tables.OCCURRENCE, *names),
            on=tables.OCCURRENCE,
            how="left",
            maintain_order="left",
        )
    return scores, verifier.verify(frame, suite, reference=reference)


def given(work: Work, pinned: str) -> Given:
    """What the scorers of this round are given: data of the commit that the generator learnt."""
    round_ = work.round
    loaded = [registry.load(name) for name in round_.settings.verify.scorers]
    wanted = {each for scorer in loaded for each in protocol.reads(scorer)}
    real = tables.real_samples(work.lake, pinned, round_.dataset)
    earlier = real.clear()
    if "earlier" in wanted:
        samples = tables.read(work.lake, pinned, round_.dataset, "samples")
        earlier = samples.filter(pl.col("round") > 0).collect()
    return Given(
        real=real,
        earlier=earlier,
        held_out=held_out(work, pinned).fingerprints() if "held_out" in wanted else None,
        seed=derive_seed(round_.seed, round_.dataset, round_.number, "verify"),
    )


def judged(rows: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """The frame that a suite judges: payload and scores; an image is its file, `<name>_bytes`."""
    payload = rows.drop("sample_id", strict=False)
    files = [name for name, kind in payload.schema.items() if kind == images.IMAGE]
    whole = payload.with_columns(
        pl.col(name).struct.field("bytes").alias(f"{name}_bytes") for name in files
    ).drop(files)
    return whole.join(scores, on=["round", "row"], how="left", maintain_order="left")


def _write(
    work: Work, branch: str, scores: pl.DataFrame, found: Verification, seconds: float
) -> None:
    dataset, number = work.round.dataset, work.round.number
    work.lake.write(branch, refs.part(dataset, "scores", number), scores)
    work.lake.write(branch, refs.part(dataset, "verdicts", number), found.verdicts)
    counted = found.verdicts.group_by("verdict").len().sort("verdict")
    manifest.extend(
        work.lake,
        branch,
        dataset,
        number,
        verdicts={
            "suite": found.suite_digest,
            "counts": dict(counted.iter_rows()),
            "expectations": found.summary(),
        },
        cost={"verify": {"seconds": seconds}},
    )


def _key(work: Work, generate_key: str) -> str:
    return keys.input_key(
        "verify",
        settings=work.round.settings.verify,
        code=[path.format(dataset=work.round.dataset) for path in CODE],
        inputs={"seed": work.round.seed, "generate": generate_key},
    )


if __name__ == "__main__":
    stage.run_stage(main, "supersede")
