"""What the stages make for a fixed input is pinned: a change of output needs a raised version.

The input is the small lake of an earlier release, so the generator's own numbers, which depend on
the processor, do not enter: its candidates are those of the lake.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from lineage import guard
from pipelines.gate import contamination, evidence
from pipelines.generators.protocol import GenerateReport, GenerateResult
from pipelines.rounds import (
    candidate_lineage,
    context,
    manifest,
    mixes,
    model_store,
    real_data,
    receipts,
    round_holdout,
    stage_inputs,
    tables,
)
from pipelines.rounds.context import RoundContext
from pipelines.rounds.holdout import HeldOut
from pipelines.stages import curate, evaluate
from pipelines.verification import judging, round_judging
from tests import golden

GOLDEN: Final[Mapping[str, str]] = {
    "ingest/1": "887288140a1de9387f5446e0232d3c1fe9493a05a836ac108376801df48b9fff",
    "fit/1": "ed9cb9fadb7e3a4e3b5fc6b8f3a7fbd1ba51c76eea59543d05c530d31969f7dd",
    "generate/1": "819f13641d788e664756ac71217c3f6c8e7727cea7f30d60e57b322dcf7ccf1b",
    "curate/1": "aa7c175fae9a714e04d424a7cbb135a217068fea2e9e527ed51b01dfdf8ea7dc",
    "curate/2": "72bda398417d0fffc64e1389a949bba602e5a8289b35fab609507b74dc30dc4a",
    "evaluate/1": "a7aabe3d15a92fb67760dce644faa6f006f5c144a17bdc8626492fb806c67399",
    "evaluate/2": "a7aabe3d15a92fb67760dce644faa6f006f5c144a17bdc8626492fb806c67399",
    "evaluate/3": "a7aabe3d15a92fb67760dce644faa6f006f5c144a17bdc8626492fb806c67399",
    "publish/1": "b2d8a77db714d926f76cd8100a232f35b0e2276bccdb5c54622c8328f99f3513",
    "publish/2": "5baea3aa44c16e95b432cd0b8257ae1738a4edbc3f3e1259c85172e3cdd6e5be",
    "publish/3": "acb69390574ddc06d94e2e5eab7ba3e75a7632c7332cbf3f1400f30d91cc466a",
    "publish/4": "0762bd69fe03624a70135828fd41d6bfdde706f480c3214e1a7372fd00d98977",
    "publish/5": "0762bd69fe03624a70135828fd41d6bfdde706f480c3214e1a7372fd00d98977",
    "publish/6": "238ebd0a35217754bdee0bea3d4f354221ca08c65d2a9721b760d3d43d130994",
    "publish/7": "5c8fffc96f13b203d4ac454a229484896596a588c1e74c7ccb877d3181440284",
    "publish/8": "fdae2cb9e27a05fcf85d33b5e2907e7acb8567b7b5028a58004059098359e050",
    "verify/1": "d49705b4972fff068ac7577f2ae9223b7773f6a221b0d54dc120da7d89fa19a2",
}
FILE: Final = "pipelines/rounds/stage_inputs.py"
KEY: Final = "tiny-1"


@pytest.fixture(scope="module")
def ctx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoundContext]:
    """Round 1 of a project of an earlier release; the current directory."""
    root = tmp_path_factory.mktemp("golden") / "project"
    with tarfile.open(Path(__file__).parent / "releases" / "0.1.tar.xz") as archive:
        archive.extractall(root, filter="data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        yield context.open_context(KEY)


def commit(stage: str) -> str:
    return receipts.read("tiny", 1, stage).commit


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A frame as JSON, binary columns as hex digits."""
    binary = [name for name, dtype in frame.schema.items() if dtype == pl.Binary]
    shown = frame.with_columns(pl.col(name).bin.encode("hex") for name in binary)
    return shown.to_dicts()


def held_out(ctx: RoundContext) -> HeldOut:
    return round_holdout.open_at(ctx, commit("curate"))


def made_by_ingest(ctx: RoundContext) -> object:
    made = real_data.prepare(ctx.round.settings)
    frame = made.rows.select("row", "sample_id", "split")
    return rows(frame.hstack(made.lineage.select("source", "licence")))


def made_by_fit(ctx: RoundContext) -> object:
    second = context.open_context("tiny-2")
    found = mixes.build(ctx.lake, commit("publish"), second.round)
    return found.manifest.model_dump(mode="json"), rows(found.left_out)


def made_by_generate(ctx: RoundContext) -> object:
    model_store.download(ctx.lake, commit("generate"), "tiny", 1)
    stored = {
        table: tables.read_round(ctx.lake, commit("generate"), "tiny", table, 1).sort("row")
        for table in ("candidates", "lineage")
    }
    seeds = stored["lineage"].select("seed", "shard")
    candidates = stored["candidates"].drop("round").hstack(seeds)
    candidates = candidates.with_columns(pl.lit(0.0).alias("opaque_share"))
    result = GenerateResult(candidates, None, GenerateReport({}))
    _, digest = model_store.generator_manifest("tiny", 1)
    return rows(candidate_lineage.derive(ctx, result, digest, mixes.read_manifest(ctx.round)))


def made_by_verify(ctx: RoundContext) -> object:
    suite = judging.suite_of("tiny")
    scored = round_judging.score(ctx, suite, commit("generate"), commit("fit"))
    (found,) = scored.verdicts(suite)
    named = found.select("round", "row", "expectation", "severity", "verdict", "detail")
    return rows(named.sort("row", "expectation"))


def made_by_curate(ctx: RoundContext) -> object:
    return rows(curate.decide(ctx, commit("verify")).sort("row"))


def made_by_evaluate(ctx: RoundContext) -> object:
    curated = commit("curate")
    leaks = evaluate._leaks(ctx, held_out(ctx), 0.1)
    contaminated = contamination.at_commit(ctx, curated, fresh=leaks)
    figures, mix = evaluate.measure(ctx, curated, held_out(ctx), contaminated)
    summary = {name: figures["summary"][name] for name in ("real_share", "real_inputs", "accepted")}
    return rows(leaks), rows(contaminated), summary, mix.manifest.model_dump(mode="json")


def made_by_publish(ctx: RoundContext) -> object:
    recorded = manifest.read(ctx.lake, commit("publish"), "tiny", 1)
    answer = guard.read(recorded["guard"])
    again = guard.judge(evidence.collect(ctx, commit("evaluate")), ctx.round.settings.publish.guard)
    assert {each.name for each in answer.checks} <= {each.name for each in again.checks}
    return [(each.name, each.verdict, each.limit) for each in again.checks]


MAKERS: Final = {
    "ingest": made_by_ingest,
    "fit": made_by_fit,
    "generate": made_by_generate,
    "verify": made_by_verify,
    "curate": made_by_curate,
    "evaluate": made_by_evaluate,
    "publish": made_by_publish,
}


@pytest.mark.parametrize("stage", MAKERS)
def test_the_output_of_a_stage_is_that_of_its_version(stage: str, ctx: RoundContext) -> None:
    golden.check(MAKERS[stage](ctx), stage_inputs.VERSIONS[stage], GOLDEN, file=FILE)


def test_every_stage_with_a_version_is_pinned() -> None:
    assert set(MAKERS) == set(stage_inputs.VERSIONS)
    assert set(GOLDEN) >= set(stage_inputs.VERSIONS.values())


def test_a_changed_output_names_the_version_to_raise(
    ctx: RoundContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = curate.decide

    def altered(ctx: RoundContext, ref: str) -> pl.DataFrame:
        return whole(ctx, ref).with_columns(pl.lit("rejected").alias("decision"))

    monkeypatch.setattr(curate, "decide", altered)
    with pytest.raises(AssertionError, match=r"raise curate/1 to curate/2 in pipelines/rounds/"):
        golden.check(made_by_curate(ctx), "curate/1", GOLDEN, file=FILE)
