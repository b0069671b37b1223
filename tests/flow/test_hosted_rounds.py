"""A round whose images a service drew: estimated, published, proved, and paid for once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from pipelines.rounds import manifest, receipts, tables
from tests import tiny_pipelines
from tests.flow.projects import Project, tiny, tiny_round
from tests.image_service import Studio, served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Studio]]:
    folder = tmp_path_factory.mktemp("hosted")
    project = tiny(folder / "project")
    studio = Studio(tiny_pipelines.text_to_image(folder / "painter"))
    with pytest.MonkeyPatch.context() as patch, served(studio) as url:
        patch.chdir(project.root)
        patch.setenv("OPENAI_API_KEY", "a-secret-key")

        def settings(content: dict[str, Any]) -> None:
            content["datasets"]["tiny"]["generate"] |= {
                "candidates": 6,
                "hosted_images": {
                    # One at a time, for the studio draws by the order in which it is asked.
                    "service": {
                        "model": "painter-1",
                        "base_url": url,
                        "licence": "CC0-1.0",
                        "concurrency": 1,
                    },
                    "prompts": {"template": "the number {label}"},
                    "image_prices": {"painter-1": 0.04},
                },
            }
            content["rounds"]["tiny-1"] = tiny_round(1) | {"generator": "hosted_images"}

        project.edit(settings)
        project.run("lake", "")
        project.run("ingest", "tiny")
        yield project, studio
    project.drop_lake()


def test_a_round_of_a_service_is_estimated_published_and_proved(
    made: tuple[Project, Studio],
) -> None:
    project, studio = made
    estimated = project.stemma("estimate", "tiny-1")
    assert estimated.code == 0, estimated.said
    assert "0.2400" in estimated.out
    assert studio.asked == []
    project.round("tiny-1")
    assert receipts.read("tiny", 1, "publish").tag == "tiny-v1"
    assert len(studio.asked) == 6
    about = manifest.read(project.lake(), "main", "tiny", 1)
    assert about["cost"]["generate"]["dollars"] == pytest.approx(0.24)
    lineage = tables.read_round(project.lake(), "main", "tiny", "lineage", 1)
    assert lineage["prompt_digest"].null_count() == 0
    sample = lineage["sample_id"][0].hex()
    shown = project.stemma("audit", sample).out
    assert "model painter-1" in shown
    assert "licence CC0-1.0" in shown
    assert "opaque" in shown
    assert "asked painter-1, images, template " in shown
    prompted = project.stemma("audit", sample, "--prompt").out
    kept = tables.read_round(project.lake(), "main", "tiny", "samples", 1)
    label = kept.filter(pl.col("row") == lineage["row"][0])["label"][0]
    assert f"prompt:\n  the number {label}" in prompted
    assert '"format": "PNG"' in prompted
    assert "what a service made of a prompt, " in prompted
    assert "\x1b" not in prompted
    found = project.stemma("descendants", "--model", "painter-1", "--json")
    assert json.loads(found.out)["occurrences"] == 6, found.said
    done = project.stemma("audit", "--recompute", "main", "--json")
    assert done.code == 0, done.said
    assert json.loads(done.out)["clean"]
    again = project.stemma("audit", sample, "--replay")
    assert again.code != 0
    assert "draws others when it is asked again" in again.said
