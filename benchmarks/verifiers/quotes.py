"""Lines of talk that are quoted in longer texts, in English and in Chinese.

Lines are those of the package chatterbot-corpus (BSD), and short ones among them, of which the
runs that are looked for in all texts see nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import polars as pl

from benchmarks.verifiers import prose
from benchmarks.verifiers.plan import BETWEEN, Planted, RowCase, Seen, batch
from pipelines.features import containment, shingles
from pipelines.scorers.protocol import Given

CHARACTERS: Final = range(5, 101)
"""Characters of a line."""
WORDS: Final = 4
"""Different words that a line has at least."""
WRAPPED: Final = {
    "english": "Somebody wrote to me the other day: {0} I had no idea what to answer. And you?",
    "chinese": "有人前几天给我写了一封信: {0}我完全没想好该怎么回复。不知你有何看法。",
}
CHANGED: Final = {"english": " indeed ", "chinese": "呃"}
RUN: Final = {"english": 5, "chinese": 10}
"""Words of a run, as they are set for short texts."""


def quotes(rows: int, seed: int, *, language: str) -> Planted:
    """Lines of talk, of which some are quoted in longer texts, whole or with a change amid."""
    draw = np.random.default_rng(seed)
    known = prose.apart(_long_enough(prose.lines(language, CHARACTERS)))
    texts = [known[at] for at in draw.permutation(len(known))]
    each = max(rows // 5, 4)
    real, held, right = prose.cut(texts, (rows, rows, rows))
    wrapped = WRAPPED[language]
    planted = {
        "held-out line quoted": [wrapped.format(line) for line in held[:each]],
        "held-out line quoted, changed amid": [
            wrapped.format(_changed(line, language)) for line in held[:each]
        ],
        "real line quoted": [wrapped.format(line) for line in real[:each]],
    }
    halfway = len(right) // 2
    others = [*right[:halfway], *(wrapped.format(line) for line in right[halfway:])]
    given = Given(prose.as_rows(real, 0), held_out=prose.as_texts(held))
    frames = {kind: prose.as_texts(found) for kind, found in planted.items()}
    return Planted(batch(prose.as_texts(others), frames), given)


def _long_enough(lines: list[str]) -> list[str]:
    words = containment.different_words(shingles.normal(pl.Series(lines)))
    return pl.Series(lines).filter(words >= WORDS).to_list()


def _changed(line: str, language: str) -> str:
    """Put a word amid a line: into its middle, or at the first space after it."""
    middle = len(line) // 2
    if language == "english":
        middle = line.find(" ", middle) if " " in line[middle:] else line.rfind(" ")
    return f"{line[:middle]}{CHANGED[language]}{line[middle:]}"


def _case(data: str, language: str) -> RowCase:
    return RowCase(
        data,
        partial(quotes, language=language),
        {"text_overlap": {"ngram": RUN[language]}},
        (
            Seen(
                "no_held_out_line_quoted",
                BETWEEN,
                {"column": "text_held_out_contained", "max_value": 0.9},
                ("held-out line quoted",),
                "text_overlap",
                misses=("held-out line quoted, changed amid",),
            ),
            Seen(
                "no_real_line_quoted",
                BETWEEN,
                {"column": "text_real_contained", "max_value": 0.9},
                ("real line quoted",),
                "text_overlap",
            ),
            Seen(
                "not_from_hold_out",
                BETWEEN,
                {"column": "text_held_out_overlap", "max_value": 0.2},
                (),
                "text_overlap",
                misses=("held-out line quoted",),
            ),
        ),
    )


ENGLISH: Final = _case("quotes", "english")
CHINESE: Final = _case("quotes in Chinese", "chinese")
