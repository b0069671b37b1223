"""Texts without spaces are cut into characters in every figure, and texts with spaces as ever."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from expectations import scripts
from expectations.measures import text_diversity
from pipelines.features import embedding, shingles, text_similarity
from pipelines.features.text_similarity import Shingling
from pipelines.metrics import variety
from pipelines.scorers.protocol import Given
from pipelines.scorers.registry import SCORERS

CHINESE = "昨天下午我和朋友一起去图书馆借了三本关于历史的书"
SENTENCES = {
    "Chinese": CHINESE,
    "Japanese": "きのうの午後、友だちと図書館へ行って歴史の本を三冊借りました",
    "Thai": "เมื่อวานตอนบ่ายฉันไปห้องสมุดกับเพื่อนและยืมหนังสือสามเล่ม",
    "Khmer": "កាលពីម្សិលមិញខ្ញុំបានទៅបណ្ណាល័យជាមួយមិត្តភក្តិហើយខ្ចីសៀវភៅ",
    "Burmese": "မနေ့ကနေ့လယ်မှာသူငယ်ချင်းနဲ့စာကြည့်တိုက်ကိုသွားပြီးစာအုပ်သုံးအုပ်ငှားခဲ့တယ်",
}
SPACED = {
    "English": "It's  a well-known fact: 3.14 is not π, naïve café!",
    "Korean": "어제 오후에 친구와 도서관에 가서 역사책 세 권을 빌렸습니다",
    "Arabic": "ذهبت أمس مع صديقي إلى المكتبة واستعرت ثلاثة كتب",
    "Hindi": "कल दोपहर मैं अपने दोस्त के साथ पुस्तकालय गया",
    "combining": "cafe\u0301 e\u0301te\u0301 — Zu\u0308rich",
}


def frame(texts: list[str]) -> pl.DataFrame:
    rows = pl.DataFrame({"text": texts}).with_row_index("row")
    return rows.select(pl.lit(1, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), "text")


@pytest.mark.parametrize("name", SPACED)
def test_texts_with_spaces_are_cut_as_ever(name: str) -> None:
    text = SPACED[name]
    column = pl.Series([text])
    assert not scripts.unspaced(column)
    assert scripts.separated(text) == text
    for ours, plain in ((scripts.LETTERS, r"\w+"), (scripts.TOKENS, r"\S+")):
        assert column.str.extract_all(ours).to_list() == column.str.extract_all(plain).to_list()
    assert embedding.words(text) == embedding.WORD.findall(text)


def test_mixed_texts_are_cut_at_the_characters() -> None:
    column = pl.Series(["GPT-4 很 好。OK"])
    assert column.str.extract_all(scripts.LETTERS)[0].to_list() == ["GPT", "4", "很", "好", "OK"]
    assert column.str.extract_all(scripts.TOKENS)[0].to_list() == ["GPT-4", "很", "好", "。", "OK"]
    assert embedding.words("ab 很好。人") == ["ab", "很好"]


@pytest.mark.parametrize("name", SENTENCES)
def test_a_quoted_sentence_overlaps_whole_and_half_a_one_by_half(name: str) -> None:
    sentence = SENTENCES[name]
    other = "".join(reversed(sentence))
    held = frame([f"{other}{sentence}{other}"]).with_columns(split=pl.lit("test"))
    candidates = frame([sentence, other[: len(other) // 2] + sentence, "12 34"])
    scorer: Any = SCORERS.load("text_overlap")
    found = scorer.score(candidates, Given(frame([other]), None, held), scorer.Settings())
    overlap = found["text_held_out_overlap"].to_list()
    assert overlap[0] == 1.0
    assert 0.2 < overlap[1] <= 1.0
    assert overlap[2] == 0.0


@pytest.mark.parametrize("name", SENTENCES)
def test_a_near_copy_is_found_by_words(name: str) -> None:
    sentence = SENTENCES[name]
    copy = f"{sentence[:-1]}X"
    found = text_similarity.pairs(
        pl.Series([sentence, copy, "".join(reversed(sentence))]),
        threshold=0.7,
        shingling=Shingling("words", 3),
    )
    assert list(zip(found.left, found.right, strict=True)) == [(0, 1)]
    assert 0.7 < found.similarity[0] < 1
    assert len(shingles.sets(pl.Series([sentence]), "words", 3)) == 1


def test_diversity_counts_characters() -> None:
    same = pl.Series([CHINESE] * 4)
    distinct = text_diversity.ngrams(same, 2).distinct(np.arange(4))
    assert distinct == pytest.approx(1 / 4)
    near = np.array([CHINESE, CHINESE[:-1] + "画", "完全不同的另外一句话"], dtype=object)
    assert variety.self_bleu(near[:2]) > 0.9
    assert variety.self_bleu(near[[0, 2]]) < 0.2


def test_two_hundred_chinese_texts_embed() -> None:
    draw = np.random.default_rng(1)
    topics = ("图书馆历史书籍阅读作者", "厨房做饭米饭面条好吃")
    texts = [
        "".join(draw.permutation([topic[at : at + 2] for at in range(0, len(topic) - 1, 2)]))
        for topic in topics
        for _ in range(100)
    ]
    found = embedding.fit(np.asarray(texts, dtype=object))(np.asarray(texts, dtype=object))
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    within, across = found[:100] @ found[:100].T, found[:100] @ found[100:].T
    assert within.mean() > across.mean() + 0.2


def test_words_are_counted_and_digests_say_how() -> None:
    scorer: Any = SCORERS.load("text_shape")
    found = scorer.score(frame([CHINESE, "two words"]), Given(frame([])), scorer.Settings())
    assert found["text_words"].to_list() == [len(CHINESE), 2]
    for name in ("text_shape", "text_overlap"):
        each: Any = SCORERS.load(name)
        digests = {
            kind: each.model_digest(Given(frame([text])), each.Settings())
            for kind, text in (("spaced", "a b"), ("not", CHINESE))
        }
        assert digests["spaced"] != digests["not"]
