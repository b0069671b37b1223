from __future__ import annotations

import base64
import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import BudgetError, GeneratorError, PipelineError
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import key_content, parse
from pipelines.features import images
from pipelines.generators import exchanges, making
from pipelines.generators.hosted_images.generator import HostedImages
from pipelines.generators.hosted_images.settings import HostedImagesGenerate
from pipelines.generators.protocol import GenerateRequest, GenerateResult
from pipelines.llm import image_requests
from pipelines.llm.image_requests import ImageRequest
from tests import tiny_pipelines
from tests.image_service import REVISED, Studio, served

PRICE: Final = 0.04


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pipelines.text_to_image(tmp_path_factory.mktemp("hub") / "painter")


@pytest.fixture
def studio(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Studio, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret-key")
    found = Studio(folder)
    with served(found) as url:
        yield found, url


def mix() -> pl.DataFrame:
    pixels = np.random.default_rng(3).integers(0, 255, (4, 8, 8, 3), dtype=np.uint8)
    frame = pl.DataFrame(
        {
            "round": pl.Series([0] * 4, dtype=pl.Int32),
            "row": pl.Series(range(4), dtype=pl.Int64),
            "label": ["bee", "sea"] * 2,
            "weight": [1.0] * 4,
        }
    ).with_columns(images.column(pixels))
    return frame.with_columns(sample_ids(frame, ("image",)).alias("sample_id"))


def settings(url: str, **more: Any) -> HostedImagesGenerate:
    service = {
        "model": "painter-1",
        "base_url": url,
        "licence": "CC0-1.0",
        "wait_s": 0.01,
        "concurrency": 1,
        **more.pop("service", {}),
    }
    given = {
        "service": service,
        "prompts": {"template": "a {label}"},
        "image_prices": {"painter-1": PRICE},
        "size": "16x16",
        **more,
    }
    return parse(HostedImagesGenerate, given, "hosted_images")


def request_of(own: HostedImagesGenerate, samples: Any = None) -> GenerateRequest[Any]:
    place = Path("fitted")
    HostedImages().fit(mix(), NoSettings(), 3, place)
    return GenerateRequest("pets", 1, 7, ("image",), 5, 3, own, place, samples=samples)


def made(own: HostedImagesGenerate) -> GenerateResult:
    return making.make(HostedImages(), request_of(own))


def test_pictures_are_asked_for_once_and_paid_once(studio: tuple[Studio, str]) -> None:
    server, url = studio
    server.busy = 2
    own = settings(url)
    estimated = HostedImages().cost(mix(), NoSettings(), 3, request_of(own))[0].expected
    assert (estimated.requests, estimated.cached) == (5, 0)
    assert estimated.dollars_low == estimated.dollars_high == pytest.approx(5 * PRICE)
    result = made(own)
    rows = result.candidates
    assert images.decode(rows["image"]).shape == (5, 8, 8, 3)
    assert rows["sample_id"].n_unique() == 5
    assert (rows["opaque_share"] == 1).all()
    assert result.parents is None
    first = {"model": "painter-1", "n": 1, "size": "16x16", "response_format": "b64_json"}
    assert all({**each, "prompt": None} == {**first, "prompt": None} for each in server.asked)
    asked = sorted(each["prompt"] for each in server.asked)
    assert asked == sorted(f"a {label}" for label in rows["label"])
    report = result.report
    assert report.cost["dollars"] == report.cost["dollars_now"] == pytest.approx(5 * PRICE)
    assert report.cost["attempts"] == 7
    assert (report.environment["model"], report.environment["licence"]) == ("painter-1", "CC0-1.0")
    again = made(own)
    assert len(server.asked) == 5
    assert again.report.cost["dollars_now"] == 0
    assert again.candidates["sample_id"].to_list() == rows["sample_id"].to_list()
    estimated = HostedImages().cost(mix(), NoSettings(), 3, request_of(own))[0].expected
    assert (estimated.cached, estimated.dollars_high) == (5, 0)


def test_requests_and_what_is_known_of_the_pictures_are_kept_with_the_round(
    studio: tuple[Studio, str],
) -> None:
    own = settings(studio[1], service={"max_failures": 1.0, "attempts": 1})
    studio[0].refused = {"a sea"}
    result = made(own)
    kept = result.report.exchanges
    assert kept is not None
    assert kept.schema == exchanges.SCHEMA
    assert kept["planned"].to_list() == list(range(5))
    drawn = kept.filter(pl.col("row").is_not_null())
    failed = kept.filter(pl.col("row").is_null())
    assert drawn["row"].to_list() == result.candidates["row"].to_list()
    assert set(drawn["prompt"]) == {"a bee"}
    assert set(failed["prompt"]) == {"a sea"}
    assert failed["failure"].str.contains("answered 400").all()
    assert sum(result.report.unmade.values()) == len(failed)
    assert set(kept["template"]) == {hashlib.sha256(b"a {label}").hexdigest()}
    assert set(drawn["model"]) | set(drawn["served"]) == {"painter-1"}
    assert drawn["dollars"].to_list() == pytest.approx([PRICE] * len(drawn))
    told = [json.loads(each) for each in drawn["answer"]]
    for each in told:
        assert len(each["sha256"]) == 64
        assert (each["format"], each["width"], each["height"]) == ("PNG", 16, 16)
        assert each["revised_prompt"] == REVISED.encode("utf-8", "replace").decode()
    assert [each["drawing"] for each in told] == list(range(len(told)))
    assert "b64" not in "".join(drawn["answer"])


@pytest.mark.parametrize("number", ["NaN", "1e400"])
def test_what_a_service_says_of_a_picture_is_json(number: str) -> None:
    (png,) = images.encode(np.zeros((1, 2, 2, 3), dtype=np.uint8))
    picture = base64.b64encode(png).decode()
    body = f'{{"created": {number}, "size": "2x2", "data": [{{"b64_json": "{picture}"}}]}}'
    assert image_requests.read(body.encode(), ImageRequest(model="m", prompt="p")).parsed == {
        "size": "2x2"
    }


def test_of_the_pictures_of_a_round_one_is_in_memory_at_a_time(studio: tuple[Studio, str]) -> None:
    server, url = studio
    noise = np.random.default_rng(1).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    large = base64.b64encode(images.encode(noise[None])[0]).decode()
    server.answer = {"data": [{"b64_json": large}]}
    request = replace(request_of(settings(url)), candidates=40)
    making.make(HostedImages(), request)
    tracemalloc.start()
    result = making.make(HostedImages(), request)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(result.candidates) == 40
    assert peak < len(large) * 40 / 2


def test_a_budget_stops_before_it_is_passed_and_goes_on(studio: tuple[Studio, str]) -> None:
    server, url = studio
    budget = {"budget_usd": 3.5 * PRICE}
    with pytest.raises(BudgetError, match=r"\$0.1200 is spent, and the next request could pass"):
        made(settings(url, service=budget))
    assert len(server.asked) == 3
    made(settings(url))
    assert len(server.asked) == 5


def test_a_round_that_may_end_early_asks_for_each_shard_by_itself(
    studio: tuple[Studio, str],
) -> None:
    server, url = studio
    own = settings(url, service={"budget_usd": 4.5 * PRICE})
    request = replace(request_of(own), by_shard=True, expected=3)
    assert HostedImages().cost(mix(), NoSettings(), 3, request)[0].expected.requests == 3
    generator = HostedImages()
    result = making.make_until(generator, generator.plan(request), lambda *_: True)
    assert (len(result.candidates), len(server.asked)) == (3, 3)
    assert result.report.facts["asked"] == 3
    with pytest.raises(BudgetError, match=r"\$0.1600 is spent, and the next request could pass"):
        making.make(generator, request)


def test_a_picture_that_cannot_be_used_is_paid(studio: tuple[Studio, str]) -> None:
    server, url = studio
    server.answer = {"data": [{"b64_json": "???"}]}
    with pytest.raises(BudgetError, match=r"\$0.0800 is spent"):
        made(settings(url, service={"budget_usd": 2.5 * PRICE}))
    assert len(server.asked) == 2


BOMB: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 40).decode()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"data": [{"b64_json": BOMB}]}, "a picture that cannot be decoded"),
        ({"data": [{"b64_json": "???"}]}, "a picture that is no base64"),
        ({"data": [{"url": "http://127.0.0.1/a.png"}]}, "address of a picture, which is not fetch"),
        ({"data": []}, "without a picture"),
        ([], "JSON that is no object"),
        ({"error": {"message": "no\x1b[31m"}}, "answered 200 with an error: no"),
    ],
)
def test_answers_are_hostile(answer: Any, said: str, studio: tuple[Studio, str]) -> None:
    server, url = studio
    server.answer = answer
    with pytest.raises(PipelineError, match=said):
        made(settings(url, service={"attempts": 1}))


def test_captions_of_another_data_set_are_parents(studio: tuple[Studio, str]) -> None:
    _, url = studio
    captions = pl.DataFrame(
        {"round": [1], "row": [4], "text": ["a round bee"], "label": ["bee"]},
        schema_overrides={"round": pl.Int32},
    )
    own = settings(url, prompts={"dataset": "captions", "round": 1})
    request = request_of(own, lambda *_: ("c" * 64, captions))
    result = making.make(HostedImages(), request)
    assert result.parents is not None
    assert result.parents.select("parent_row", "commit").unique().rows() == [(4, "c" * 64)]
    assert result.candidates["label"].unique().to_list() == ["bee"]


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({"model": "local"}, "the local model writes texts and draws nothing"),
        ({"batch": True}, "one picture at a time; set batch to false"),
        ({"model": "painter-1", "extra_body": {"n": 4}}, "extra_body sets n, which a request for"),
        ({"model": "other", "budget_usd": 1.0}, "what a picture of other costs"),
    ],
)
def test_settings_that_cannot_work_are_said_before(
    service: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret-key")
    with pytest.raises(GeneratorError, match=said):
        HostedImages().check_ready(settings("http://127.0.0.1:1/v1", service=service))


def test_prices_are_in_no_key() -> None:
    assert key_content(HostedImagesGenerate(image_prices={"a": 1.0})) == {}
