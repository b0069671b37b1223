"""Plant errors: make five kinds of wrong rows on purpose from real rows that are known to be right.

A planted error is a wrong row whose kind is known, because it was made here. It is verified among
right rows, and a good verifier keeps the right rows and none of the planted ones. The kinds are
errors that generators are known for: `mislabelled` (another label, or another row's answer),
`corrupted` (half of the image covered, or half of its pixels replaced by noise; shuffled
characters), `copied` (an unchanged real training row), `blank`, and `off_topic` (blocks of the
image moved and light exchanged with dark; sentences about another subject).

No right row shares its content with a mislabelled one, so that a scorer that looks for duplicates
among the candidates is not misled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.common.errors import DataError
from pipelines.features import images

KIND: Final = "kind"
"""Column: the kind of error that was planted; null in a right row."""
MISLABELLED: Final = "mislabelled"
COPIED: Final = "copied"
TEXTS: Final = ("completion", "answer", "text")
"""Columns that may hold the generated text, in order of preference."""
LABEL: Final = "label"
NOISE: Final = 0.5
"""Share of the pixels that are replaced by noise."""
BLOCKS: Final = 4
"""Number of moved blocks along each side of an image of another domain."""
OFF_TOPIC_SENTENCES: Final = (
    "The ferry leaves the harbour at noon and returns before the tide turns.",
    "Fold the dough three times and let it rest under a damp cloth.",
    "The council will repave the road behind the station in spring.",
    "Her grandmother kept bees on the slope above the vineyard.",
    "Tune the lowest string first, then check the octave by ear.",
    "A cold front brings rain to the coast and snow to the hills.",
)
"""Sentences about other subjects."""

Damage = Callable[[pl.Series, Generator], pl.Series]
"""Makes the values of a column wrong."""


def plant(
    right: pl.DataFrame,
    training: pl.DataFrame,
    *,
    rows: int,
    seed: int,
    right_rows: int | None = None,
) -> pl.DataFrame:
    """Plant errors into rows that are known to be right.

    Args:
        right: Payload of real rows that no scorer learns from.
        training: Payload of real training rows, which are copied.
        rows: Number of errors to plant, in equal shares of the kinds; as many rows stay right. If
            there are too few real rows, both numbers are smaller.
        seed: Seed of the choice of rows and of the damage.
        right_rows: Number of rows that stay right; None: as many as errors.

    Returns:
        The payload columns that both frames have, and `kind`; right rows first.

    Raises:
        DataError: There are too few rows, only one label, or no payload that can be damaged.
    """
    columns = [name for name in right.columns if name in training.columns]
    column, damages = _payload(right)
    random = np.random.default_rng(seed)
    share = min(rows // (len(damages) + 2), len(right) // 4, len(training))
    if share < 1:
        raise DataError(
            f"{len(right)} held-out rows and {rows} errors are too few to plant errors of "
            f"{len(damages) + 2} kinds; hold out more rows, or ask for more"
        )
    order = random.permutation(len(right))
    kept = order[share : share + (rows if right_rows is None else right_rows)]
    relabelled = order[:share]
    parts = [
        right[kept].with_columns(pl.lit(None, pl.String).alias(KIND)),
        _of_kind(_mislabelled(right[relabelled], right, column, random), MISLABELLED),
        _of_kind(training[random.permutation(len(training))[:share]], COPIED),
    ]
    for name, damage in damages.items():
        base = right[random.permutation(len(right))[:share]]
        parts.append(_of_kind(base.with_columns(damage(base[column], random)), name))
    return pl.concat([part.select(*columns, KIND) for part in parts])


def _of_kind(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    return frame.with_columns(pl.lit(kind).alias(KIND))


def _payload(frame: pl.DataFrame) -> tuple[str, Mapping[str, Damage]]:
    """Choose the column that is damaged, and the kinds of damage."""
    for name, dtype in frame.schema.items():
        if dtype == images.IMAGE:
            return name, IMAGE_DAMAGE
    for name in TEXTS:
        if frame.schema.get(name) == pl.String:
            return name, TEXT_DAMAGE
    raise DataError(
        f"errors can be planted into images and texts ({', '.join(TEXTS)}), and the rows have "
        f"neither: {', '.join(frame.columns)}"
    )


def _mislabelled(
    frame: pl.DataFrame, pool: pl.DataFrame, column: str, random: Generator
) -> pl.DataFrame:
    """Give each row another label; without labels, the payload of another row of the pool."""
    replaced = LABEL if LABEL in frame.columns else column
    values = pool[replaced].unique().drop_nulls().sort()
    if len(values) < 2:  # noqa: PLR2004  one to replace by another
        raise DataError(f"all rows have the same {replaced}, so none can be given a wrong one")
    numbered = values.to_frame().with_row_index("index").unique(replaced)
    joined = frame.select(replaced).join(numbered, on=replaced, how="left", maintain_order="left")
    steps = random.integers(1, len(values), len(frame))
    wrong = (joined["index"].to_numpy() + steps) % len(values)
    return frame.with_columns(values[wrong.tolist()])


def _images(
    change: Callable[[NDArray[np.float32], Generator], NDArray[np.float32]],
) -> Damage:
    """Make a damage of images from a change of pixels [n, h, w], or [n, h, w, 3] in colour."""

    def damage(column: pl.Series, random: Generator) -> pl.Series:
        changed = change(images.to_unit(images.decode(column)), random)
        return images.encode_lenient(changed).alias(column.name)

    return damage


def _corrupted(pixels: NDArray[np.float32], random: Generator) -> NDArray[np.float32]:
    """Replace half of the pixels by noise, or half of the image by grey."""
    count, height, width, *_ = pixels.shape
    noisy = random.random(pixels.shape[:3]) < NOISE
    noise = random.random(pixels.shape, dtype=np.float32)
    down, across = np.arange(height) < height // 2, np.arange(width) < width // 2
    upper = np.broadcast_to(down[:, None], (height, width))
    left = np.broadcast_to(across[None, :], (height, width))
    halves = np.stack([upper, ~upper, left, ~left])[random.integers(0, 4, count)]
    covered = _per_pixel(random.integers(0, 2, (count, 1, 1)) == 1, pixels)
    spoilt = np.where(_per_pixel(noisy, pixels), noise, pixels)
    hidden = np.where(_per_pixel(halves, pixels), np.float32(0.5), pixels)
    return np.where(covered, hidden, spoilt).astype(np.float32)


def _blank(pixels: NDArray[np.float32], random: Generator) -> NDArray[np.float32]:
    """Fill each image with one shade: black, grey or white."""
    shade = random.integers(0, 3, (len(pixels), 1, 1)) / 2
    return np.broadcast_to(_per_pixel(shade, pixels), pixels.shape).astype(np.float32)


def _off_topic(pixels: NDArray[np.float32], random: Generator) -> NDArray[np.float32]:
    """Move blocks of each image, and exchange light and dark."""
    count, height, width, *_ = pixels.shape
    down = _moved(height, count, random)
    across = _moved(width, count, random)
    moved = np.take_along_axis(pixels, _per_pixel(down[:, :, None], pixels), axis=1)
    dark: NDArray[np.float32] = np.take_along_axis(
        moved, _per_pixel(across[:, None, :], pixels), axis=2
    )
    return (1 - dark).astype(np.float32)


def _per_pixel(values: NDArray[Any], pixels: NDArray[np.float32]) -> NDArray[Any]:
    """Give [n, h, w] an axis more where the pixels are in colour, [n, h, w, 3]."""
    return values.reshape(values.shape + (1,) * (pixels.ndim - values.ndim))


def _moved(size: int, count: int, random: Generator) -> NDArray[np.intp]:
    """Permute the blocks of lines of each image: [count, size] line numbers."""
    block = np.minimum(np.arange(size) * BLOCKS // size, BLOCKS - 1)
    ranks = random.random((count, BLOCKS)).argsort(axis=1).argsort(axis=1)
    return np.argsort(ranks[:, block], axis=1, kind="stable")


def _texts(change: Callable[[list[str], Generator], list[str]]) -> Damage:
    """Make a damage of a text column from a change of texts."""

    def damage(column: pl.Series, random: Generator) -> pl.Series:
        changed = change(column.fill_null("").to_list(), random)
        return pl.Series(column.name, changed, dtype=pl.String)

    return damage


def shuffle_characters(texts: list[str], random: Generator) -> list[str]:
    """Shuffle the characters of each text."""
    return ["".join(random.permutation(list(text))) if text else text for text in texts]


def _off_topic_texts(texts: list[str], random: Generator) -> list[str]:
    """Replace each text by two sentences about another subject."""
    sentences = OFF_TOPIC_SENTENCES
    pairs = random.integers(0, len(sentences), (len(texts), 2))
    return [f"{sentences[first]} {sentences[second]}" for first, second in pairs]


IMAGE_DAMAGE: Final[Mapping[str, Damage]] = {
    "corrupted": _images(_corrupted),
    "blank": _images(_blank),
    "off_topic": _images(_off_topic),
}
TEXT_DAMAGE: Final[Mapping[str, Damage]] = {
    "corrupted": _texts(shuffle_characters),
    "blank": _texts(lambda texts, _: [""] * len(texts)),
    "off_topic": _texts(_off_topic_texts),
}
KINDS: Final = (MISLABELLED, COPIED, *IMAGE_DAMAGE)
