"""Of several candidates for a row, the one with the best score stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.common.errors import GeneratorError
from pipelines.common.settings import parse
from pipelines.generators import making
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.text.generator import Text
from pipelines.generators.text.settings import TextFit, TextGenerate
from pipelines.llm.settings import API_KEY, BASE_URL
from tests.pipelines.generators.mixes import fitted, mix
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering

BEST = {"answers": 3, "score": "text_chars"}
SERVICE = {"model": "some-model", "attempts": 1, "max_failures": 1.0}


def reply(body: Mapping[str, Any]) -> object:
    return {"text": "x" * (1 + body["seed"] % 97)}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Proxy]:
    monkeypatch.chdir(tmp_path)
    with Proxy(NOBODY, "k", always=answering(reply)) as proxy:
        monkeypatch.setenv(BASE_URL, proxy.url)
        monkeypatch.setenv(API_KEY, "planted-key")
        yield proxy


def length(column: str, rows: pl.DataFrame) -> pl.Series:
    assert column == "text_chars"
    assert rows["row"].to_list() == list(range(len(rows)))
    return rows["text"].str.len_chars().cast(pl.Float64)


def asked(
    place: Path, score: Callable[[str, pl.DataFrame], pl.Series] | None = length, **own: Any
) -> GenerateRequest[TextGenerate]:
    texts = mix({"text": [f"line {number}" for number in range(5)]})
    settings = parse(TextGenerate, {"service": SERVICE, "best_of": BEST, **own}, "text")
    request = fitted(texts, place, candidates=6, identity=("text",), settings=settings)
    return replace(request, score=score)


def lengths(service: Proxy) -> list[int]:
    return sorted(1 + each.body["seed"] % 97 for each in service.seen)


@pytest.mark.parametrize("lowest", [False, True])
def test_the_best_of_each_row_stays(service: Proxy, tmp_path: Path, *, lowest: bool) -> None:
    made = making.make(Text(), asked(tmp_path / "pool", best_of={**BEST, "lowest": lowest}))
    assert len(service.seen) == 18
    kept = made.candidates["text"].str.len_chars().to_list()
    assert made.candidates["row"].to_list() == list(range(6))
    prompts: dict[str, list[int]] = {}
    for each in service.seen:
        said = each.body["messages"][-1]["content"]
        prompts.setdefault(said, []).append(1 + each.body["seed"] % 97)
    if len(prompts) == 6:
        assert sorted(kept) == sorted((min if lowest else max)(own) for own in prompts.values())
    assert made.report.cost["requests"] == made.report.facts["asked"] == 18
    assert made.report.facts["best_of"] == {**BEST, "lowest": lowest}
    assert made.report.facts["failed"] == 0


def test_the_first_candidate_of_a_row_is_what_it_is_without(service: Proxy, tmp_path: Path) -> None:
    alone = making.make(Text(), asked(tmp_path / "pool", None, best_of=None)).candidates
    before = len(service.seen)
    unscored = asked(
        tmp_path / "pool", lambda _, rows: pl.Series([None] * len(rows), dtype=pl.Float64)
    )
    made = making.make(Text(), unscored)
    assert made.candidates.equals(alone)
    assert len(service.seen) == before + 12
    assert made.report.cost["cached"] == 6


def test_one_that_failed_is_the_worst(service: Proxy, tmp_path: Path) -> None:
    service.always = answering(
        lambda body: {"text": 5} if body["seed"] % 2 else {"text": "x" * (1 + body["seed"] % 97)}
    )
    made = making.make(Text(), asked(tmp_path / "pool"))
    right = {1 + each.body["seed"] % 97 for each in service.seen if not each.body["seed"] % 2}
    assert set(made.candidates["text"].str.len_chars()) <= right
    assert len(made.candidates) + made.report.facts["failed"] == 6


def test_an_estimate_counts_all_that_are_made(tmp_path: Path) -> None:
    request = asked(tmp_path / "pool", None)
    samples = mix({"text": [f"line {number}" for number in range(5)]})
    (cost,) = Text().cost(samples, TextFit(), 3, request)
    assert cost.expected.requests == 18


@pytest.mark.usefixtures("service")
def test_without_a_scorer_nothing_can_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="best_of needs a scorer"):
        making.make(Text(), asked(tmp_path / "pool", None))
    assert Text().scored_by(TextGenerate()) is None
    assert Text().scored_by(parse(TextGenerate, {"best_of": BEST}, "")) == "text_chars"
