"""Given rows: each once, with columns that are carried, answered or rewritten."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import BudgetError, GeneratorError, ParamsError
from pipelines.common.settings import key_content, parse
from pipelines.generators import making
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.text import plan
from pipelines.generators.text.generator import Text
from pipelines.generators.text.settings import TextFit, TextGenerate
from pipelines.llm.settings import API_KEY, BASE_URL
from tests.pipelines.generators.mixes import fitted, mix
from tests.pipelines.llm.proxy import NOBODY, Exchange, Proxy, answering

QA = ("question", "answer")
SERVICE = {"model": "some-model", "attempts": 1, "max_failures": 0.5, "concurrency": 3}
GIVEN = {"service": SERVICE, "exemplars": "each", "carry": ("question", "truth")}


def sums(count: int) -> pl.DataFrame:
    """Questions with an answer in words and a true one that is a number."""
    samples = mix(
        {
            "question": [f"What is {number} plus 2?" for number in range(count)],
            "answer": [f"That makes {number + 2}." for number in range(count)],
            "label": ["odd" if number % 2 else "even" for number in range(count)],
        }
    ).with_columns(pl.Series("truth", [number + 2 for number in range(count)], dtype=pl.Int32))
    return samples.with_columns(sample_ids(samples, QA).alias("sample_id"))


def reply(body: Mapping[str, Any]) -> object:
    """Answer what is given: the question's number in words, or a record in other words."""
    user = body["messages"][-1]["content"]
    (line,) = [line for line in user.splitlines() if line.startswith("{")]
    given = json.loads(line)
    wanted = body["response_format"]["json_schema"]["schema"]["required"]
    return {name: f"{name} {body['seed'] % 1000} of {given['question']}" for name in wanted}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Proxy]:
    monkeypatch.chdir(tmp_path)
    with Proxy(NOBODY, "k", always=answering(reply)) as proxy:
        monkeypatch.setenv(BASE_URL, proxy.url)
        monkeypatch.setenv(API_KEY, "planted-key")
        yield proxy


def asked(
    place: Path, *, rows: int = 7, candidates: int = 7, fit: TextFit | None = None, **own: Any
) -> GenerateRequest[TextGenerate]:
    settings = parse(TextGenerate, {**GIVEN, **own}, "text")
    keep = fit or TextFit(keep=("truth",))
    request = fitted(
        sums(rows), place, candidates=candidates, identity=QA, settings=settings, fit=keep
    )
    return replace(request, kept=("truth",))


def test_every_row_is_given_once_and_its_truth_travels(service: Proxy, tmp_path: Path) -> None:
    made = making.make(Text(), asked(tmp_path / "pool"))
    rows, real = made.candidates, sums(7)
    assert sorted(rows["question"]) == sorted(real["question"])
    joined = rows.join(real, on="question", suffix="_real")
    assert joined["truth"].to_list() == joined["truth_real"].to_list()
    assert rows["truth"].dtype == pl.Int32
    assert joined["label"].to_list() == joined["label_real"].to_list()
    assert made.parents is not None
    edges = made.parents.join(rows.select("row", "question"), on="row")
    parent = edges.join(real, left_on=["round", "parent_row"], right_on=["round", "row"])
    assert parent["question"].to_list() == parent["question_right"].to_list()
    assert set(edges["relation"].cast(pl.String)) == {"seed"}
    assert edges["weight"].to_list() == [0.5] * 7
    assert made.report.facts["given"] == {"rows": 7, "of": 7, "most": 1}
    told = json.dumps([each.body["messages"] for each in service.seen])
    assert "truth" not in told
    assert "That makes" not in told


def test_a_bound_of_time_stops_a_round_that_goes_on_when_it_is_started_again(
    service: Proxy, tmp_path: Path
) -> None:
    quick = service.always

    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.1)
        await quick(exchange)

    service.always = slow
    bounded = SERVICE | {"concurrency": 1, "time_s": 0.35}
    with pytest.raises(BudgetError, match=r"has taken time_s \(0.35 s\); [1-6] requests are"):
        making.make(Text(), asked(tmp_path / "pool", service=bounded))
    assert 0 < len(service.seen) < 7
    made = making.make(Text(), asked(tmp_path / "pool", service=SERVICE))
    assert len(service.seen) == 7
    assert made.report.cost["cached"] > 0
    assert key_content(parse(TextGenerate, {"service": {"time_s": 9.0}}, "")) == {}


@pytest.mark.usefixtures("service")
def test_rows_come_again_only_when_all_were_given(tmp_path: Path) -> None:
    request = asked(tmp_path / "pool", candidates=17)
    made = making.make(Text(), request).candidates
    times = Counter(made["question"])
    assert Counter(times.values()) == {2: 4, 3: 3}
    assert made["answer"].n_unique() == 17
    in_order = sums(7).sort("sample_id")["question"].to_list()
    assert made["question"].to_list() == (in_order * 3)[:17]


@pytest.mark.usefixtures("service")
def test_a_rewritten_row_is_an_edited_one(tmp_path: Path) -> None:
    request = asked(tmp_path / "pool", carry=("truth",), relation="edited")
    made = making.make(Text(), request)
    assert made.parents is not None
    assert set(made.parents["relation"].cast(pl.String)) == {"edited"}
    assert not set(made.candidates["question"]) & set(sums(7)["question"])
    (first, *_) = plan.questions(request, plan.exemplars.read(request.directory, ("truth",)))
    said = "".join(each["content"] for each in first.request.messages or ())
    assert "in other words" in said
    assert "truth" not in said


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"shots": 2}, "leave out shots"),
        ({"balance": True}, "a given row has its label, so leave out balance"),
        ({"classes": {"odd": 7}}, "leave out classes"),
        ({"exemplars": "drawn"}, "carry is about given rows; set exemplars: each"),
        ({"exemplars": "drawn", "carry": (), "relation": "edited"}, "relation is about given"),
        ({"exemplars": "every"}, "exemplars"),
    ],
)
def test_settings_that_do_not_fit_given_rows_are_named(own: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        parse(TextGenerate, {**GIVEN, **own}, "text")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"carry": ("question", "truht")}, "no column 'truht'; did you mean 'truth'"),
        ({"carry": QA}, "so nothing is asked for; leave one out"),
        ({"fit": TextFit()}, "lack the column 'truth'; fit.text.keep it"),
        ({"fit": TextFit(keep=("truth",), pool_rows=5)}, "holds 5 of 7; raise fit.text.pool_rows"),
    ],
)
def test_columns_that_cannot_be_carried_are_said_before_anything_is_asked(
    own: dict[str, Any], said: str, service: Proxy, tmp_path: Path
) -> None:
    with pytest.raises(GeneratorError, match=said):
        Text().plan(asked(tmp_path / "pool", **own))
    assert not service.seen


def test_a_column_to_keep_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="no column 'turth'; did you mean 'truth'"):
        Text().fit(sums(3), TextFit(keep=("turth",)), 1, tmp_path)


def test_rows_that_cannot_be_given_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = parse(TextGenerate, GIVEN, "text")
    samples = sums(6).with_columns(pl.when(pl.col("row") > 1).then("truth").alias("truth"))
    request = fitted(
        samples, tmp_path, identity=QA, settings=settings, fit=TextFit(keep=("truth",))
    )
    Text().plan(replace(request, kept=("truth",)))
    assert "2 of 6 rows of the mix are not given" in capsys.readouterr().err


def test_what_is_at_its_default_is_in_no_key(tmp_path: Path) -> None:
    assert key_content(TextGenerate()) == key_content(TextFit()) == {}
    step = {"columns": ["text"]}
    of_step = [
        key_content(parse(TextGenerate, {"steps": [{**step, **own}]}, ""))
        for own in ({}, {"service": {}}, {"service": {"concurrency": 1}})
    ]
    assert of_step[0] == {"steps": [step]}
    assert of_step[1] == of_step[2] == {"steps": [{**step, "service": {}}]}  # asks `local`
    Text().fit(sums(3), TextFit(), 1, tmp_path)
    assert '"keep"' not in (tmp_path / "manifest.json").read_text()
