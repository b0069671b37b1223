"""Planted errors: rows that are known to be right, and five kinds of wrong ones made from them.

A verifier is good if it keeps the right ones and none of the others. The kinds are those that
generators are known for: `mislabelled` (another label, or another row's answer), `corrupted` (half
of the image covered, or half of its pixels noise; shuffled characters), `copied` (a real training
row as it is), `blank`, and `off_topic` (blocks of the image moved about and light turned to dark;
sentences of another subject).

No right row shares its content with a mislabelled one, so that a scorer that looks for twins among
the candidates is not misled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.common.errors import DataError
from pipelines.features import images

KIND: Final = "kind"
"""Column: which error was planted; null in a row that is right."""
MISLABELLED: Final = "mislabelled"
COPIED: Final = "copied"
TEXTS: Final = ("completion", "answer", "text")
"""Columns that hold a generated text; the first that is there counts."""
LABEL: Final = "label"
NOISE: Final = 0.5
"""Share of the pixels that noise replaces."""
BLOCKS: Final = 4
"""An image of another domain has this many moved blocks a side."""
OTHER: Final = (
    "The ferry leaves the harbour at noon and returns before the tide turns.",
    "Fold the dough three times and let it rest under a damp cloth.",
    "The council will repave the road behind the station in spring.",
    "Her grandmother kept bees on the slope above the vineyard.",
    "Tune the lowest string first, then check the octave by ear.",
    "A cold front brings rain to the coast and snow to the hills.",
)
"""Sentences of another subject."""

Damage = Callable[[pl.Series, Generator], pl.Series]
"""Makes payloads wrong."""


def plant(right: pl.DataFrame, training: pl.DataFrame, *, rows: int, seed: int) -> pl.DataFrame:
    """Plant errors into rows that are known to be right.

    Args:
        right: payload of real rows that no scorer learns from.
        training: payload of real training rows, of which copies are made.
        rows: planted errors that are wanted, in equal shares of the kinds; as many rows are left
            as they are. Where there are too few real rows, both are fewer.
        seed: of the rows and the damage.

    Returns:
        The payload columns that both frames have, and `kind`; right rows first.

    Raises:
        DataError: there are too few rows, a single label, or no payload that can be damaged.
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
    kept, relabelled = order[share : share + rows], order[:share]
    parts = [
        right[kept].with_columns(pl.lit(None, pl.String).alias(KIND)),
        _named(_mislabelled(right[relabelled], right, column, random), MISLABELLED),
        _named(training[random.permutation(len(training))[:share]], COPIED),
    ]
    for name, damage in damages.items():
        base = right[random.permutation(len(right))[:share]]
        parts.append(_named(base.with_columns(damage(base[column], random)), name))
    return pl.concat([part.select(*columns, KIND) for part in parts])


def _named(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    return frame.with_columns(pl.lit(kind).alias(KIND))


def _payload(frame: pl.DataFrame) -> tuple[str, Mapping[str, Damage]]:
    """The column that is damaged, and how."""
    for name, kind in frame.schema.items():
        if kind == images.IMAGE:
            return name, IMAGE_DAMAGE
    for name in TEXTS:
        if frame.schema.get(name) == pl.String:
            return name, TEXT_DAMAGE
    raise DataError(
        f"errors can be planted into images and texts ({', '.join(TEXTS)}), and the rows have "
        f"neither: {', '.join(frame.columns)}"
    )


def _mislabelled(
    frame: pl.DataFrame, among: pl.DataFrame, column: str, random: Generator
) -> pl.DataFrame:
    """Another label for each row; where there are no labels, the payload of another row."""
    wrong = LABEL if LABEL in frame.columns else column
    known = among[wrong].unique().drop_nulls().sort()
    if len(known) < 2:  # noqa: PLR2004  one to replace by another
        raise DataError(f"all rows have the same {wrong}, so none can be given a wrong one")
    at = known.to_frame().with_row_index("at").unique(wrong)
    found = frame.select(wrong).join(at, on=wrong, how="left", maintain_order="left")["at"]
    steps = random.integers(1, len(known), len(frame))
    return frame.with_columns(known[((found.to_numpy() + steps) % len(known)).tolist()])


def _images(
    change: Callable[[NDArray[np.float32], Generator], NDArray[np.float32]],
) -> Damage:
    """A damage of pixels [n, h, w]."""

    def damage(column: pl.Series, random: Generator) -> pl.Series:
        changed = change(images.to_unit(images.decode(column)), random)
        return images.encode_lenient(changed).alias(column.name)

    return damage


def _corrupted(pixels: NDArray[np.float32], random: Generator) -> NDArray[np.float32]:
    """Noise in place of half of the pixels, or grey in place of half of the image."""
    count, height, width = pixels.shape
    noisy = random.random(pixels.shape) < NOISE
    noise = random.random(pixels.shape, dtype=np.float32)
    down, across = np.arange(height) < height // 2, np.arange(width) < width // 2
    upper = np.broadcast_to(down[:, None], (height, width))
    left = np.broadcast_to(across[None, :], (height, width))
    halves = np.stack([upper, ~upper, left, ~left])[random.integers(0, 4, count)]
    covered = random.integers(0, 2, (count, 1, 1)) == 1
    spoilt = np.where(noisy, noise, pixels)
    hidden = np.where(halves, np.float32(0.5), pixels)
    return np.where(covered, hidden, spoilt).astype(np.float32)


def _blank(pixels: NDArray[np.float32], random: Generator) -> NDArray[np.float32]:
    """One shade all over: black, white or between."""
    shade = random.integers(0, 3, (len(pixels), 1, 1)) / 2
    return np.broadcast_to(shade, pixels.shape).astype(np.float32)


def _off_topic(pixels: NDArray[np.float32], random: Generator) -> NDArray[np.float32]:
    """Blocks in another order, light and dark exchanged."""
    count, height, width = pixels.shape
    down = _moved(height, count, random)
    across = _moved(width, count, random)
    moved = np.take_along_axis(pixels, down[:, :, None], axis=1)
    dark: NDArray[np.float32] = np.take_along_axis(moved, across[:, None, :], axis=2)
    return (1 - dark).astype(np.float32)


def _moved(size: int, count: int, random: Generator) -> NDArray[np.intp]:
    """For each image, its lines in blocks of another order, [count, size]."""
    block = np.minimum(np.arange(size) * BLOCKS // size, BLOCKS - 1)
    places = random.random((count, BLOCKS)).argsort(axis=1).argsort(axis=1)
    return np.argsort(places[:, block], axis=1, kind="stable")


def _texts(change: Callable[[list[str], Generator], list[str]]) -> Damage:
    """A damage of texts."""

    def damage(column: pl.Series, random: Generator) -> pl.Series:
        changed = change(column.fill_null("").to_list(), random)
        return pl.Series(column.name, changed, dtype=pl.String)

    return damage


def _shuffled(texts: list[str], random: Generator) -> list[str]:
    return ["".join(random.permutation(list(text))) if text else text for text in texts]


def _elsewhere(texts: list[str], random: Generator) -> list[str]:
    pairs = random.integers(0, len(OTHER), (len(texts), 2))
    return [f"{OTHER[first]} {OTHER[second]}" for first, second in pairs]


IMAGE_DAMAGE: Final[Mapping[str, Damage]] = {
    "corrupted": _images(_corrupted),
    "blank": _images(_blank),
    "off_topic": _images(_off_topic),
}
TEXT_DAMAGE: Final[Mapping[str, Damage]] = {
    "corrupted": _texts(_shuffled),
    "blank": _texts(lambda texts, _: [""] * len(texts)),
    "off_topic": _texts(_elsewhere),
}
KINDS: Final = (MISLABELLED, COPIED, *IMAGE_DAMAGE)
