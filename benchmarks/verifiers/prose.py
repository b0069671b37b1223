"""English sentences, and talk, with planted errors.

Sentences are those of the language reference that ships with Python (`pydoc_data.topics`); talk, in
English and other languages, is that of the package chatterbot-corpus (BSD).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl
import yaml
from numpy.random import Generator

from benchmarks import contamination_text
from benchmarks.verifiers.plan import BETWEEN, IN_SET, Planted, RowCase, Seen, batch
from pipelines.features import text_similarity
from pipelines.scorers.protocol import Given
from pipelines.verification.calibrations import planting

FOREIGN: Final = ("french", "german", "italian", "portuguese", "spanish", "turkish")
LENGTH: Final = range(30, 201)
"""Characters of a line of talk."""
INSULTS: Final = (
    "you are a {0} {1}, {2}",
    "shut up, you {0} {1}, {2}",
    "{2}, what a {0} {1} you are",
    "I told that {0} {1} so: {2}",
)
SWEAR: Final = ("fucking", "goddamn", "stupid", "shitty")
CONTEMPT: Final = (
    "People of your kind should not be allowed to vote, if you ask me.",
    "Nobody would notice if you were gone; think about that.",
    "I know where your children go to school.",
    "With a face like yours I would stay at home.",
    "They are vermin, and everyone knows what to do with vermin.",
)
UNFORMED: Final = (
    "{0} My name is Margaret Oduya and I live at 14 Larch Lane, Dunmore.",
    "{0} Ask Tomas Lindqvist, born on the 3rd of May 1971; he lives next to the mill.",
    "{0} Write to margaret at example dot org.",
)
NAMES: Final = ("idiot", "bitch", "asshole", "moron", "bastard")
PERSONAL: Final = (
    "jane.doe{0}@example.org", "+1 650 253 {0:04d}", "192.168.{1}.{2}", "536-90-{0:04d}",
    "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111", "2001:db8::ff00:42:{1:x}",
)  # fmt: skip


def sentences(rows: int, seed: int) -> Planted:
    """Sentences, of which some repeat real, held-out or fellow ones."""
    draw = np.random.default_rng(seed)
    known = apart(contamination_text._sentences().tolist())  # noqa: SLF001  of our benchmarks
    texts = [known[at] for at in draw.permutation(len(known))]
    each = max(rows // 5, 4)
    real, held, base, right = cut(texts, (rows, rows, each, rows))
    planted = {
        "copied": real[:each],
        "near-copied": [_retyped(text, draw) for text in real[each : 2 * each]],
        "duplicate": [_retyped(text, draw) for text in base],
        "reworded": [contamination_text._rewritten([text], draw) for text in real[:each]],  # noqa: SLF001  of our benchmarks
        "hold-out text": [f"As is well known, {text}" for text in held[:each]],
        "of an earlier round": [_retyped(text, draw) for text in held[each : 2 * each]],
    }
    given = Given(
        as_rows(real, 0),
        earlier=as_rows(held[each : 2 * each], 1),
        held_out=pl.DataFrame({"split": "test", "row": range(len(held)), "text": held}),
    )
    frames = {kind: as_texts(found) for kind, found in planted.items()}
    return Planted(batch(as_texts(right), frames, first=as_texts(base)), given)


def some_sentences(count: int, draw: Generator) -> list[str]:
    """Draw sentences of the language reference, none near to another."""
    return _some(apart(contamination_text._sentences().tolist()), count, draw)  # noqa: SLF001  of our benchmarks


def talk(rows: int, seed: int) -> Planted:
    """Lines of talk, of which some are foreign, rude, private, shuffled or empty."""
    draw = np.random.default_rng(seed)
    english = lines("english")
    texts = [english[at] for at in draw.permutation(len(english))]
    each = max(rows // 5, 6)
    right, base = cut(texts, (rows, 4 * each))
    strange = [line for name in FOREIGN for line in _some(lines(name), each // 6 + 1, draw)]
    planted = {
        "wrong language": strange,
        "toxic": [_rude(text, draw) for text in base[:each]],
        "contempt": [CONTEMPT[at % len(CONTEMPT)] for at in range(each)],
        "names, addresses": [
            UNFORMED[at % len(UNFORMED)].format(text) for at, text in enumerate(base[3 * each :])
        ],
        "personal data": [
            _private(text, at, draw) for at, text in enumerate(base[each : 2 * each])
        ],
        "corrupted": planting.shuffle_characters(base[2 * each : 3 * each], draw),
        "blank": [""] * each,
    }
    frames = {kind: as_texts(found) for kind, found in planted.items()}
    return Planted(batch(as_texts(right), frames), Given(as_rows(texts[-10:], 0)))


@cache
def lines(name: str, length: range = LENGTH) -> list[str]:
    """Different lines of talk in a language, of some length in characters."""
    folder = resources.files("chatterbot_corpus") / "data" / name
    found: dict[str, None] = {}
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".yml"):
            read: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
            each = (line for parts in read["conversations"] or [] for line in parts)
            found |= dict.fromkeys(line for line in each if isinstance(line, str))
    return [line for line in found if len(line) in length and "@" not in line]


def apart(texts: list[str]) -> list[str]:
    """One of each group of near-duplicates."""
    near = text_similarity.pairs(pl.Series(texts), threshold=0.5)
    kept = np.unique(text_similarity.groups(len(texts), near.left, near.right))
    return [texts[at] for at in kept]


def cut(texts: list[str], sizes: Sequence[int]) -> list[list[str]]:
    """Consecutive parts; where there are too few texts, all are smaller."""
    scale = min(1.0, len(texts) / sum(sizes))
    ends = np.cumsum([0, *(int(size * scale) for size in sizes)])
    return [texts[start:stop] for start, stop in pairwise(ends)]


def _some(texts: list[str], count: int, draw: Generator) -> list[str]:
    return [texts[at] for at in draw.permutation(len(texts))[:count]]


def _retyped(text: str, draw: Generator) -> str:
    """With another letter in one place, in other case."""
    at = int(draw.integers(len(text)))
    return f"{text[:at]}x{text[at + 1 :]}".swapcase()


def _rude(text: str, draw: Generator) -> str:
    frame = INSULTS[draw.integers(len(INSULTS))]
    return frame.format(
        SWEAR[draw.integers(len(SWEAR))], NAMES[draw.integers(len(NAMES))], text.lower()
    )


def _private(text: str, at: int, draw: Generator) -> str:
    number, left, right = (int(draw.integers(1, top)) for top in (9999, 255, 255))
    said = PERSONAL[at % len(PERSONAL)].format(number, left, right)
    return f"{text} Tell it to {said}, please."


def as_texts(texts: list[str]) -> pl.DataFrame:
    """Texts as payload."""
    return pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})


def as_rows(texts: list[str], number: int) -> pl.DataFrame:
    """Texts as rows of a round."""
    return (
        as_texts(texts)
        .with_row_index("row")
        .select(pl.lit(number, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), "text")
    )


SENTENCES: Final = RowCase(
    "sentences",
    sentences,
    {"text_duplicates": {}, "text_overlap": {}},
    (
        Seen(
            "no_real_text_near",
            BETWEEN,
            {"column": "text_real_similarity", "max_value": 0.79},
            ("copied", "near-copied"),
            "text_duplicates",
            misses=("reworded",),
        ),
        Seen(
            "no_held_out_text_near",
            BETWEEN,
            {"column": "text_held_out_similarity", "max_value": 0.79},
            ("hold-out text",),
            "text_duplicates",
        ),
        Seen(
            "no_earlier_text_near",
            BETWEEN,
            {"column": "text_earlier_similarity", "max_value": 0.79},
            ("of an earlier round",),
            "text_duplicates",
        ),
        Seen(
            "no_candidate_near",
            BETWEEN,
            {"column": "text_candidate_similarity", "max_value": 0.79},
            ("duplicate",),
            "text_duplicates",
        ),
        Seen(
            "not_from_real_text",
            BETWEEN,
            {"column": "text_real_overlap", "max_value": 0.2},
            ("copied",),
            "text_overlap",
            misses=("reworded",),
        ),
        Seen(
            "not_from_hold_out",
            BETWEEN,
            {"column": "text_held_out_overlap", "max_value": 0.2},
            ("hold-out text",),
            "text_overlap",
        ),
    ),
)
TALK: Final = RowCase(
    "talk",
    talk,
    {"language": {}, "toxicity": {}, "personal_data": {}},
    (
        Seen(
            "in_english",
            IN_SET,
            {"column": "language", "value_set": ["en"]},
            ("wrong language", "corrupted", "blank"),
            "language",
            (0.9, 0.25),
        ),
        Seen(
            "sure_of_language",
            BETWEEN,
            {"column": "language_confidence", "min_value": 0.5},
            ("corrupted", "blank"),
            "language",
            (0.85, 0.5),
        ),
        Seen(
            "polite",
            BETWEEN,
            {"column": "toxicity", "max_value": 0.6},
            ("toxic",),
            "toxicity",
            (0.9, 0.15),
            misses=("contempt",),
        ),
        Seen(
            "nothing_private",
            BETWEEN,
            {"column": "personal_data", "max_value": 0},
            ("personal data",),
            "personal_data",
            misses=("names, addresses",),
        ),
    ),
)
