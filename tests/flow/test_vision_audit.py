"""A judge that sees is audited with planted wrong captions, by the command line."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.flow.projects import Project, tiny
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering

KEY = "SEER_TEST_KEY"
SUITE = {
    "name": "tiny",
    "expectations": [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "vision_score", "min_value": 3.0},
            "severity": "critical",
            "meta": {"name": "shows_its_label"},
        },
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "vision_score"},
            "severity": "critical",
            "meta": {"name": "is_looked_at"},
        },
    ],
}


def look(body: Mapping[str, Any]) -> dict[str, int]:
    """Look at the picture: class 0 is brighter on the left by half of the range, class 1 right."""
    text, picture = body["messages"][1]["content"]
    data = base64.b64decode(picture["image_url"]["url"].partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float) / 255
    left, right = np.hsplit(pixels, 2)
    caption = json.loads(text["text"].split("\n=== ")[1].splitlines()[1])["caption"]
    brighter = left.mean() - right.mean() if caption == 0 else right.mean() - left.mean()
    return {"score": 5 if brighter > 0.25 else 1}


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Round 1 of `tiny`, verified by a judge that looks at each image beside its label."""
    project = tiny(tmp_path_factory.mktemp("vision") / "project", rounds=1)
    suite = Path("expectations/suites/tiny.json")
    (project.root / suite).write_text(json.dumps(SUITE))
    with (
        Proxy(NOBODY, "k", always=answering(look)) as seer,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(project.root)
        patch.setenv(KEY, "planted-key")
        patch.delenv("OPENAI_API_KEY", raising=False)
        service = {"model": "seer", "base_url": seer.url, "key": KEY, "max_tokens": 32}
        judge = {"service": {**service, "concurrency": 4}, "votes": 1}

        def settings(content: dict[str, Any]) -> None:
            content["datasets"]["tiny"]["verify"] = {"scorers": {"vision_judge": judge}}

        project.edit(settings)
        project.run("lake", "")
        project.run("ingest", "tiny")
        project.round("tiny-1", "fit", "generate", "verify")
        yield project
    project.drop_lake()


@pytest.mark.slow
def test_planted_wrong_captions_are_refused_and_right_ones_kept(verified: Project) -> None:
    done = verified.stemma("verifier", "audit", "tiny", "--planted", "--rows", "20", "--json")
    assert done.code == 0, done.said
    found = json.loads(done.out)
    assert found["source"] == "planted"
    seen = found["expectations"]["shows_its_label"]
    assert seen["tally"]["correct_kept"] == seen["tally"]["correct"] > 0
    mislabelled = seen["kinds"]["mislabelled"]
    assert mislabelled["wrong"] > 0
    assert mislabelled["wrong_kept"] == 0
    copied = seen["kinds"]["copied"]  # right captions, which a judge that sees has to pass
    assert copied["wrong_kept"] == copied["wrong"] > 0
    printed = verified.stemma("verifier", "audit", "tiny", "--planted", "--rows", "20")
    assert "shows_its_label" in printed.out, printed.said
    assert "planted-key" not in done.said + printed.said
