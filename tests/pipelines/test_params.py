from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import params
from pipelines.common.errors import ParamsError
from pipelines.common.settings import key_content, parse
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def content() -> dict[str, object]:
    return {
        "datasets": {"digits": {"identity": ["image"], "ingest": {"source": "x.parquet"}}},
        "rounds": {"digits-1": {"dataset": "digits", "round": 1, "previous": 0}},
    }


def write(tmp_path: Path, content: object) -> Path:
    place = tmp_path / "params.yaml"
    place.write_text(yaml.safe_dump(content), encoding="utf-8")
    return place


def test_the_shipped_file_is_right() -> None:
    found = params.load(ROOT / "params.yaml")
    names = [f"{dataset}-{number}" for dataset in ("digits", "dialogue") for number in (1, 2, 3)]
    assert list(found.rounds) == names
    assert found.line == "main"


def test_a_round_lays_its_overrides_over_its_data_set(
    tmp_path: Path, content: dict[str, object]
) -> None:
    content["datasets"]["digits"]["generate"] = {"candidates": 50, "diffusion": {"steps": 7}}
    content["rounds"]["digits-1"]["generate"] = {"diffusion": {"eta": 0.25}}
    content["rounds"]["digits-1"]["publish"] = {"guard": {"memorised_block": None}}
    found = params.resolve(params.load(write(tmp_path, content)), "digits-1")
    settings = found.settings.generate
    assert (settings.candidates, settings.diffusion.steps, settings.diffusion.eta) == (50, 7, 0.25)
    assert found.settings.publish.guard.memorised_block is None
    assert found.branch == "digits-r001"


def test_scorers_have_all_their_settings_and_a_round_may_leave_one_out(
    tmp_path: Path, content: dict[str, object]
) -> None:
    content["rounds"]["digits-1"]["verify"] = {"scorers": {"agreement": None}}
    found = params.load(write(tmp_path, content))
    assert set(found.datasets["digits"].verify.scorers) == {"agreement", "distance"}
    own = params.resolve(found, "digits-1").settings.verify.scorers
    assert own == {"distance": {"image": "image", "block_rows": 2048, "search": "exact"}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": {}}, "unknown key dataset; did you mean 'datasets'"),
        ({"lines": "x"}, "unknown key lines; did you mean 'line'"),
        ({"line": "a b"}, "line: String should match pattern"),
        ({"seed": "many"}, "seed: Input should be a valid integer"),
        ({"datasets": {}}, "there is no data set 'digits'"),
        (
            {"datasets": {"Digits!": {"identity": ["image"], "ingest": {"source": "x"}}}},
            "data set 'Digits!' must match",
        ),
        (
            {"datasets": {"digits": {"identity": ["image"]}}},
            "datasets.digits.ingest: Field required",
        ),
    ],
)
def test_a_wrong_key_is_named(
    tmp_path: Path, content: dict[str, object], change: dict[str, object], said: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        params.load(write(tmp_path, content | change))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"generat": {}}, "unknown key rounds.digits-1.generat; did you mean 'generate'"),
        (
            {"generate": {"candidate": 3}},
            "unknown key generate.candidate; did you mean 'candidates'",
        ),
        (
            {"fit": {"diffusion": {"step": 3}}},
            "unknown key fit.diffusion.step; did you mean 'steps'",
        ),
        (
            {"publish": {"guard": {"recal_mix_block": 0.5}}},
            "unknown key publish.guard.recal_mix_block; did you mean 'recall_mix_block'",
        ),
        ({"fit": {"regime": "replac"}}, "fit.regime: Input should be 'accumulate', 'replace'"),
        ({"generate": {"candidates": 0}}, "generate.candidates: Input should be greater than 0"),
        (
            {"verify": {"scorers": {"distnce": {}}}},
            "verify.scorers: there is no scorer 'distnce'; did you mean 'distance'?",
        ),
        (
            {"verify": {"scorers": {"distance": {"block_row": 5}}}},
            "verify.scorers: distance: unknown key block_row; did you mean 'block_rows'?",
        ),
        ({"verify": {"scorers": ["distance"]}}, "verify.scorers: Input should be a valid"),
        ({"generator": "difusion"}, "there is no generator 'difusion'; did you mean 'diffusion'?"),
        ({"evaluate": {"task": "text_label"}}, "evaluate.task: there is no task 'text_label'; did"),
        (
            {"evaluate": {"metrics": {"shap": {}}}},
            "there is no metric 'shap'; did you mean 'shape'",
        ),
        ({"previous": 1}, "previous (1) must be an earlier round"),
        ({"round": 2}, "rounds.digits-1 must be named digits-2"),
        ({"dataset": "digit"}, "there is no data set 'digit'; did you mean 'digits'"),
    ],
)
def test_a_wrong_round_is_named(
    tmp_path: Path, content: dict[str, object], section: dict[str, object], said: str
) -> None:
    content["rounds"]["digits-1"] |= section
    with pytest.raises(ParamsError) as caught:
        params.load(write(tmp_path, content))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("gpus", "said"),
    [
        (
            {"difusion": 1.0},
            r"executor.num_gpus: no round has a generator 'difusion'; did you mean",
        ),
        ({"./mine.py": 1.0}, r"executor.num_gpus: no round has a generator './mine.py'"),
    ],
)
def test_gpus_of_a_generator_that_no_round_has_are_refused(
    tmp_path: Path, content: dict[str, object], gpus: dict[str, float], said: str
) -> None:
    content["executor"] = {"kind": "ray", "num_gpus": gpus}
    with pytest.raises(ParamsError, match=said):
        params.load(write(tmp_path, content))
    content["executor"] = {"kind": "ray", "num_gpus": {"diffusion": 1.0, "text": 0.5}}
    assert params.load(write(tmp_path, content)).executor.gpus("text") == 0.5


def test_a_round_without_its_predecessor_says_what_to_add(
    tmp_path: Path, content: dict[str, object]
) -> None:
    content["rounds"]["digits-3"] = {"dataset": "digits", "round": 3, "previous": 2}
    with pytest.raises(ParamsError, match=r"follows round 2, but there is no rounds.digits-2; add"):
        params.load(write(tmp_path, content))


def test_rounds_are_one_line_of_descent(tmp_path: Path, content: dict[str, object]) -> None:
    content["rounds"] |= {
        "digits-2": {"dataset": "digits", "round": 2, "previous": 1},
        "digits-3": {"dataset": "digits", "round": 3, "previous": 1},
    }
    with pytest.raises(ParamsError, match=r"rounds.digits-3 .* skips round 2; set previous to 2"):
        params.load(write(tmp_path, content))


def test_a_round_that_is_not_there_names_the_nearest(
    tmp_path: Path, content: dict[str, object]
) -> None:
    found = params.load(write(tmp_path, content))
    with pytest.raises(ParamsError, match=r"no round 'digits-7' in params.yaml; did you mean"):
        params.resolve(found, "digits-7")


def test_files_that_are_no_params(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="run this in the project's directory"):
        params.load(tmp_path / "params.yaml")
    place = tmp_path / "params.yaml"
    place.write_text("rounds: {", encoding="utf-8")
    with pytest.raises(ParamsError, match="is not YAML") as caught:
        params.load(place)
    assert "\n" not in str(caught.value)
    place.write_text("- a list", encoding="utf-8")
    with pytest.raises(ParamsError, match="must be a mapping"):
        params.load(place)


def test_reading_params_imports_no_model_and_no_learning_library() -> None:
    code = (
        "import sys\nfrom pipelines import params\nparams.load()\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "diffusers", "sklearn", "scipy", "PIL", "openai", "jinja2", "pandas", "numba"}
    assert not set(done.stdout.split()) & heavy


def test_settings_of_the_round_before_this_release_are_read() -> None:
    found = parse(
        params.Generate,
        {"candidates": 5, "shard_rows": 3, "diffusion": {"steps": 7}, "text": None},
        "generate",
    )
    assert found.of("diffusion").steps == 7
    assert found.of("text").shots == 4


VERSE = """
from dataclasses import dataclass

from pipelines.common.settings import StrictModel
from pipelines.modalities.texts import Texts


class VerseSettings(StrictModel):
    metre: int = 5


@dataclass(frozen=True, slots=True)
class Verse(Texts):
    name = "verse"
    version = "verse/1"
    Settings = VerseSettings
    settings: VerseSettings
"""


def _of_verse(tmp_path: Path, **ingest: object) -> Path:
    (tmp_path / "verse.py").write_text(VERSE, encoding="utf-8")
    settings = {"source": "x.jsonl", "modality": f"{tmp_path}/verse.py", **ingest}
    return write(tmp_path, {"datasets": {"odes": {"identity": ["text"], "ingest": settings}}})


@pytest.mark.parametrize("given", [{"metre": 7}, {"modality_settings": {"metre": 7}}])
def test_a_modality_takes_its_settings_from_those_of_ingest(
    tmp_path: Path, given: dict[str, object]
) -> None:
    odes = params.load(_of_verse(tmp_path, **given)).datasets["odes"]
    assert odes.ingest.modality_settings == {"metre": 7}
    modality: Any = odes.modality
    assert modality.settings.metre == 7
    assert odes.ingest.near == 0.2


def test_settings_of_a_modality_at_their_default_are_left_out(tmp_path: Path) -> None:
    odes = params.load(_of_verse(tmp_path, metre=5)).datasets["odes"]
    assert odes.ingest.modality_settings == {}
    modality: Any = odes.modality
    assert modality.settings.metre == 5


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"metre": "long"}, r"metre: .*integer"),
        ({"metres": 7}, r"unknown key datasets\.odes\.ingest\.metres"),
        ({"modality_settings": {"metres": 7}}, r"unknown key metres; did you mean 'metre'"),
    ],
)
def test_wrong_settings_of_a_modality_are_named(
    tmp_path: Path, given: dict[str, object], says: str
) -> None:
    with pytest.raises(ParamsError, match=says):
        params.load(_of_verse(tmp_path, **given))


def test_a_former_default_that_is_spelled_out_is_in_no_key() -> None:
    """Whoever wrote what was the default before it followed from the images keeps their rounds."""
    former = {"channels": [24, 48], "steps": 440, "batch": 32, "learning_rate": 1e-2, "ema": 0.98}
    assert key_content(parse(DiffusionFit, former, "")) == {}
    assert key_content(parse(DiffusionGenerate, {"eta": 0.7}, "")) == {}
    assert key_content(parse(DiffusionFit, {**former, "steps": 441}, "")) == {"steps": 441}
