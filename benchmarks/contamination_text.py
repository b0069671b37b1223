"""English sentences that leak, and are rewritten by template until no n-gram tells.

The corpus is the language reference that ships with Python (`pydoc_data.topics`): real prose by
many hands, at hand without a network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.contaminated import Copies, Corpus, Kind
from lineage import splits
from lineage.identity import sample_ids

GPT3: Final = 13
"""Brown et al. 2020, appendix C: contaminated if it shares one n-gram, of 13 words at most."""
PALM: Final = 8
PALM_SHARE: Final = 0.7
"""Chowdhery et al. 2022, section 8: contaminated if 70 % of its 8-grams are found."""
WORDS: Final = range(14, 61)
"""Length of the sentences."""
HELD_OUT: Final = 0.3

SYNONYMS: Final = {
    "a": "one", "also": "in addition", "an": "one", "and": "as well as", "any": "whatever",
    "are": "happen to be", "as": "in the way of", "at": "close to", "be": "come to be",
    "because": "given that", "by": "by way of", "can": "is able to", "class": "type",
    "code": "program text", "defined": "laid down", "for": "on behalf of", "from": "out of",
    "function": "routine", "has": "comes with", "have": "come with", "if": "in case",
    "in": "within", "is": "happens to be", "it": "this thing", "may": "is free to",
    "method": "procedure", "must": "has to", "not": "in no way", "object": "entity",
    "of": "belonging to", "on": "on top of", "only": "just", "or": "or else",
    "same": "identical", "statement": "instruction", "that": "which", "the": "that",
    "this": "the present", "to": "in order to", "used": "employed", "value": "content",
    "when": "once", "which": "that", "will": "is going to", "with": "together with",
}  # fmt: skip
"""What a template puts in place of a word."""
FRAMES: Final = (
    "Put differently: {0}, {1}.",
    "{0}. Keep in mind: {1}.",
    "Question: what about {1}? Answer: {0}.",
    "First {1}; before that, {0}.",
)


class Sentences(Kind):
    """Sentences, rewritten word by word, in another order, in a frame."""

    name = "text"
    relations = ("edited",)
    most_parents = 2

    def corpus(self, seed: int) -> Corpus:
        """Split the corpus; sentences that share an n-gram stay together."""
        found = _sentences()
        ids = self.ids(found)
        groups = splits.groups(ids, _pairs(found))
        split = splits.assign(ids, groups, {"held": HELD_OUT}, key=f"seed {seed}").to_numpy()
        return Corpus(found[split == splits.TRAIN], found[split == "held"])

    def ids(self, contents: NDArray[np.object_]) -> pl.Series:
        """Content ids."""
        return sample_ids(pl.DataFrame({"text": contents.tolist()}), ["text"])

    def near_copies(self, contents: NDArray[np.object_], draw: Generator) -> NDArray[np.object_]:
        """As a scraper brings them: without case and punctuation, cut off, something before."""
        found = [_words(text) for text in contents]
        kept = draw.uniform(0.8, 1.0, len(found))
        parts = [
            words[: round(len(words) * share)] for words, share in zip(found, kept, strict=True)
        ]
        return _array(f"home > documentation > {' '.join(words)}" for words in parts)

    def rewrite(
        self, parents: Sequence[NDArray[np.object_]], draw: Generator
    ) -> NDArray[np.object_]:
        """Put the words of one or two parents into other words, and these into a frame."""
        return _array(_rewritten(texts, draw) for texts in zip(*parents, strict=True))

    def leaks(self, contents: NDArray[np.object_], held: NDArray[np.object_]) -> Copies:
        """Equal by content id; near by an n-gram of GPT-3's length."""
        equal = self.ids(contents).is_in(self.ids(held).implode()).to_numpy()
        return Copies(equal, _overlap(contents, held, GPT3) > 0)

    def baselines(
        self, contents: NDArray[np.object_], held: NDArray[np.object_]
    ) -> dict[str, NDArray[np.bool_]]:
        """What n-grams alone flag."""
        of_8 = _overlap(contents, held, PALM)
        return {
            f"one {GPT3}-gram (GPT-3)": _overlap(contents, held, GPT3) > 0,
            f"{PALM_SHARE:.0%} of the {PALM}-grams (PaLM)": of_8 >= PALM_SHARE,
            f"one {PALM}-gram": of_8 > 0,
        }


def _sentences() -> NDArray[np.object_]:
    """Sentences of the language reference, each once, in order."""
    from pydoc_data.topics import topics  # noqa: PLC0415  large

    text = "\n\n".join(topics[name] for name in sorted(topics))
    prose = [part for part in text.split("\n\n") if not re.match(r"\s{3,}|[*|+]", part)]
    plain = [re.sub(r"\s+", " ", part).strip() for part in prose]
    each = [found for part in plain for found in re.split(r"(?<=[.!?]) (?=[A-Z])", part)]
    sentences = [
        found
        for found in each
        if len(_words(found)) in WORDS and re.fullmatch(r"[A-Z][^|={}<>]*[.!?]", found)
    ]
    return _array(dict.fromkeys(sentences))


def _rewritten(texts: Sequence[str], draw: Generator) -> str:
    words = [word for text in texts for word in _words(text)]
    told = [
        SYNONYMS.get(word, word) if chance else word
        for word, chance in zip(words, draw.random(len(words)) < 0.5, strict=True)  # noqa: PLR2004  every other word
    ]
    middle = len(told) // 2 + int(draw.integers(-2, 3))
    frame = FRAMES[draw.integers(len(FRAMES))]
    return frame.format(" ".join(told[middle:]), " ".join(told[:middle]))


def _overlap(
    contents: NDArray[np.object_], held: NDArray[np.object_], size: int
) -> NDArray[np.float64]:
    """Share of each text's n-grams that a held-out text has, [n]."""
    known = {gram for text in held for gram in _grams(text, size)}
    each = [_grams(text, size) for text in contents]
    return np.asarray([len(grams & known) / max(len(grams), 1) for grams in each])


def _pairs(contents: NDArray[np.object_]) -> NDArray[np.int64]:
    """Pairs of texts that share an 8-gram, [p, 2]: each with the first that has it."""
    first: dict[tuple[str, ...], int] = {}
    found = [
        (first.setdefault(gram, at), at)
        for at, text in enumerate(contents)
        for gram in sorted(_grams(text, PALM))
    ]
    return np.asarray([pair for pair in set(found) if pair[0] != pair[1]], dtype=np.int64).reshape(
        -1, 2
    )


def _grams(text: str, size: int) -> set[tuple[str, ...]]:
    words = _words(text)
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def _words(text: str) -> list[str]:
    """Words in lower case, without punctuation."""
    return re.findall(r"\w+", text.lower())


def _array(texts: Iterable[str]) -> NDArray[np.object_]:
    return np.asarray(list(texts), dtype=np.object_)
