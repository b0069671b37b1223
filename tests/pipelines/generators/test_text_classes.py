"""How many of each label are asked for, and attributes that are drawn by weights."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.common.errors import GeneratorError
from pipelines.generators.text import attribute_files, exemplars, plan, reporting, transcript
from pipelines.generators.text.candidate_making import Making
from pipelines.generators.text.settings import TextGenerate
from pipelines.llm.values import Failure
from tests.pipelines.generators.mixes import fitted, pairs

FAILED = Failure("d", "no", 1, 0, 0, None)
PERSONAS = """
region:
  words: {north: 3, south: 1}
profession:
  given: region
  words:
    north: {fisher: 2, teacher: 1}
    south: [farmer]
"""


def labels(place: Path, settings: TextGenerate, candidates: int = 20) -> Counter[str | None]:
    samples = pairs(14, ["common", "common", "common", "common", "common", "common", "rare"])
    request = fitted(samples, place, candidates=candidates, settings=settings)
    return Counter(each.label for each in plan.questions(request, exemplars.read(place)))


def test_classes_are_asked_for_as_often_as_said(tmp_path: Path) -> None:
    wanted = {"rare": 17, "new": 3}
    assert labels(tmp_path, TextGenerate(classes=wanted)) == wanted


def test_balance_asks_for_what_the_mix_has_least_of(tmp_path: Path) -> None:
    assert labels(tmp_path, TextGenerate(balance=True), 6) == {"rare": 6}
    assert labels(tmp_path, TextGenerate(balance=True)) == {"rare": 15, "common": 5}
    named = TextGenerate(balance=True, labels=("common", "new"))
    assert labels(tmp_path, named) == {"new": 16, "common": 4}


def test_attributes_follow_their_weights_and_each_other(tmp_path: Path) -> None:
    file = tmp_path / "personas.yaml"
    file.write_text(PERSONAS)
    read = attribute_files.read([str(file)])
    rows = attribute_files.draw(read, 4000, "talk", root=1)
    assert rows == attribute_files.draw(read, 4000, "talk", root=1)
    counted = Counter((row["region"], row["profession"]) for row in rows)
    assert {key: round(count / 4000, 1) for key, count in counted.items()} == {
        ("north", "fisher"): 0.5,
        ("north", "teacher"): pytest.approx(0.2, abs=0.11),
        ("south", "farmer"): pytest.approx(0.2, abs=0.11),
    }
    assert counted["south", "farmer"] / 4000 == pytest.approx(0.25, abs=0.02)
    alone = attribute_files.draw(read[:1], 4000, "talk", root=1)
    assert [row["region"] for row in alone] == [row["region"] for row in rows]


def test_prompts_name_drawn_words_beside_those_of_the_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "personas.yaml"
    file.write_text(PERSONAS)
    settings = TextGenerate(attributes={"style": ("dry",)}, attribute_files=(str(file),))
    request = fitted(pairs(8), tmp_path / "pool", settings=settings)
    found = plan.questions(request, exemplars.read(request.directory))
    assert all(list(each.cell) == ["style", "region", "profession"] for each in found)
    assert all(f"region: {each.cell['region']}" in (each.request.prompt or "") for each in found)
    makings = [Making(each.planned, {}, [each], [FAILED]) for each in found]
    recorded = transcript.table(makings)["attributes"].to_list()
    assert [json.loads(each) for each in recorded] == [each.cell for each in found]
    clash = TextGenerate(attributes={"region": ("x",)}, attribute_files=(str(file),))
    with pytest.raises(GeneratorError, match="'region' is in attributes and in a file"):
        plan.questions(replace(request, settings=clash), exemplars.read(request.directory))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a]", "must be a mapping of attributes"),
        ("a: {word: {x: 1}}", "attribute 'a' has no words"),
        ("a: {words: {x: 1}, give: b}", "key 'give'; did you mean 'given'"),
        ("a: {words: {x: 0}}", "'x' has the weight 0; .* a number above 0"),
        ("a: {words: {x: .inf}}", "a number is finite"),
        ("a: {words: {1: 1}}", "key 1, no text|1 has the weight"),
        ("a: {words: [x, x]}", "give a mapping of words and weights, or a list"),
        ("a: {given: b, words: {x: {y: 1}}}", "depends on 'b', which does not stand before"),
        ("b: {words: [x, z]}\na: {given: b, words: {x: [y]}}", "has no words for b 'z'"),
        ("a: &a [*a]", "attributes"),
        ("a: {words: [[x]]}", "give a mapping of words and weights, or a list"),
        ("b: {words: [x]}\na: {given: [b], words: {x: [y]}}", "which does not stand before"),
        ("a: {words: {x: 1e+308, y: 1e+308}}", "the weights have no sum"),
        ("a: !!python/object:os.system {}", "attribute_files"),
    ],
)
def test_files_of_attributes_that_cannot_be_used_are_named(
    text: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "attributes.yaml"
    file.write_text(text)
    with pytest.raises(GeneratorError, match=said) as caught:
        attribute_files.read([str(file)])
    assert "attributes.yaml" in str(caught.value)


def test_labels_without_a_candidate_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tuple("abcdefghijklm")
    assert sum(labels(tmp_path, TextGenerate(labels=names), 2).values()) == 2
    assert "2 candidates are fewer than the 13 labels, so none is asked for of c, d, e, f" in (
        capsys.readouterr().err
    )
    assert set(labels(tmp_path, TextGenerate(labels=names), 13)) == set(names)
    labels(tmp_path, TextGenerate(balance=True), 1)
    assert capsys.readouterr().err == ""
    settings = TextGenerate(labels=names)
    request = fitted(pairs(8), tmp_path / "pool", candidates=12, settings=settings)
    made = plan.make(request, exemplars.read(request.directory))
    assert reporting.report(made, []).facts["labels_not_asked"] == ["m"]


def test_labels_of_data_without_any_are_refused(tmp_path: Path) -> None:
    request = fitted(pairs(8).drop("label"), tmp_path, settings=TextGenerate(labels=("rare",)))
    with pytest.raises(GeneratorError, match="labels is about labels, and the data set has none"):
        plan.questions(request, exemplars.read(tmp_path))
