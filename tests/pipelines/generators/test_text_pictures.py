"""Texts about pictures of another data set: parts of a message, parents, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from pipelines.common.errors import DataError, GeneratorError, ParamsError
from pipelines.common.settings import parse
from pipelines.features.images import IMAGE
from pipelines.generators import making
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.text import plan
from pipelines.generators.text.generator import Text
from pipelines.generators.text.settings import TextGenerate
from pipelines.llm import content_parts, costs
from pipelines.llm.settings import API_KEY, BASE_URL, Price, Service
from tests.pipelines.generators.mixes import fitted, mix
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering

COMMIT = "c" * 64
OF = {"dataset": "squares", "round": 2}
SETTINGS = {"service": {"model": "seer"}, "pictures": OF, "shots": 1}


def picture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 4), shade).save(file, "PNG")
    return file.getvalue()


FILES = [picture(shade) for shade in (0, 90, 200)]


def squares(files: list[bytes] | None = None) -> pl.DataFrame:
    given = FILES if files is None else files
    return pl.DataFrame(
        {
            "round": pl.Series([2] * len(given), dtype=pl.Int32),
            "row": pl.Series(range(10, 10 + len(given)), dtype=pl.Int64),
            "sample_id": [hashlib.sha256(each).digest() for each in given],
            "image": pl.Series([{"bytes": each, "path": None} for each in given], dtype=IMAGE),
            "label": pl.Series([f"shade {number}" for number in range(len(given))]),
        }
    )


def seen_in(body: Mapping[str, Any]) -> bytes:
    """The picture that a request shows."""
    text, part = body["messages"][-1]["content"]
    assert text["type"] == "text"
    head, _, data = part["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(data)


def reply(body: Mapping[str, Any]) -> object:
    return {"text": f"shade {Image.open(io.BytesIO(seen_in(body))).getpixel((0, 0))}"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Proxy]:
    monkeypatch.chdir(tmp_path)
    with Proxy(NOBODY, "k", always=answering(reply)) as proxy:
        monkeypatch.setenv(BASE_URL, proxy.url)
        monkeypatch.setenv(API_KEY, "planted-key")
        yield proxy


def asked(
    place: Path, *, candidates: int = 4, rows: pl.DataFrame | None = None, **own: Any
) -> GenerateRequest[TextGenerate]:
    texts = mix({"text": [f"a dark square, number {number}" for number in range(5)]})
    settings = parse(TextGenerate, {**SETTINGS, **own}, "text")
    request = fitted(texts, place, candidates=candidates, identity=("text",), settings=settings)
    shown = squares() if rows is None else rows
    return replace(request, samples=lambda dataset, number: (COMMIT, _of(shown, dataset, number)))


def _of(rows: pl.DataFrame, dataset: str, number: int) -> pl.DataFrame:
    assert (dataset, number) == ("squares", 2)
    return rows


def test_each_picture_is_shown_and_is_a_parent_at_its_commit(
    service: Proxy, tmp_path: Path
) -> None:
    made = making.make(Text(), asked(tmp_path / "pool"))
    in_order = sorted(FILES, key=lambda each: hashlib.sha256(each).digest())
    assert sorted(seen_in(each.body) for each in service.seen) == sorted([*FILES, in_order[0]])
    shades = [Image.open(io.BytesIO(each)).getpixel((0, 0)) for each in in_order]
    assert made.candidates["text"].to_list() == [f"shade {each}" for each in [*shades, shades[0]]]
    assert made.parents is not None
    edges = made.parents.filter(pl.col("dataset") == "squares")
    rows = [10 + FILES.index(each) for each in in_order]
    assert edges["parent_row"].to_list() == [*rows, rows[0]]
    assert edges["commit"].unique().to_list() == [COMMIT]
    others = made.parents.filter(pl.col("dataset") == "talk")
    assert others["commit"].null_count() == len(others) == 4
    assert made.parents["weight"].to_list() == [0.25] * 8
    assert made.report.facts["pictures"] == {
        "dataset": "squares",
        "commit": COMMIT,
        "rows": 3,
        "of": 3,
    }
    assert Text().reads(parse(TextGenerate, SETTINGS, "")) == (("squares", 2),)
    assert Text().reads(TextGenerate()) == ()


@pytest.mark.parametrize(
    ("rows", "own", "said"),
    [
        (squares([b"GIF89a"]), {}, "neither PNG nor JPEG"),
        (squares().drop("image"), {}, "round 2 of squares has no images in column 'image'"),
        (squares([]), {}, "has rows without a picture"),
        (squares(), {"service": {}}, "local goes on with texts; name another model"),
        (squares(), {"pictures": {**OF, "column": "label"}}, "no images in column 'label'"),
    ],
)
def test_pictures_that_cannot_be_shown_are_said_before_anything_is_asked(
    rows: pl.DataFrame, own: dict[str, Any], said: str, service: Proxy, tmp_path: Path
) -> None:
    with pytest.raises((GeneratorError, DataError), match=said):
        plan.questions(
            (request := asked(tmp_path / "pool", rows=rows, **own)),
            plan.exemplars.read(request.directory),
        )
    assert not service.seen


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"exemplars": "each"}, "leave out exemplars: each"),
        ({"balance": True}, "a given picture has its label"),
        ({"pictures": {"datset": "a"}}, "did you mean 'dataset'"),
    ],
)
def test_settings_that_do_not_fit_pictures_are_named(own: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        parse(TextGenerate, {**SETTINGS, **own}, "text")


def test_a_recorded_prompt_names_a_picture_by_its_digest() -> None:
    plain = [{"role": "system", "content": "s"}, {"role": "user", "content": "what?"}]
    messages = content_parts.with_picture(plain, FILES[0])
    named = content_parts.named(messages)
    assert named[0] == plain[0]
    digest = hashlib.sha256(FILES[0]).hexdigest()
    assert named[1]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": f"sha256:{digest}"},
    }
    assert content_parts.named(plain) == plain
    assert content_parts.texts(messages) == content_parts.texts(plain) == "swhat?"
    assert json.loads(json.dumps(messages)) == messages
    with pytest.raises(DataError, match="10,485,760 bytes at most"):
        content_parts.with_picture(plain, FILES[0] + bytes(11 << 20))


@pytest.mark.usefixtures("service")
def test_the_worst_case_of_a_picture_is_what_services_count_and_not_its_bytes(
    tmp_path: Path,
) -> None:
    request = asked(tmp_path / "pool")
    (first, *_) = plan.questions(request, plan.exemplars.read(request.directory))
    priced = Service(model="seer", prices={"seer": Price(input=1e6, output=0)}, budget_usd=1e9)
    worst = costs.worst_case(priced, first.request)
    assert costs.PICTURE_TOKENS < worst < costs.PICTURE_TOKENS + 3000
    estimate = costs.estimate([first.request], priced)
    assert estimate.tokens_in_low < 400 < costs.PICTURE_TOKENS < estimate.tokens_in_high
