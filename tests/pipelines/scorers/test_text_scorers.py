"""Scorers of texts: length, refusals, leftovers, and whether a text is of its topic."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.common.errors import DataError
from pipelines.scorers import text_agreement, text_shape
from pipelines.scorers.protocol import Given
from pipelines.scorers.text_shape import TextShapeSettings
from pipelines.sources import dialogue


def rows(texts: list[str | None], labels: list[str] | None = None) -> pl.DataFrame:
    kinds = {"text": pl.String, "label": pl.String}
    frame = pl.DataFrame({"text": texts, "label": labels or ["a"] * len(texts)}, kinds)
    return frame.select(
        pl.lit(1, pl.Int32).alias("round"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        "text",
        "label",
    )


SHAPE = text_shape.TextShape()


@pytest.fixture(scope="module")
def real() -> pl.DataFrame:
    talk = dialogue.load()
    texts = talk.select(pl.concat_str("prompt", "completion", separator="\n"))
    return rows(texts.to_series().to_list(), talk["label"].to_list())


def shape(*texts: str | None) -> pl.DataFrame:
    candidates = rows(list(texts))
    found = SHAPE.score(candidates, Given(candidates), TextShapeSettings())
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **text_shape.COLUMNS}
    return found


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I have no opinion.",
        "as an AI, I cannot feel",
        "I\u2019m sorry, but I can\u2019t help with that.",
        "I am sorry, I cannot do that.",
        "I can't assist with this request.",
        "I won't write content about that.",
        "I'm unable to provide such answers",
        "This violates our content policy.",
    ],
)
def test_refusals(text: str) -> None:
    assert shape(text, f"What do you think?\n{text}")["refusal"].to_list() == [True, True]
    assert shape(text)["leftover"].to_list() == [False]


@pytest.mark.parametrize(
    "text",
    [
        "Tell me about {topic}.",
        "Tell me about {{ topic }}.",
        "Dear [Your Name], thanks",
        "Question: why?",
        "why?\nAnswer: so",
        "**User:** hello",
        "[INST] hello [/INST]",
        "hello<|im_end|>",
        "hello </s>",
        "hello <end_of_turn>",
        '{"prompt": "hello", "completion": "hi"}',
        'hello", "completion": "hi',
        "```json\nhello\n```",
        '```\n{"a": 1}\n```',
        "hello ```",
        "one\n---\ntwo",
        "Here is a new example:",
    ],
)
def test_leftovers(text: str) -> None:
    assert shape(text)["leftover"].to_list() == [True]
    assert shape(text)["refusal"].to_list() == [False]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, I can't hear you over the sound of how awesome I am.",
        "Are you an AI?\nI am an artificial intelligence.",
        "Here's a loop:\n\n```\nprint(f'{name}: {text}')\n```",
        "The answer: it depends.",
        "Sorry, I cannot come.",
        "",
    ],
)
def test_what_is_neither(text: str) -> None:
    found = shape(text)
    assert found["refusal"].to_list() == found["leftover"].to_list() == [False]


def test_lengths_and_what_is_missing() -> None:
    found = shape("two words", " \u00e9t\u00e9\n ", None, "")
    assert found["text_chars"].to_list() == [9, 6, None, 0]
    assert found["text_words"].to_list() == [2, 1, None, 0]
    assert found["refusal"].to_list() == found["leftover"].to_list() == [False, False, None, False]


@given(st.lists(st.text() | st.none(), max_size=8))
def test_every_text_has_a_shape(texts: list[str | None]) -> None:
    found = shape(*texts)
    missing = [text is None for text in texts]
    for name in set(text_shape.COLUMNS) - {"text_at_limit"}:
        assert found[name].is_null().to_list() == missing


def test_a_text_of_exactly_the_greatest_length_is_cut_off() -> None:
    pairs = [("why?", "because it"), ("why, and how", "so"), ("why", "so"), ("long, long", None)]
    content = pl.DataFrame(pairs, schema=["prompt", "completion"], orient="row")
    candidates = rows(content.select(pl.concat_str(pl.all(), separator="\n")).to_series().to_list())
    candidates = candidates.hstack(content).with_columns(score=pl.lit(10))
    names = ("prompt", "completion", "score")
    pair = Given(candidates, content=names)
    found = SHAPE.score(candidates, pair, TextShapeSettings(max_chars=10))
    assert found["text_at_limit"].to_list() == [True, False, False, None]
    without = SHAPE.score(candidates, pair, TextShapeSettings())
    assert without["text_at_limit"].null_count() == len(candidates)
    whole = SHAPE.score(candidates, Given(candidates), TextShapeSettings(max_chars=6))
    assert whole["text_at_limit"].to_list() == [False, False, True, None]
    lone = rows(["short"]).with_columns(note=pl.lit(None, pl.String))
    other = SHAPE.score(lone, Given(lone, content=("text", "note")), TextShapeSettings(max_chars=9))
    assert other["text_at_limit"].to_list() == [False]  # a column without a text is not cut
    named = {each.name for each in SHAPE.expected(TextShapeSettings(max_chars=10))}
    assert named - {each.name for each in SHAPE.expected(TextShapeSettings())} == {"not_cut_off"}


def test_the_real_dialogues_are_neither_refusals_nor_leftovers(real: pl.DataFrame) -> None:
    found = SHAPE.score_real(Given(real), TextShapeSettings())
    assert found["refusal"].sum() == found["leftover"].sum() == 0
    assert found["text_words"].min() >= 2


@pytest.mark.slow
def test_agreement_sees_topics_and_keeps_the_contract(real: pl.DataFrame) -> None:
    shuffled = real.sample(fraction=1, shuffle=True, seed=0)
    known, new = shuffled[:400], pl.concat([shuffled[400:], rows([None, ""])])
    settings = text_agreement.TextAgreementSettings()
    found = text_agreement.TextAgreement().score(new, Given(known), settings)
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **text_agreement.COLUMNS}
    assert found.select("round", "row").equals(new.select("round", "row"))
    right = (found["predicted_topic"] == new["label"])[:-2]
    assert right.mean() > 0.6
    sure = found["topic_confidence"][:-2] > 0.7
    assert right.filter(sure).mean() > right.mean()
    assert found[-2].select(*text_agreement.COLUMNS).null_count().row(0) == (1, 1)
    assert found[-1].select(*text_agreement.COLUMNS).null_count().row(0) == (0, 0)
    assert found.equals(text_agreement.TextAgreement().score(new, Given(known), settings))


def test_a_real_text_is_classified_by_others(real: pl.DataFrame) -> None:
    some = real.filter(pl.col("label").is_in(["ai", "coding", "money"]))
    wrong = some.with_columns(
        label=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("money")).otherwise("label")
    )
    found = text_agreement.TextAgreement().score_real(
        Given(wrong), text_agreement.TextAgreementSettings()
    )
    assert (found["predicted_topic"] == wrong["label"])[:3].sum() == 0
    assert (found["predicted_topic"] == wrong["label"])[3:].mean() > 0.7
    holes = wrong.with_columns(text=pl.when(pl.int_range(pl.len()) != 7).then("text"))
    assert text_agreement.TextAgreement().score_real(
        Given(holes), text_agreement.TextAgreementSettings()
    )["predicted_topic"].is_null().arg_true().to_list() == [7]


def test_a_label_with_too_few_real_rows_is_said() -> None:
    few = rows(["one two", "three four"], ["a", "b"])
    with pytest.raises(DataError, match="a class has 1 real rows"):
        text_agreement.TextAgreement().score_real(
            Given(few), text_agreement.TextAgreementSettings()
        )


def test_digests_follow_the_real_rows(real: pl.DataFrame) -> None:
    settings = text_agreement.TextAgreementSettings()
    one, other = (
        text_agreement.TextAgreement().model_digest(Given(each), settings)
        for each in (real, real[1:])
    )
    assert one != other
    assert one == text_agreement.TextAgreement().model_digest(Given(real), settings)
