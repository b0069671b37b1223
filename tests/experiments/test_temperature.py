"""The texts of E14 have both labels, its bigram has a temperature, and its criteria can fail."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from experiments import packages, rated_texts, registry, temperature
from experiments.experiment import Estimate, Part
from experiments.packages import Package
from experiments.rated_texts import Texts
from experiments.temperature import Bigram
from pipelines.common import digests

COMMITTED = Path(packages.__file__).parent / "results" / "E14_1_0"


def archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as opened:
        for name, content in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(content)
            opened.addfile(item, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def rated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Texts:
    """Three sentences of goods and one of a film; one has no side, and one is too short."""
    tables = {
        "amazonReviewSnippets": [
            ("1_1", "1.5", "It's good, very good", [1, 2, 1, 2]),
            ("1_2", "0", "it is a thing", [1, -1, 0, 0]),
            ("1_3", "-1", "bad thing", [-1, -1, -1, -1]),
        ],
        "movieReviewSnippets": [("1", "-0.5", "a dull film", [-1, -1, -1, 1])],
    }
    inner = {}
    for source, rows in tables.items():
        truth = [f"{at}\t{mean}\t{text}" for at, mean, text, _ in rows]
        ratings = [f"{at}\t{mean}\t0.5\t{json.dumps(each)}" for at, mean, _, each in rows]
        for kind, lines in (("GroundTruth", truth), ("anonDataRatings", ratings)):
            text = "\r\n".join(lines).encode("utf-8-sig")
            inner[f"hutto_ICWSM_2014/{source}_{kind}.txt"] = text
    content = archive({f"vaderSentiment-1/{rated_texts.ARCHIVE}": archive(inner)})
    package = Package("PyPI", "vaderSentiment", "1", "MIT", "")
    monkeypatch.setattr(packages, "FOLDER", tmp_path)
    package.place.write_bytes(content)
    sha256 = digests.of_file(package.place)
    package = Package("PyPI", "vaderSentiment", "1", "MIT", sha256)
    monkeypatch.setattr(rated_texts, "PACKAGE", package)
    return rated_texts.load.__wrapped__()


def test_texts_have_a_label_of_fact_and_one_of_judgement(rated: Texts) -> None:
    assert rated.words == (("it's", "good", ",", "very", "good"), ("a", "dull", "film"))
    assert rated.labels["fact"].tolist() == [0, 1]
    assert rated.labels["judgement"].tolist() == [1, 0]
    assert rated.agreed.tolist() == [True, False]
    assert rated.of("fact", 1) == [("a", "dull", "film")]


def test_a_split_has_as_many_texts_of_each_pair_of_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    fact, judgement = np.arange(200) % 2, np.arange(200) // 2 % 2
    words = tuple((str(at),) for at in range(200))
    labels = {"fact": fact, "judgement": judgement}
    every = Texts(words, labels, np.ones(200, dtype=bool))
    monkeypatch.setattr(rated_texts, "load", lambda: every)
    train, test = rated_texts.split(30, 10, np.random.default_rng(0))
    for part, each in ((train, 30), (test, 10)):
        pairs = 2 * part.labels["fact"] + part.labels["judgement"]
        assert np.bincount(pairs).tolist() == [each] * 4
    assert not set(train.words) & set(test.words)


@pytest.mark.parametrize(("heat", "share"), [(1.0, 0.75), (0.5, 0.9), (0.3, 0.975)])
def test_a_temperature_raises_the_chance_of_what_comes_often(heat: float, share: float) -> None:
    """After `a`, `b` was seen three times and `c` once: the odds are 3 to the power of 1/T."""
    model = Bigram([("a", "b")] * 3 + [("a", "c")])
    drawn = model.draw(8_000, heat, np.random.default_rng(1))
    assert set(drawn) == {("a", "b"), ("a", "c")}
    assert np.mean([text == ("a", "b") for text in drawn]) == pytest.approx(share, abs=0.01)


def test_a_text_ends_where_a_text_ended() -> None:
    drawn = Bigram([("a", "b", "a")]).draw(500, 1.0, np.random.default_rng(0))
    assert {text[-1] for text in drawn if len(text) < temperature.LONGEST} == {"a"}
    assert {len(text) % 2 for text in drawn if len(text) < temperature.LONGEST} == {1}


def test_distinct_pairs_are_counted_once() -> None:
    assert temperature.distinct([("a", "b", "a"), ("a", "b")]) == pytest.approx(2 / 3)


def test_each_criterion_fails_where_its_figure_is_not_above_0() -> None:
    content = next(json.loads(place.read_text()) for place in COMMITTED.glob("*.json"))
    right = Part.read(content)
    known = "macro-F1 lost to real texts at T = 0.3, judgement less fact"
    found = temperature.conclude({"texts": right})
    assert [each.name for each in found if not each.holds] == [known]
    compared = [
        *(
            f"{what} gained, {label}"
            for what in ("distinct-2", "macro-F1")
            for label in temperature.LABELS
        ),
        *("lost more, T = 1", "lost more, T = 0.6", "lost more, T = 0.3", "apart, T = 1"),
    ]
    for at, figure in enumerate(compared):
        figures = {**right.figures, figure: Estimate(0.01, -0.01, 0.03)}
        assert not temperature.conclude({"texts": Part(figures)})[at].holds
        figures[figure] = Estimate(0.03, 0.01, 0.05)
        assert temperature.conclude({"texts": Part(figures)})[at].holds
    assert len(compared) == len(found)


def test_a_listing_has_each_mix_of_each_label() -> None:
    content = next(json.loads(place.read_text()) for place in COMMITTED.glob("*.json"))
    (listed,) = temperature.lists({"texts": Part.read(content)})
    assert [row[:2] for row in listed.rows[:4]] == [
        ["fact", each] for each in ("real", "T = 1", "T = 0.6", "T = 0.3")
    ]
    assert registry.load("E14").lists is temperature.lists
