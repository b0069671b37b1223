from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from huggingface_hub import constants

from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError, ParamsError
from pipelines.common.settings import key_content, parse
from pipelines.features import images
from pipelines.generators import making
from pipelines.generators.pretrained import drawing, loading, pipeline_files
from pipelines.generators.pretrained.generator import Pretrained
from pipelines.generators.pretrained.settings import PretrainedFit, PretrainedGenerate
from pipelines.generators.protocol import GenerateRequest, GenerateResult
from pipelines.rounds.arrivals import source_states
from tests import tiny_pipelines

CARD: Final = "---\nlicense: cc0-1.0\n---\n# Tiny\n"
FAST: Final = {"steps": 2, "batch": 3, "prompts": {"template": "a {label}"}}


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pipelines.text_to_image(tmp_path_factory.mktemp("hub") / "painter", CARD)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pipelines.class_conditional(tmp_path_factory.mktemp("hub") / "classes")


def mix(*, colour: bool = False) -> pl.DataFrame:
    """Eight images of two labels, with a caption and weights."""
    draw = np.random.default_rng(3)
    pixels = draw.integers(0, 255, (8, 10, 12, *([3] if colour else [])), dtype=np.uint8)
    frame = pl.DataFrame(
        {
            "round": pl.Series([0] * 8, dtype=pl.Int32),
            "row": pl.Series(range(8), dtype=pl.Int64),
            "label": ["bee", "sea"] * 4,
            "caption": [f"caption {row}" for row in range(8)],
            "weight": [1.0] * 8,
        }
    ).with_columns(images.column(pixels))
    return frame.with_columns(sample_ids(frame, ("image",)).alias("sample_id"))


def made(
    model: Path,
    place: Path,
    settings: dict[str, Any],
    *,
    fit: dict[str, Any] | None = None,
    rows: pl.DataFrame | None = None,
    samples: Callable[..., Any] | None = None,
) -> tuple[GenerateRequest[PretrainedGenerate], GenerateResult]:
    generator = Pretrained()
    if not (place / "manifest.json").exists():
        fitted = parse(PretrainedFit, {"model": str(model), **(fit or {})}, "fit")
        generator.fit(mix() if rows is None else rows, fitted, 3, place)
    own = parse(PretrainedGenerate, {**FAST, **settings}, "pretrained")
    request = GenerateRequest(
        "pets",
        1,
        7,
        ("image",),
        5,
        3,
        own,
        place,
        samples=samples,  # type: ignore[arg-type]
    )
    return request, making.make(generator, request)


def test_text_to_image_is_opaque_and_says_who_drew(painter: Path, tmp_path: Path) -> None:
    request, result = made(painter, tmp_path, {})
    rows = result.candidates
    assert images.decode(rows["image"]).shape == (5, 10, 12)
    assert sorted(rows["label"].unique()) == ["bee", "sea"]
    assert (rows["opaque_share"] == 1).all()
    assert result.parents is None
    said = result.report.environment
    digest = pipeline_files.find(str(painter), None).digest
    assert (said["model"], said["weights"], said["licence"]) == (str(painter), digest, "cc0-1.0")
    assert rows["prompt_digest"].n_unique() == 2
    again = made(painter, tmp_path, {"batch": 1})[1]
    close = images.decode(again.candidates["image"]).astype(int) - images.decode(rows["image"])
    assert np.abs(close).max() <= 1
    (shard,) = request.shards()[1:]
    replayed = Pretrained().replay(request, shard, said)
    assert replayed.candidates["sample_id"].to_list() == rows["sample_id"][3:].to_list()


@pytest.mark.parametrize(
    ("task", "weight"),
    [({"task": "image_to_image", "strength": 0.75}, 0.25), ({"task": "inpainting"}, 0.75)],
)
def test_a_source_is_the_edited_parent(
    task: dict[str, Any], weight: float, painter: Path, tmp_path: Path
) -> None:
    _, result = made(painter, tmp_path, {**task, "steps": 4}, rows=mix(colour=True))
    assert images.decode(result.candidates["image"]).shape == (5, 10, 12, 3)
    parents = result.parents
    assert parents is not None
    assert parents["relation"].unique().to_list() == ["edited"]
    assert parents["weight"].unique().to_list() == pytest.approx([weight])
    labels = mix()["label"].to_list()
    of_source = [labels[row] for row in parents["parent_row"]]
    assert result.candidates["label"].to_list() == of_source


def test_inpainting_changes_what_the_mask_shows_most(painter: Path, tmp_path: Path) -> None:
    settings = {"task": "inpainting", "steps": 4, "strength": 1.0, "masked": 0.2}
    request, result = made(painter, tmp_path, settings, rows=mix(colour=True))
    plan = Pretrained().plan(request)
    assert all(
        abs((bottom - top) * (right - left) - 0.2) < 1e-6 and bottom <= 1 and right <= 1
        for top, left, bottom, right in plan.content.boxes
    )
    mask = np.asarray(drawing._mask((0.25, 0.5, 0.75, 1.0), 8))
    assert mask[2:6, 4:].min() == 255
    assert mask.astype(bool).sum() == 16
    assert len(result.candidates) == 5


def test_a_column_gives_prompts_and_its_row_is_the_parent(painter: Path, tmp_path: Path) -> None:
    _, result = made(painter, tmp_path, {"prompts": {"column": "caption"}})
    assert result.parents is not None
    assert set(result.parents["relation"]) == {"seed"}
    assert set(result.parents["weight"]) == {0.5}
    assert set(result.parents["dataset"]) == {"pets"}


def test_another_data_set_gives_prompts(painter: Path, tmp_path: Path) -> None:
    captions = pl.DataFrame(
        {
            "round": pl.Series([1, 1], dtype=pl.Int32),
            "row": pl.Series([4, 9], dtype=pl.Int64),
            "text": ["a round bee", "a blue sea"],
            "label": ["bee", "sea"],
        }
    )
    asked = {"prompts": {"dataset": "captions", "round": 1}}
    read: list[tuple[str, int]] = []

    def samples(dataset: str, number: int) -> tuple[str, pl.DataFrame]:
        read.append((dataset, number))
        return "c" * 64, captions

    request, result = made(painter, tmp_path, asked, samples=samples)
    assert read == [("captions", 1)] == list(Pretrained().reads(request.settings))
    parents = result.parents
    assert parents is not None
    assert set(parents["commit"]) == {"c" * 64}
    label = {4: "bee", 9: "sea"}
    drawn = [label[row] for row in parents["parent_row"]]
    assert result.candidates["label"].to_list() == drawn
    unknown = captions.with_columns(pl.lit("cat").alias("label"))
    with pytest.raises(GeneratorError, match="label 'cat', which no image has"):
        made(painter, tmp_path, asked, samples=lambda *_: ("c", unknown))
    with pytest.raises(GeneratorError, match=r"name the column 'title', which rows of captions do"):
        made(
            painter,
            tmp_path,
            {"prompts": {**asked["prompts"], "column": "title"}},
            samples=samples,
        )


def test_classes_by_number_or_by_name(classes: Path, tmp_path: Path) -> None:
    settings = {"task": "class_conditional", "prompts": {}, "guidance": 2.0}
    _, result = made(classes, tmp_path, settings)
    assert images.decode(result.candidates["image"]).shape == (5, 10, 12)
    rows = mix().with_columns(pl.lit("cat").alias("label"))
    with pytest.raises(GeneratorError, match=r"no class called cat; give its number"):
        made(classes, tmp_path / "cats", settings, rows=rows)
    made(classes, tmp_path / "cats", {**settings, "classes": {"cat": 5}})


@pytest.mark.slow
def test_an_adapter_is_trained_on_the_mix_and_one_is_loaded(painter: Path, tmp_path: Path) -> None:
    lora = {"rank": 2, "steps": 3, "batch": 2, "learning_rate": 0.05, "template": "a {label}"}
    _, plain = made(painter, tmp_path / "plain", {})
    _, tuned = made(painter, tmp_path / "tuned", {}, fit={"lora": lora})
    file = tmp_path / "tuned" / loading.LORA
    about = json.loads((tmp_path / "tuned" / "manifest.json").read_text())
    assert about["lora"]["steps"] == 3
    assert tuned.candidates["sample_id"].to_list() != plain.candidates["sample_id"].to_list()
    _, given = made(painter, tmp_path / "plain", {"lora": str(file)})
    assert given.candidates["sample_id"].to_list() == tuned.candidates["sample_id"].to_list()
    assert given.report.environment["lora"] == about["lora"]["sha256"]
    _, off = made(painter, tmp_path / "plain", {"lora": str(file), "lora_scale": 0.0})
    assert off.candidates["sample_id"].to_list() == plain.candidates["sample_id"].to_list()
    with pytest.raises(GeneratorError, match="no file of safetensors"):
        made(painter, tmp_path / "plain", {"lora": "adapter.bin"})


def test_the_scheduler_can_be_another_one(painter: Path, tmp_path: Path) -> None:
    _, plain = made(painter, tmp_path, {})
    _, other = made(painter, tmp_path, {"scheduler": "DDPMScheduler"})
    assert other.candidates["sample_id"].to_list() != plain.candidates["sample_id"].to_list()
    with pytest.raises(GeneratorError, match="NoScheduler, which diffusers does not have"):
        made(painter, tmp_path, {"scheduler": "NoScheduler"})


def pickled(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "a.bin")


def code(folder: Path) -> None:
    (folder / "unet" / "mine.py").write_text("raise SystemExit")


def linked(folder: Path) -> None:
    (folder / "unet").rename(folder.parent / "elsewhere")
    (folder / "unet").symlink_to(folder.parent / "elsewhere")


def kernel(folder: Path) -> None:
    file = folder / "text_encoder" / "config.json"
    inner = {"attn_implementation": "owner/kernel"}
    file.write_text(json.dumps({**json.loads(file.read_text()), "text_config": [inner]}))


def index(**changed: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "model_index.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pickled, "a.bin holds weights that run as code"),
        (code, "mine.py is code of a custom pipeline, which is not run"),
        (linked, "unet is a link to a folder, which is not followed"),
        (kernel, "config.json names the code owner/kernel of the Hugging Face Hub, which is not"),
        (index(_class_name="Mine"), "class Mine, which diffusers does not have"),
        (index(_class_name=["mine", "Mine"]), "custom pipelines are not run"),
        (index(unet=["os", "system"]), r"the part unet .* is no class of diffusers"),
        (lambda folder: (folder / "model_index.json").unlink(), "no readable model_index.json"),
    ],
)
def test_what_is_foreign_is_not_run(
    change: Callable[[Path], object], said: str, painter: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(painter, folder)
    change(folder)
    with pytest.raises(GeneratorError, match=said):
        made(folder, tmp_path / "fit", {})


def test_the_key_of_a_fit_covers_the_weights_of_a_folder(
    painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(painter, "model")
    files = Pretrained().fit_files(PretrainedFit(model="model"))
    before = source_states.of_files(files)
    weights = Path("model/unet/diffusion_pytorch_model.safetensors")
    weights.write_bytes(weights.read_bytes() + b" ")
    assert source_states.of_files(files) != before


def test_another_pipeline_than_that_of_the_fit_is_said(painter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(painter, folder)
    made(folder, tmp_path / "fit", {})
    index(requires_safety_checker=True)(folder)
    with pytest.raises(GeneratorError, match="is another one than when the stage fit looked"):
        made(folder, tmp_path / "fit", {})


def test_a_name_is_looked_up_at_the_hub(
    painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its cache, as the Hub's own library keeps it: the network is off."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    revision = "1" * 40
    cached = tmp_path / "models--tiny--painter"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(revision)
    shutil.copytree(painter, cached / "snapshots" / revision)
    found = pipeline_files.find("tiny/painter", None)
    assert (found.revision, found.licence) == (revision, "cc0-1.0")
    assert found.digest == pipeline_files.find(str(painter), None).digest
    with pytest.raises(GeneratorError, match="the Hugging Face Hub gives no such pipeline"):
        pipeline_files.find("tiny/none", None)


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ParamsError, match="cannot be read"):
        parse(PretrainedFit, {"lora": {"template": "{label"}}, "pretrained")
    assert key_content(PretrainedGenerate()) == key_content(PretrainedFit()) == {}
    assert key_content(parse(PretrainedFit, {"lora": {}}, "")) == {"lora": {}}
    for prompts, said in (
        ({"dataset": "captions"}, "give both or neither"),
        ({"attributes": {"style": ["dry"]}}, "attributes are words of a template"),
        ({"template": "{0}"}, "may hold names"),
        ({"template": "{label}", "attributes": {"style": ["dry"]}}, "does not name the attribute"),
    ):
        with pytest.raises(ParamsError, match=said):
            parse(PretrainedGenerate, {"prompts": prompts}, "pretrained")


class WithoutGuidance:
    """The call of a pipeline as that of Würstchen, whose guidance has another name."""

    default_sample_size = 128
    vae_scale_factor = 8

    def __call__(self, prompt: str) -> None:
        """Take a prompt alone."""


def test_a_recorded_default_of_guidance_is_none_that_was_asked_for() -> None:
    """A record names every setting, those at their default too."""
    wanted = [drawing.Wanted(1, "a bee")]
    recorded = parse(PretrainedGenerate, PretrainedGenerate().model_dump(mode="json"), "manifest")
    given = drawing._arguments(WithoutGuidance(), wanted, recorded, 8)
    assert "guidance_scale" not in given
    other = PretrainedGenerate(guidance=2.0)
    with pytest.raises(GeneratorError, match="takes no guidance_scale"):
        drawing._arguments(WithoutGuidance(), wanted, other, 8)


def test_a_pipeline_without_a_size_in_its_network_draws_its_own() -> None:
    assert drawing.side_of(WithoutGuidance(), (8, 8)) == 1024
