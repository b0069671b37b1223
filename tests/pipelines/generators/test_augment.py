"""The generator `augment`: exact parents and weights, and the same rows in any shards."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError, ParamsError
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import key_content, parse
from pipelines.features import image_edits, images
from pipelines.generators import making
from pipelines.generators.augment import draws, mixtures, text_edits
from pipelines.generators.augment.generator import Augment
from pipelines.generators.augment.settings import AugmentGenerate, ImageEdits
from pipelines.generators.pool import Pool
from pipelines.generators.protocol import GenerateRequest

NO_EDITS = {
    "rotation": 0,
    "crop": 1,
    "brightness": 0,
    "contrast": 0,
    "saturation": 0,
    "noise": 0,
}


def mix(frame: pl.DataFrame, weights: list[float] | None = None) -> pl.DataFrame:
    count = len(frame)
    keyed = frame.with_columns(
        pl.lit(0, pl.Int32).alias("round"),
        pl.Series("row", range(100, 100 + count)),
        pl.Series("weight", weights or [1.0] * count),
    )
    return keyed.with_columns(sample_ids(frame, frame.columns[:1]).alias("sample_id"))


def pictures(count: int = 24, shape: tuple[int, ...] = (8, 8)) -> pl.DataFrame:
    """Images of two labels, each of one random level of grey or colour and a bright corner."""
    draw = np.random.default_rng(3)
    pixels = np.repeat(draw.integers(20, 200, (count, 1)), np.prod(shape), axis=1)
    pixels = pixels.reshape(count, *shape).astype(np.uint8)
    pixels[:, 0, 0] = 255
    return pl.DataFrame([images.column(pixels), pl.Series("label", [0, 1] * (count // 2))])


def texts(values: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"text": values, "label": ["a", "b"] * (len(values) // 2)})


def asked(
    folder: Path, frame: pl.DataFrame, candidates: int = 40, **settings: Any
) -> GenerateRequest[AugmentGenerate]:
    Augment().fit(mix(frame), NoSettings(), 1, folder)
    own = parse(AugmentGenerate, settings, "generate.augment")
    return GenerateRequest("shop", 1, 7, (frame.columns[0],), candidates, 16, own, folder)


def test_an_edited_image_has_its_source_as_its_only_parent(tmp_path: Path) -> None:
    frame = pictures()
    request = asked(tmp_path, frame, image={**NO_EDITS, "flip": 1.0})
    made = making.make(Augment(), request)
    assert made.parents is not None
    assert made.parents["relation"].unique().to_list() == ["edited"]
    assert made.parents["weight"].unique().to_list() == [1.0]
    sources = images.decode(frame["image"])[made.parents.sort("row")["parent_row"] - 100]
    assert np.array_equal(images.decode(made.candidates["image"]), sources[:, :, ::-1])
    label = frame["label"].gather(made.parents.sort("row")["parent_row"] - 100)
    assert made.candidates["label"].equals(label)
    assert made.candidates["sample_id"].equals(sample_ids(made.candidates, ("image",)))
    assert made.report.facts == {"methods": {"edit": 40}}


@pytest.mark.parametrize("method", ["mixup", "cutmix"])
@pytest.mark.parametrize("labels", ["same", "larger"])
@pytest.mark.parametrize("shape", [(8, 8), (8, 6, 3)])
def test_a_mixed_image_is_its_parents_by_their_weights(
    tmp_path: Path, method: str, labels: str, shape: tuple[int, ...]
) -> None:
    shades = np.arange(5, 245, 10, dtype=np.uint8).reshape(-1, *[1] * len(shape))
    flat = images.column(np.broadcast_to(shades, (24, *shape)).copy())
    frame = pl.DataFrame([flat, pictures()["label"]])
    request = asked(tmp_path, frame, image={**NO_EDITS, method: 1.0, "mixed_labels": labels})
    made = making.make(Augment(), request)
    assert made.parents is not None
    assert made.parents["relation"].unique().to_list() == ["seed"]
    levels = images.decode(frame["image"]).reshape(24, -1).mean(axis=1)
    means = images.decode(made.candidates["image"]).reshape(40, -1).mean(axis=1)
    seen = set()
    for row, parents in made.parents.group_by("row"):
        (first, second), weights = parents["parent_row"] - 100, parents["weight"].to_numpy()
        assert first != second
        assert weights.sum() == pytest.approx(1, abs=1e-6)
        assert means[row[0]] == pytest.approx(weights @ levels[[first, second]], abs=0.51)
        label = frame["label"][int((first, second)[int(weights[1] > weights[0])])]
        assert made.candidates["label"][int(row[0])] == label  # type: ignore[call-overload]
        seen.add(frame["label"][int(first)] == frame["label"][int(second)])
    assert seen == ({True} if labels == "same" else {True, False})


def test_candidates_are_the_same_in_any_shards_and_after_more(tmp_path: Path) -> None:
    settings = {"flip": 0.5, "mixup": 0.3, "cutmix": 0.3}
    request = asked(tmp_path, pictures(), image=settings)
    made = making.make(Augment(), request)
    other = making.make(Augment(), replace(request, shard_rows=7, candidates=60))
    same = ["row", "image", "label", "sample_id"]
    assert other.candidates.head(40).select(same).equals(made.candidates.select(same))
    assert other.parents is not None
    assert made.parents is not None
    order = ["row", "relation", "parent_row"]
    few = other.parents.filter(pl.col("row") < 40)
    assert few.sort(order).equals(made.parents.sort(order))
    assert set(made.report.facts["methods"]) == {"edit", "mixup", "cutmix"}
    replayed = Augment().replay(request, request.shards()[1], {})
    assert replayed.candidates.equals(made.candidates[16:32].select(replayed.candidates.columns))
    again = making.make(Augment(), replace(request, seed=8))
    assert not again.candidates["sample_id"].equals(made.candidates["sample_id"])


def test_a_source_that_is_alone_in_its_label_is_edited_and_counted(tmp_path: Path) -> None:
    frame = pictures(4).with_columns(label=pl.Series([0, 0, 0, 1]))
    made = making.make(Augment(), asked(tmp_path, frame, image={"mixup": 1.0}))
    assert made.parents is not None
    alone = made.parents.filter(pl.col("parent_row") == 103)
    assert alone["relation"].unique().to_list() == ["edited"]
    assert made.report.facts["not_mixed"] == len(alone) > 0


def test_partners_are_drawn_by_their_weights() -> None:
    rows = mix(texts(["p q", "r s", "t u", "v w"]), [1.0, 2.0, 3.0, 6.0])
    pool = Pool(rows.select("round", "row", "sample_id", "weight"), rows.select("text", "label"))
    partners = draws.Partners(pool, same_label=False)
    draw = np.random.default_rng(1)
    firsts = np.bincount([partners.first(draw) for _ in range(6000)]) / 6000
    assert np.allclose(firsts, np.array([1, 2, 3, 6]) / 12, atol=0.02)
    seconds = np.bincount([partners.second(1, draw) or 0 for _ in range(6000)]) / 6000
    assert np.allclose(seconds, np.array([1, 0, 3, 6]) / 10, atol=0.02)
    assert draws.Partners(pool, same_label=True).second(0, draw) == 2


def test_edits_keep_shape_and_corners_take_the_colour_of_the_border() -> None:
    for shape in ((9, 7), (9, 7, 3)):
        pixels = np.full(shape, 200, dtype=np.uint8)
        edits = ImageEdits(**{**NO_EDITS, "rotation": 45})
        turned = image_edits.edited(pixels, edits, np.random.default_rng(1))
        assert turned.shape == shape
        assert (turned == 200).all()
        all_edits = ImageEdits(rotation=30, saturation=1, noise=0.1)
        assert image_edits.edited(pixels, all_edits, np.random.default_rng(1)).shape == shape
    one = np.zeros((1, 2), dtype=np.uint8)
    pasted, share = mixtures.cutmix(one, one + 9, 0.99, np.random.default_rng(1))
    assert (sorted(pasted.ravel()), share) == ([0, 9], 0.5)


def test_texts_lose_words_and_get_a_template(tmp_path: Path) -> None:
    frame = texts([f"one two\nthree {number}" for number in range(6)])
    templates = {"text": ["{label}: {text}", "{{{text}}}"]}
    request = asked(tmp_path, frame, text={"word_dropout": 0.3, "templates": templates})
    made = making.make(Augment(), request)
    assert made.parents is not None
    assert made.parents["weight"].unique().to_list() == [1.0]
    forms = set()
    for row in made.candidates.join(made.parents, on="row").iter_rows(named=True):
        source, label = frame.row(row["parent_row"] - 100)
        forms.add(row["text"][0] == "{")
        words = row["text"].removeprefix(f"{label}: ").strip("{}").split()
        assert 0 < len(words) < 4
        assert [word for word in source.split() if word in words] == words
    assert forms == {True, False}
    draw = np.random.default_rng(1)
    assert text_edits.without_words("alone ", 0.9, draw) == "alone "
    assert text_edits.without_words(None, 0.9, draw) is None
    assert text_edits.without_words("a  b", 0.999, draw) in ("a", "b")
    assert text_edits.without_words("a b c", 0.0, draw) == "a b c"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"image": {"mixup": 0.7, "cutmix": 0.4}}, "mixup 0.7 and cutmix 0.4 are shares"),
        ({"image": {**NO_EDITS}}, "image: nothing is changed"),
        ({"text": {"word_dropout": 0}}, "text: nothing is changed"),
        ({"text": {"templates": {"text": ["{text"]}}}, "cannot be read"),
        ({"text": {"templates": {"text": ["{text.__class__}"]}}}, "may hold names of columns"),
        ({"text": {"templates": {"text": []}}}, "templates.text holds no template"),
        ({"image": {"rotate": 3}}, "did you mean 'rotation'"),
        ({"image": {"mixup": 1, "alpha": math.inf}}, "image.alpha: Input should be a finite"),
    ],
)
def test_settings_that_cannot_be_meant_are_one_sentence(settings: Any, said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        parse(AugmentGenerate, settings, "generate.augment")


@pytest.mark.parametrize(
    ("frame", "settings", "said"),
    [
        (pictures(), {"text": {"word_dropout": 0.5}}, "the rows are images"),
        (pictures(), {"image": {**NO_EDITS, "saturation": 1}}, "greyscale images do not have"),
        (pictures(shape=(1, 1)), {"image": {"cutmix": 1}}, "more than one pixel"),
        (texts(["a b"] * 2), {"image": {"flip": 1}}, "the rows are no images"),
        (texts(["a b"] * 2), {"text": {"columns": ["txt"]}}, "did you mean 'text'"),
        (texts(["a b"] * 2), {"text": {"templates": {"text": ["{lbl}"]}}}, "did you mean 'label'"),
        (pl.DataFrame({"size": [1.5, 2.5], "label": ["a", "b"]}), {}, "column 'size' is Float64"),
    ],
)
def test_settings_that_do_not_suit_the_rows_are_one_sentence(
    tmp_path: Path, frame: pl.DataFrame, settings: Any, said: str
) -> None:
    with pytest.raises(GeneratorError, match=said):
        Augment().plan(asked(tmp_path, frame, **settings))


def test_settings_at_their_default_are_in_no_key() -> None:
    assert key_content(AugmentGenerate()) == {}
    spelled = {"image": {"rotation": 10.0}, "text": {"word_dropout": 0.1}}
    assert key_content(parse(AugmentGenerate, spelled, "")) == {}
