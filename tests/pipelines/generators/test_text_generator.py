"""Text rounds against the real local model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from lineage import edges, record
from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError
from pipelines.generators import making
from pipelines.generators.protocol import GenerateRequest, GenerateResult
from pipelines.generators.slots import Slots
from pipelines.generators.text.generator import Text
from pipelines.generators.text.settings import TextGenerate
from pipelines.llm.settings import API_KEY, BASE_URL, LOCAL_LICENCE, Service
from tests.pipelines.generators.mixes import PAIR, fitted, mix, pairs
from tests.pipelines.llm.proxy import Proxy, status
from tests.served import LocalServer

ASKED = TextGenerate(
    service=Service(max_tokens=32, attempts=3, wait_s=0.01, max_failures=0.5, concurrency=2),
    shots=2,
    max_chars=4,
    attributes={"style": ("plain", "odd")},
)
KEY = "sk-planted-for-this-test"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GenerateRequest[TextGenerate]:
    monkeypatch.chdir(tmp_path)
    return fitted(pairs(12), tmp_path / "pool", candidates=4, settings=ASKED)


def derived(made: GenerateResult, samples: pl.DataFrame) -> pl.DataFrame:
    """Lineage of what was made, as the stage records it."""
    real = record.real(
        samples.filter(pl.col("round") == 0).select(
            "row",
            "sample_id",
            pl.lit("test").alias("source"),
            pl.lit("MIT").alias("licence"),
        )
    )
    return record.derive(
        made.candidates.select("row", "sample_id", "seed", "shard", "prompt_digest"),
        round_number=2,
        dataset="talk",
        generator="g" * 64,
        attribution=Text.attribution,
        mix=None,
        parents=made.parents,
        stored=real.with_columns(pl.lit("talk").alias("dataset")),
    )


def test_a_round_is_made_and_a_second_one_asks_nothing(
    asked: GenerateRequest[TextGenerate], local_model: LocalServer
) -> None:
    before = local_model.served()
    made = making.make(Text(), asked)
    found = made.candidates
    assert found["row"].to_list() == list(range(4))
    assert sorted(found["label"]) == ["animals", "animals", "food", "food"]
    assert found.select(pl.col(PAIR).str.len_chars().max()).row(0) <= (4, 4)
    assert found["sample_id"].equals(sample_ids(found, PAIR).alias("sample_id"))
    assert found["prompt_digest"].bin.size().unique().to_list() == [32]
    assert made.report.cost["requests"] == 4
    assert made.report.cost["tokens_out"] > 0
    assert made.report.cost["dollars"] == 0
    assert made.report.environment["served"]
    assert made.report.environment["licence"] == LOCAL_LICENCE
    assert made.report.facts["failed"] == 0
    served = local_model.served(at_least=before + 4)

    again = making.make(Text(), asked)
    assert again.candidates.equals(found)
    assert again.report.cost["cached"] == 4
    assert local_model.served() == served
    recorded = json.dumps(
        [again.report.environment, again.report.cost, again.report.facts], default=str
    )
    assert local_model.access.key not in recorded
    assert local_model.access.base_url not in recorded


@pytest.mark.usefixtures("local_model")
def test_half_of_a_candidate_is_its_exemplars_and_half_an_opaque_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples = pairs(12).with_columns(pl.lit(0, pl.Int32).alias("round"))
    made = making.make(Text(), fitted(samples, tmp_path / "pool", candidates=2, settings=ASKED))
    assert made.parents is not None
    assert made.parents.schema == edges.PARENT
    rows = derived(made, samples)
    assert rows["real_inputs"].to_list() == rows["real_roots"].to_list() == [0.5, 0.5]
    assert rows["depth_max"].to_list() == [1, 1]
    assert rows["attribution"].unique().to_list() == ["exemplars/1"]
    assert rows["prompt_digest"].null_count() == 0


def test_a_request_that_fails_for_good_leaves_no_gap(
    asked: GenerateRequest[TextGenerate],
    local_server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once = ASKED.model_dump() | {"service": {**ASKED.service.model_dump(), "attempts": 1}}
    asked = replace(asked, settings=TextGenerate.model_validate(once))
    with Proxy(local_server.access, KEY) as proxy:
        monkeypatch.setenv(BASE_URL, proxy.url)
        monkeypatch.setenv(API_KEY, KEY)
        proxy.script.append(status(500, {"error": {"message": f"no {KEY} today"}}))
        made = making.make(Text(), asked)
    left = 4 - made.report.facts["failed"]
    assert 1 <= made.report.facts["failed"] <= 2
    assert made.candidates["row"].to_list() == list(range(left))
    assert (
        made.report.cost["failures"]
        == made.report.facts["failed"]
        == len(made.report.facts["failed_questions"])
    )
    assert sum(made.report.facts["reasons"].values()) == made.report.facts["failed"]
    assert dict(made.report.unmade) == made.report.facts["reasons"]
    assert made.slots == Slots(planned=4, reached=4)
    assert made.parents is not None
    assert made.parents["row"].unique().sort().to_list() == list(range(left))
    assert KEY not in json.dumps(
        [made.report.facts, made.report.cost, made.report.environment], default=str
    )

    monkeypatch.setenv(BASE_URL, local_server.access.base_url)
    monkeypatch.setenv(API_KEY, local_server.access.key)
    whole = making.make(Text(), replace(asked, settings=ASKED))
    assert len(whole.candidates) == 4
    assert whole.report.cost["cached"] == left


def test_a_round_without_any_answer_says_why(
    asked: GenerateRequest[TextGenerate],
    local_server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hopeless = ASKED.service.model_dump() | {"attempts": 1, "max_failures": 1.0}
    settings = TextGenerate.model_validate(ASKED.model_dump() | {"service": hopeless})
    with Proxy(local_server.access, KEY, always=status(500)) as proxy:
        monkeypatch.setenv(BASE_URL, proxy.url)
        monkeypatch.setenv(API_KEY, KEY)
        with pytest.raises(GeneratorError, match="no request was answered"):
            making.make(Text(), replace(asked, settings=settings))


@pytest.mark.usefixtures("local_model")
def test_one_column_without_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples = mix({"text": [f"The number {number} is nice." for number in range(9)]})
    asked = fitted(samples, tmp_path / "pool", candidates=2, identity=("text",), settings=ASKED)
    made = making.make(Text(), asked)
    assert set(made.candidates.columns) == {
        "row",
        "text",
        "opaque_share",
        "seed",
        "shard",
        "prompt_digest",
        "sample_id",
    }
    assert made.candidates["text"].null_count() == 0
