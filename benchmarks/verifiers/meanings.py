"""Texts of one meaning in other words, and other statements about the same, in two languages.

The sentences are written for this (`paraphrases.toml`): each has a paraphrase that shares few words
with it, and another statement that shares its subject, which a rule must keep.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from benchmarks.verifiers import prose
from benchmarks.verifiers.plan import BETWEEN, Planted, RowCase, Seen, batch
from pipelines.scorers.protocol import Given

FILE: Final = Path(__file__).with_name("paraphrases.toml")
MOST: Final = 0.65
"""Cosine similarity up to which a text counts as one of another meaning."""
MOST_OF_CHINESE: Final = 0.94
"""The same of Chinese, which the model does not read: lower ones refuse right rows."""


def english(rows: int, seed: int) -> Planted:
    """English sentences; the right rows are other statements and sentences about other things."""
    draw = np.random.default_rng(seed)
    others = prose.some_sentences(max(rows - len(_told("english")), 0), draw)
    return _planted("english", others)


def chinese(rows: int, seed: int) -> Planted:  # noqa: ARG001  there are no more of them
    """Chinese sentences; the right rows are other statements about the same."""
    return _planted("chinese", [])


@cache
def _told(language: str) -> list[tuple[str, str, str]]:
    content: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [(text, reworded, other) for text, reworded, other in content[language]]


def _planted(language: str, others: list[str]) -> Planted:
    """Real rows are half of the sentences, held-out ones the other half."""
    told = _told(language)
    half = len(told) // 2
    texts, reworded, other = (list(each) for each in zip(*told, strict=True))
    given = Given(
        _frame(texts[:half], 0),
        held_out=pl.DataFrame({"split": "test", "row": range(half), "text": texts[half:]}),
    )
    planted = {
        "real text in other words": reworded[:half],
        "held-out text in other words": reworded[half:],
        "real text": texts[:half],
    }
    frames = {kind: _texts(each) for kind, each in planted.items()}
    return Planted(batch(_texts([*other, *others]), frames), given)


def _texts(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"text": texts})


def _frame(texts: list[str], number: int) -> pl.DataFrame:
    row = pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    return _texts(texts).select(pl.lit(number, pl.Int32).alias("round"), row, "text")


REAL: Final = {"column": "meaning_real_similarity", "max_value": MOST}
HELD: Final = {"column": "meaning_held_out_similarity", "max_value": MOST}
WORDS: Final = {"column": "text_real_similarity", "max_value": 0.79}
IN_WORDS: Final = "real text in other words"
SCORERS: Final = {"text_meaning": {}, "text_duplicates": {}}
ENGLISH: Final = RowCase(
    "paraphrases",
    english,
    SCORERS,
    (
        Seen(
            "no_real_meaning", BETWEEN, REAL, (IN_WORDS, "real text"), "text_meaning", (0.9, 0.25)
        ),
        Seen(
            "no_held_out_meaning",
            BETWEEN,
            HELD,
            ("held-out text in other words",),
            "text_meaning",
            (0.9, 0.25),
        ),
        Seen(
            "no_real_text_near",
            BETWEEN,
            WORDS,
            ("real text",),
            "text_duplicates",
            misses=(IN_WORDS,),
        ),
    ),
)
CHINESE: Final = RowCase(
    "paraphrases in Chinese",
    chinese,
    SCORERS,
    (
        Seen(
            "no_real_meaning",
            BETWEEN,
            {"column": "meaning_real_similarity", "max_value": MOST_OF_CHINESE},
            ("real text",),
            "text_meaning",
            misses=(IN_WORDS,),
        ),
        Seen(
            "no_real_text_near",
            BETWEEN,
            WORDS,
            ("real text",),
            "text_duplicates",
            misses=(IN_WORDS,),
        ),
    ),
)
