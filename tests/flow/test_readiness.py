"""What later stages lack is said before a generator is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.common.errors import ProjectError
from pipelines.generators.text.settings import TextGenerate
from pipelines.project import readiness
from tests.flow.projects import Project

SUITE = Path("expectations/suites/tiny.json")


def without_agreement(project: Project) -> None:
    project.edit(lambda found: found["datasets"]["tiny"].update(verify={"scorers": {}}))


def of_a_label_less(project: Project) -> None:  # noqa: ARG001  as the others
    suite = json.loads(SUITE.read_text())
    arguments = {"column": "label", "value_set": [0]}
    kind = "expect_column_values_to_be_in_set"
    suite["expectations"].append({"type": kind, "kwargs": arguments, "meta": {"name": "known"}})
    SUITE.write_text(json.dumps(suite))


def of_another_column(project: Project) -> None:
    scorers = {"agreement": {"label": "kind"}, "distance": {}}
    project.edit(lambda found: found["datasets"]["tiny"].update(verify={"scorers": scorers}))


def by(generator: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        project.edit(lambda found: found["rounds"]["tiny-1"].update(generator=generator))

    return change


def augmented(own: dict[str, Any]) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        by("augment")(project)
        project.edit(lambda found: found["datasets"]["tiny"]["generate"].update(augment=own))

    return change


COLOUR = {"rotation": 0, "crop": 1, "brightness": 0, "contrast": 0, "noise": 0}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_agreement, r"`predicted_label` comes from scorer agreement; add it to verify"),
        (of_a_label_less, "'known' does not allow the label 1, which real rows have"),
        (of_another_column, "scorer agreement reads kind, which the samples do not have"),
        (by("text"), "text makes rows of text, .* those that suit it: augment, diffusion"),
        (
            augmented({"text": {"word_dropout": 0.5}}),
            "augment.text is set, and the rows are images",
        ),
        (augmented({"image": COLOUR}), "changes nothing but the saturation, which greyscale"),
        (by("simulate"), r"generate\.simulate\.function is missing"),
    ],
)
def test_a_round_that_could_not_be_judged_is_not_made(
    empty: Project, change: Callable[[Project], Any], sentence: str
) -> None:
    empty.run("lake", "")
    empty.run("ingest", "tiny")
    change(empty)
    with pytest.raises(ProjectError, match=sentence):
        empty.round("tiny-1", "fit")
    assert not (empty.root / "models").exists()


@pytest.mark.parametrize(("seen", "problems"), [(90, 0), (None, 0), (60, 1)])
def test_texts_are_looked_at_for_the_length_at_which_they_are_cut(
    seen: int | None, problems: int
) -> None:
    scorers = {"text_shape": {} if seen is None else {"max_chars": seen}}
    found = list(readiness.cut_texts("text", TextGenerate(max_chars=90), scorers))
    assert len(found) == problems
    for sentence in found:
        assert (
            "generate.text.max_chars is 90 and verify.scorers.text_shape.max_chars is 60"
            in sentence
        )
    assert not list(readiness.cut_texts("text", TextGenerate(max_chars=None), scorers))


def test_a_full_disk_is_said(empty: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.run("lake", "")
    empty.run("ingest", "tiny")
    monkeypatch.setattr(readiness, "LEAST_FREE", 1 << 62)
    with pytest.raises(ProjectError, match=r"the disk has [\d,]+ MiB free and a round may need"):
        empty.round("tiny-1", "fit")


def test_a_network_that_is_not_at_hand_is_said(empty: Project) -> None:
    features = "timm:resnet18@none.safetensors"
    empty.edit(lambda found: found["datasets"]["tiny"]["ingest"].update(features=features))
    empty.run("lake", "")
    empty.run("ingest", "tiny")
    with pytest.raises(ProjectError, match=r"none\.safetensors of the features .* cannot be read"):
        empty.round("tiny-1", "fit")
    assert not (empty.root / "models").exists()
