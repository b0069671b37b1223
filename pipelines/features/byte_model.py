"""A language model of bytes: interpolated n-grams, as in compression by partial matching.

It needs no tokens and no list of words, so it measures texts of every script in the same way. The
probability of a byte after a context is that of Witten & Bell (1991, method C; prediction by
partial matching of Cleary & Witten 1984): p(b|h) = (c(hb) + T(h)·p(b|h')) / (c(h) + T(h)), with
c the weighted count in the training texts, T(h) the number of different bytes seen after h, and h'
the context without its first byte. The empty context falls back on all 256 values of a byte.
A text begins with a boundary and ends with one: the byte 0xFF, which UTF-8 never uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ORDER: Final = 8
"""Bytes of the longest n-gram: a number of 64 bits holds it, so that no two are taken for one."""
BOUNDARY: Final = 0xFF
"""Byte before and after each text."""
VALUES: Final = 256
"""Values of a byte."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Statistics of the n-grams of one length, sorted by their number."""

    grams: NDArray[np.uint64]
    """Distinct n-grams, as numbers."""
    counts: NDArray[np.float64]
    """Weighted count of each n-gram."""
    contexts: NDArray[np.uint64]
    """Distinct contexts: the n-grams without their last byte."""
    totals: NDArray[np.float64]
    """Weighted count of each context."""
    kinds: NDArray[np.float64]
    """Different bytes that were seen after each context."""


@dataclass(frozen=True, slots=True)
class ByteModel:
    """A trained model."""

    levels: tuple[Level, ...]
    """By length of the n-grams, from 1 on."""

    def log_likelihoods(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Compute ln p of each text, with its end, and its bytes, [n, 2]; the end is a byte too."""
        stream = Stream.of(texts)
        chances = np.full(len(stream.ends), 1.0 / VALUES)
        for length, level in enumerate(self.levels, start=1):
            chances = _interpolated(level, stream.grams(length), chances)
        totals = np.bincount(stream.texts, weights=np.log(chances), minlength=len(texts))
        return np.stack([totals, np.bincount(stream.texts, minlength=len(texts))], axis=1)


def train(texts: Sequence[str], weights: NDArray[np.float64] | None = None) -> ByteModel:
    """Count the n-grams of texts.

    Args:
        texts: [n].
        weights: [n], how often each text counts; None: once.
    """
    stream = Stream.of(texts)
    share = np.ones(len(texts)) if weights is None else weights / weights.mean()
    counted = share[stream.texts]
    return ByteModel(tuple(_level(stream.grams(length), counted) for length in range(1, ORDER + 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """The bytes of texts, one text after the other, each after `ORDER` - 1 boundaries."""

    bytes: NDArray[np.uint8]
    ends: NDArray[np.int64]
    """Where each predicted byte stands in `bytes`."""
    texts: NDArray[np.int64]
    """The text of each predicted byte."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> Stream:
        """Lay out texts."""
        before = bytes([BOUNDARY]) * (ORDER - 1)
        encoded = [text.encode("utf-8", "replace") + bytes([BOUNDARY]) for text in texts]
        lengths = np.asarray([len(each) for each in encoded], dtype=np.int64)
        starts = np.cumsum(lengths + ORDER - 1) - lengths
        number = np.repeat(np.arange(len(texts)), lengths)
        inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        joined = np.frombuffer(b"".join(before + each for each in encoded), dtype=np.uint8)
        return cls(joined, np.repeat(starts, lengths) + inside, number)

    def grams(self, length: int) -> NDArray[np.uint64]:
        """The n-gram that ends in each predicted byte, as a number."""
        grams = np.zeros(len(self.ends), dtype=np.uint64)
        for back in range(length - 1, -1, -1):
            grams = (grams << np.uint64(8)) | self.bytes[self.ends - back].astype(np.uint64)
        return grams


def _level(stream: NDArray[np.uint64], weights: NDArray[np.float64]) -> Level:
    grams, of_gram = np.unique(stream, return_inverse=True)
    counts = _sums(of_gram, weights, len(grams))
    contexts, of_context = np.unique(grams >> np.uint64(8), return_inverse=True)
    totals = _sums(of_context, counts, len(contexts))
    kinds = np.bincount(of_context, minlength=len(contexts)).astype(np.float64)
    return Level(grams, counts, contexts, totals, kinds)


def _sums(
    groups: NDArray[np.int64], weights: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    return np.bincount(groups, weights=weights, minlength=count).astype(np.float64)


def _interpolated(
    level: Level, grams: NDArray[np.uint64], shorter: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate the chances [n] of the shorter context with the counts of one length."""
    counts = _looked_up(level.grams, level.counts, grams)
    contexts = grams >> np.uint64(8)
    totals = _looked_up(level.contexts, level.totals, contexts)
    kinds = _looked_up(level.contexts, level.kinds, contexts)
    seen = totals > 0
    divisor = np.where(seen, totals + kinds, 1.0)
    mixed: NDArray[np.float64] = np.where(seen, (counts + kinds * shorter) / divisor, shorter)
    return mixed


def _looked_up(
    keys: NDArray[np.uint64], values: NDArray[np.float64], asked: NDArray[np.uint64]
) -> NDArray[Any]:
    """Value of each key, 0 of one that is not there."""
    if not len(keys):
        return np.zeros(len(asked))
    positions = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[positions] == asked, values[positions], 0.0)
