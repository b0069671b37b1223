"""Texts as a modality: how they are read, compared, measured and drawn."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.metrics import f1_score

from pipelines.common.errors import DataError
from pipelines.common.settings import parse
from pipelines.features import embedding, text_classifier
from pipelines.metrics import Configured, Labelled, downstream, evaluate_round, variety
from pipelines.metrics.downstream import Answers
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.modalities.texts import Texts
from pipelines.params import Dataset, Evaluate
from pipelines.sources import dialogue, read

PAIRS = Texts(("prompt", "completion"))


@pytest.fixture(scope="module")
def real() -> pl.DataFrame:
    """The real dialogues, with their places."""
    return dialogue.load().with_row_index("row").with_columns(pl.lit(0).alias("round"))


def test_the_dialogues_are_pairs_with_a_topic(real: pl.DataFrame) -> None:
    assert real.select("prompt", "completion", "label").dtypes == [pl.String] * 3
    assert real.select("prompt", "completion").is_unique().all()
    assert real["label"].value_counts()["count"].min() >= dialogue.MIN_ROWS
    assert real["label"].n_unique() == 10
    assert real["completion"].str.len_chars().max() <= dialogue.MAX_LETTERS


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_table_of_texts_is_read_whatever_its_format(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"text": ["one, two", 'said "so"\nand so'], "label": ["7", "8"]})
    place = tmp_path / f"mine.{suffix}"
    if suffix == "jsonl":
        place.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dicts()), "utf-8")
    elif suffix == "csv":
        frame.write_csv(place)
    else:
        frame.write_parquet(place)
    found = read.read(str(place), Texts(("text",))).frame
    assert found.select("text", "label").equals(frame)


def test_labels_are_optional_and_become_texts(tmp_path: Path) -> None:
    place = tmp_path / "mine.jsonl"
    place.write_text('{"text": "a", "label": 1}\n{"text": "b", "label": 2}\n', "utf-8")
    assert read.read(str(place), Texts(("text",))).frame["label"].to_list() == ["1", "2"]
    place.write_text('{"text": "a"}\n', "utf-8")
    found = read.read(str(place), Texts(("text",))).frame
    assert Texts(("text",)).columns(found) == ["text"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"words": "a"}], "has no column 'text'; it has: words"),
        ([{"text": 1}], "column 'text' is Int64; one column must hold texts"),
        ([{"text": "a"}, {"text": " "}], "row 1 has no text"),
        ([{"text": "a", "label": None}, {"text": "b", "label": "x"}], "row 0 has no label"),
    ],
)
def test_what_is_no_text_is_an_error(tmp_path: Path, rows: list[object], said: str) -> None:
    place = tmp_path / "mine.jsonl"
    place.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with pytest.raises(DataError, match=said):
        read.read(str(place), Texts(("text",)))


def test_a_broken_table_is_an_error(tmp_path: Path) -> None:
    place = tmp_path / "mine.jsonl"
    place.write_text("{not json}\n", "utf-8")
    with pytest.raises(DataError, match=r"cannot be read as a \.jsonl table"):
        read.read(str(place), Texts(("text",)))


def test_near_texts_are_found_and_others_not(real: pl.DataFrame) -> None:
    some = real.head(50)
    changed = some.with_columns(pl.col("completion") + "!")
    left, right, apart = PAIRS.within(changed, some, 0.4)
    assert set(zip(left.tolist(), right.tolist(), strict=True)) >= {(at, at) for at in range(50)}
    assert (apart > 0).all()
    assert (apart <= 0.4).all()
    assert (np.diff(left) >= 0).all()
    twice = pl.concat([some, changed])
    pairs = PAIRS.pairs(twice, 0.4)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert {(at, at + 50) for at in range(50)} <= set(map(tuple, pairs.tolist()))
    far = some.with_columns(pl.lit("Zwölf Boxkämpfer jagen Viktor").alias("completion"))
    assert not len(PAIRS.within(far.with_columns(prompt=pl.lit("Quer")), some, 0.4)[0])


def test_text_is_shown_whole_and_a_missing_part_is_null() -> None:
    frame = pl.DataFrame({"prompt": ["a", "b"], "completion": ["c", None]})
    assert PAIRS.shown(frame)["text"].to_list() == ["a\nc", None]
    assert PAIRS.readable(frame, frame).to_list() == [True, False]


def test_settings_know_what_suits_texts() -> None:
    given = {"identity": ["text"], "ingest": {"source": "x.csv", "modality": "text"}}
    assert parse(Dataset, given, "mine").ingest.near == 0.2
    assert set(parse(Dataset, given, "mine").verify.scorers) == set(Texts.scorers)
    given["verify"] = {"scorers": {"text_shape": {}}}
    assert set(parse(Dataset, given, "mine").verify.scorers) == {"text_shape"}
    given["ingest"]["near"] = 0.5  # type: ignore[index]
    assert parse(Dataset, given, "mine").ingest.near == 0.5


@pytest.mark.slow
def test_topics_of_new_texts_are_seen(real: pl.DataFrame) -> None:
    texts, labels = PAIRS._array(real), real["label"].to_numpy()
    odd = np.arange(len(real)) % 2 == 1
    said, chances = text_classifier.train(texts[odd], labels[odd]).predict(texts[~odd])
    assert (said == labels[~odd]).mean() > 0.85
    assert ((chances > 0.1) & (chances <= 1)).all()


def test_one_topic_is_known_without_learning() -> None:
    found = text_classifier.train(np.array(["a", "b"]), np.array(["x", "x"]))
    assert found.labels(np.array(["c"])).tolist() == ["x"]
    with pytest.raises(DataError, match="no labelled row"):
        text_classifier.train(np.empty(0), np.empty(0))
    with pytest.raises(DataError, match="no classifier can be trained"):
        text_classifier.train(np.array(["", ""]), np.array(["x", "y"]))


def test_embedding_is_fixed_and_knows_likeness(real: pl.DataFrame) -> None:
    texts, labels = PAIRS._array(real), real["label"].to_numpy()
    points = embedding.fit(texts)
    found = points(texts)
    assert found.shape == (len(texts), embedding.DIMENSIONS)
    assert np.array_equal(found, embedding.fit(texts)(texts))
    middles = {each: found[labels == each].mean(axis=0) for each in ("trivia", "coding")}
    assert middles["trivia"] @ middles["coding"] < middles["trivia"] @ middles["trivia"]
    assert points(np.empty(0, dtype=object)).shape == (0, embedding.DIMENSIONS)
    with pytest.raises(DataError, match=r"too few words|cannot be measured"):
        embedding.fit(np.array(["a b", "c d"]))


def test_macro_f1_is_that_of_the_library() -> None:
    draw = np.random.default_rng(5)
    labels = draw.choice(list("abc"), 200, p=[0.7, 0.2, 0.1])
    said = np.where(draw.random(200) < 0.6, labels, draw.choice(list("abcd"), 200))
    found = downstream.macro_f1(Answers(labels, said), 200, 1)
    expected = f1_score(labels, said, average="macro", labels=list("abc"))
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high
    worse = downstream.macro_f1_gain(Answers(labels, said), Answers(labels, labels), 200, 1)
    assert worse.value == pytest.approx(expected - 1)
    assert worse.low < worse.value < worse.high < 0


def test_a_round_of_texts_is_measured(real: pl.DataFrame) -> None:
    order = np.random.default_rng(2).permutation(len(real))
    train, held = real[order[:600]], real[order[600:]]
    same = train.filter(pl.col("label") == "trivia").head(100)
    copies = pl.concat([same.head(10)] * 10)
    frames = {"real": train, "validation": held, "accepted": copies, "mix": train, "previous": same}
    found = evaluate_round(
        **PAIRS.measured(train, frames),
        task=Configured(TASKS.load(PAIRS.task)),
        metrics=[Configured(METRICS.load(name)) for name in PAIRS.metrics],
        settings=Evaluate(null_draws=4, bootstrap=50),
        seed=1,
    )
    assert found.task == "macro_f1"
    assert found.scores["macro_f1"]["mix"].value == found.scores["macro_f1"]["real_only"].value
    assert found.scores["macro_f1"]["mix"].value > 0.6
    assert found.difference["previous"].low > 0.3
    summary = found.to_dict()["summary"]
    assert summary["distinct_2_round"] < summary["distinct_2_null"] / 3
    assert summary["compression_round"] > 3 * summary["compression_null"]
    assert summary["self_bleu_round"] > 0.9
    assert summary["vendi_round"] < summary["vendi_null"] / 2
    assert summary["recall_round"] < summary["recall_null"] / 2
    json.dumps(found.to_dict(), allow_nan=False)


def test_variety_of_texts_without_words_is_unknown() -> None:
    empty = Labelled(np.zeros((2, 3), np.float32), np.array(["", ""]), None, np.array(["", ""]))
    texts = np.array(["a b", "c d", "e f"])
    found = variety.of_texts(empty, Labelled(np.eye(3, dtype=np.float32), texts, None, texts), 3, 1)
    assert np.isnan(found["distinct_2"].value)
    assert found["vendi"].value == pytest.approx(1)
    assert np.isnan(found["compression"].value)


def test_a_round_is_drawn(real: pl.DataFrame) -> None:
    hostile = pl.DataFrame(
        {
            "prompt": ["<script>alert(1)</script>\x00\x1b[31m", None],
            "completion": ["long " * 500, "b"],
            "label": ["trivia", "ai"],
            "reason": ["too_long", "text_present"],
        }
    )
    drawn = PAIRS.picture(real=real.head(5), accepted=real.clear(), refused=hostile, title="t")
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.format == "PNG"
        assert image.height < 1500


def test_labels_are_whole_numbers_or_names_and_invisible_texts_are_none() -> None:
    rows = {"text": ["a", "b"]}
    whole = pl.DataFrame(rows | {"label": [1.0, 2.0]})
    assert Texts(("text",)).typed("own", whole)["label"].to_list() == ["1", "2"]
    for columns, said in (
        (rows | {"label": [1.0, 2.5]}, "row 1 has a label that is no whole number"),
        (rows | {"label": ["a", " "]}, "row 1 has a label without a visible character"),
        ({"text": ["a", "\u200b\ufeff"]}, "row 1 has no text"),
    ):
        with pytest.raises(DataError, match=said):
            Texts(("text",)).typed("own", pl.DataFrame(columns))
