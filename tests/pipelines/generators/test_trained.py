"""What trained generators of images share: which labels a round asks for, and what is said."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.common.settings import StrictModel
from pipelines.generators.diffusion.generator import Diffusion
from pipelines.generators.diffusion.settings import DiffusionGenerate
from pipelines.generators.gan.generator import Gan
from pipelines.generators.gan.settings import GanGenerate
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.trained import sizes

SETTINGS = {Gan: GanGenerate(device="cpu"), Diffusion: DiffusionGenerate(device="cpu")}


class Grey:
    """A model of images that are all grey."""

    def generate(self, _directory: Path, labels: Any, *_: object) -> NDArray[np.float32]:
        """One image for each label."""
        return np.full((len(labels), 4, 4), 0.5, np.float32)

    def environment(self, _settings: StrictModel) -> dict[str, Any]:
        """Nothing that it depends on."""
        return {}


def request(
    place: Path, classes: list[Any], settings: StrictModel, candidates: int = 8
) -> GenerateRequest[Any]:
    (place / "manifest.json").write_text(json.dumps({"kind": "x/1", "rows": 9, "classes": classes}))
    return GenerateRequest("tiles", 1, 7, ("image",), candidates, 5, settings, place)


@pytest.mark.parametrize("kind", [Gan, Diffusion])
def test_a_round_of_fewer_candidates_than_labels_says_which_it_leaves_out(
    kind: type[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator, classes = kind(), [3, 5, 7, 9]
    few = generator.plan(request(tmp_path, classes, SETTINGS[kind], 3))
    assert Counter(few.content.to_list()) == {3: 1, 5: 1, 7: 1}
    assert capsys.readouterr().err == (
        "3 candidates are fewer than the 4 labels, so none is asked for of 9; "
        "raise generate.candidates to 4 or more\n"
    )
    assert generator.report(few).facts == {"labels_not_asked": [9]}
    enough = generator.plan(request(tmp_path, classes, SETTINGS[kind], 8))
    assert Counter(enough.content.to_list()) == dict.fromkeys(classes, 2)
    assert (capsys.readouterr().err, generator.report(enough).facts) == ("", {})


def test_a_replay_says_nothing_of_how_the_round_was_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Diffusion, "model", Grey())
    asked = request(tmp_path, [3, 5, 7, 9], SETTINGS[Diffusion], 3)
    again = Diffusion().replay(asked, asked.shards()[0], {})
    assert len(again.candidates) == 3
    assert capsys.readouterr().err == ""


def test_guidance_without_labels_is_said_to_change_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = DiffusionGenerate(guidance=2.0, device="cpu")
    plan = Diffusion().plan(request(tmp_path, [], settings))
    assert plan.content is None
    assert capsys.readouterr().err == (
        "guidance is about labels, and the images have none; it changes nothing\n"
    )
    assert Diffusion().report(plan).facts == {"unused_settings": ["guidance"]}
    Diffusion().plan(request(tmp_path, [3, 5], settings))
    assert capsys.readouterr().err == ""


def test_a_shape_is_height_and_width_and_three_colours() -> None:
    shapes = ([8, 8], [8, 6, 3], [8], [8, 8, 4], [0, 8], [8.0, 8], "88", None)
    assert [sizes.is_shape(each) for each in shapes] == [True, True] + [False] * 6
