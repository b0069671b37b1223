from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.common.errors import GeneratorError, ParamsError
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import parse
from pipelines.generators.hosted_images.generator import HostedImages
from pipelines.generators.hosted_images.settings import HostedImagesGenerate
from pipelines.generators.pool import Pool
from pipelines.generators.pretrained.generator import Pretrained
from pipelines.generators.pretrained.settings import PretrainedGenerate
from pipelines.generators.prompts import checks, draws
from pipelines.generators.prompts.settings import Prompts
from pipelines.generators.protocol import GenerateRequest


def pool(labels: list[str], captions: list[str | None]) -> Pool:
    count = len(labels)
    keys = pl.DataFrame({"round": [0] * count, "row": range(count), "weight": [1.0] * count})
    return Pool(keys, pl.DataFrame({"label": labels}), pl.DataFrame({"caption": captions}))


def texts(prompts: dict[str, Any], mix: Pool, candidates: int) -> list[str]:
    own = parse(Prompts, prompts, "prompts")
    request = GenerateRequest("pets", 1, 7, ("image",), candidates, 10, NoSettings(), Path())
    return [each.text for each in draws.drawn(request, own, mix)]


def test_more_combinations_than_candidates_are_drawn_from_all_of_them() -> None:
    words = [f"w{number}" for number in range(20)]
    attributes = {"first": words, "second": words, "third": words}
    asked = {"template": "{first} {second} {third}", "attributes": attributes}
    drawn = texts(asked, pool(["bee"], [None]), 100)
    assert len(set(drawn)) == 100
    for place in range(3):
        assert len({each.split()[place] for each in drawn}) > 15
    few = texts({**asked, "attributes": {**attributes, "third": ["x"]}}, pool(["bee"], [None]), 800)
    assert np.unique(few, return_counts=True)[1].tolist() == [2] * 400


def test_more_labels_than_candidates_are_drawn_from_all_of_them() -> None:
    labels = [f"{number:03}" for number in range(200)]
    drawn = texts({}, pool(labels, [None] * 200), 20)
    assert len(set(drawn)) == 20
    assert max(drawn) > "100"


def test_labels_that_no_prompt_is_of_are_said_and_recorded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mix = pool(["ant", "bee", "cow", "doe"], ["a", "b", "c", "d"])
    few, enough, of_rows = (
        draws.drawn(
            GenerateRequest("pets", 1, 7, ("image",), count, 10, NoSettings(), Path()),
            parse(Prompts, asked, "prompts"),
            mix,
        )
        for count, asked in ((3, {}), (4, {}), (1, {"column": "caption"}))
    )
    (missing,) = {"ant", "bee", "cow", "doe"} - {each.label for each in few}
    assert draws.facts(few, mix) == {"labels_not_asked": [missing]}
    assert draws.facts(enough, mix) == draws.facts(of_rows, mix) == {}
    assert capsys.readouterr().err == (
        f"3 candidates are fewer than the 4 labels, so none is asked for of {missing}; "
        "raise generate.candidates to 4 or more\n"
    )


def test_a_row_without_a_value_for_the_template_is_no_prompt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mix = pool(["bee"] * 4, ["a", None, "b", None])
    asked = {
        "template": "{caption}, {style}",
        "attributes": {"style": ["dry"]},
        "column": "caption",
    }
    assert set(texts(asked, mix, 30)) == {"a, dry", "b, dry"}
    with_other = Pool(mix.keys, mix.payload, mix.others.with_columns(title=pl.lit("t")))
    assert set(texts({"template": "{caption}", "column": "title"}, with_other, 30)) == {"a", "b"}
    assert "2 of 4 rows of pets lack a value" in capsys.readouterr().err


def test_prompts_that_are_cut_are_counted_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    mix = pool(["bee"] * 2, ["a" * (draws.LONGEST + 1), "b" * draws.LONGEST])
    own = parse(Prompts, {"column": "caption"}, "prompts")
    request = GenerateRequest("pets", 1, 7, ("image",), 20, 10, NoSettings(), Path())
    prompts = draws.drawn(request, own, mix)
    long = sum(each.text.startswith("a") for each in prompts)
    assert 0 < long < 20
    assert draws.facts(prompts, mix) == {"cut_prompts": long}
    assert {len(each.text) for each in prompts} == {draws.LONGEST}
    assert f"{long} of 20 prompts are longer than 4,000 characters" in capsys.readouterr().err
    short = [each for each in prompts if each.text.startswith("b")]
    assert draws.facts(short, mix) == {}


def test_combinations_beyond_all_numbers_are_refused() -> None:
    words = [str(number) for number in range(100)]
    many = {f"a{number}": words for number in range(10)}
    template = " ".join(f"{{{name}}}" for name in many)
    with pytest.raises(ParamsError, match="combinations; leave some out"):
        parse(Prompts, {"template": template, "attributes": many}, "prompts")


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        ({}, "rows of pets have no labels to make prompts of; set prompts.template"),
        ({"template": "a {style} {label}"}, "names 'style', which is no attribute and no label"),
        ({"column": "title"}, "name the column 'title', which rows of pets do not have"),
        ({"column": "count"}, "the column 'count' of pets holds Int64; prompts are texts"),
    ],
)
def test_prompts_that_rows_cannot_make_are_said_before_the_fit(
    prompts: dict[str, Any], said: str
) -> None:
    labels = {} if not prompts else {"label": ["bee"]}
    rows = pl.DataFrame({"image": [b""], "caption": ["a"], "count": [1], **labels})
    own = parse(HostedImagesGenerate, {"prompts": prompts}, "hosted_images")
    request = GenerateRequest("pets", 1, 7, ("image",), 5, 10, own, Path())
    with pytest.raises(GeneratorError, match=said):
        HostedImages().check_rows(rows, request)
    painted = parse(PretrainedGenerate, {"prompts": prompts}, "pretrained")
    with pytest.raises(GeneratorError, match=said):
        Pretrained().check_rows(rows, replace(request, settings=painted))


def test_prompts_that_rows_can_make_pass() -> None:
    rows = pl.DataFrame({"image": [b""], "caption": ["a"], "label": ["bee"]})
    for prompts in (
        {},
        {"column": "caption"},
        {"column": "caption", "template": "{caption} of {label}"},
        {"template": "a {style} {label}", "attributes": {"style": ["dry"]}},
        {"dataset": "captions", "round": 1, "template": "{title}"},
    ):
        checks.check(rows, parse(Prompts, prompts, "prompts"), "pets")
    checks.check(rows, Prompts(template="{caption}"), "pets", sources=True)
