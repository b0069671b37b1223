"""Real digits that leak, and are shifted by a pixel until no distance tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.contaminated import Copies, Corpus, Kind
from benchmarks.digits import World
from lineage.identity import sample_ids
from pipelines.features import images, near_pairs
from pipelines.params import Ingest

NEAR: Final[float] = Ingest.model_fields["near"].default
"""RMS distance of near-duplicates, as digits are shipped."""
NOISE: Final = 0.03
"""Standard deviation of what a near copy adds to each pixel that is not blank."""
STEPS: Final = np.asarray([(0, 1), (0, -1), (1, 0), (-1, 0)])


class Digits(Kind):
    """Digits as pixel vectors [n, 64]."""

    name = "images"
    relations = ("edited", "seed")
    most_parents = 1

    def corpus(self, seed: int) -> Corpus:
        """The split of the shipped settings, by another key."""
        world = World(seed)
        return Corpus(*(images.vectors(each["image"]) for each in (world.real, world.held_out)))

    def ids(self, contents: NDArray[np.float32]) -> pl.Series:
        """Content ids."""
        return sample_ids(_images(contents), ["image"])

    def near_copies(self, contents: NDArray[np.float32], draw: Generator) -> NDArray[np.float32]:
        """With noise where there is ink."""
        noise = draw.normal(0, NOISE, contents.shape) * (contents > 0)
        found: NDArray[np.float32] = np.clip(contents + noise, 0, 1).astype(np.float32)
        return found

    def rewrite(
        self, parents: Sequence[NDArray[np.float32]], draw: Generator
    ) -> NDArray[np.float32]:
        """Shift each by a pixel, in any of four directions."""
        (contents,) = parents
        side = int(np.sqrt(contents.shape[1]))
        padded = np.pad(contents.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
        down, right = STEPS[draw.integers(len(STEPS), size=len(contents))].T
        rows = 1 + np.arange(side) - down[:, None]
        columns = 1 + np.arange(side) - right[:, None]
        at = np.arange(len(contents))
        found: NDArray[np.float32] = padded[
            at[:, None, None], rows[:, :, None], columns[:, None, :]
        ]
        return found.reshape(contents.shape)

    def leaks(self, contents: NDArray[np.float32], held: NDArray[np.float32]) -> Copies:
        """Equal by content id; near by the shipped distance."""
        equal = self.ids(contents).is_in(self.ids(held).implode()).to_numpy()
        near = np.zeros(len(contents), dtype=np.bool_)
        near[near_pairs.within(contents, held, NEAR)[0]] = True
        return Copies(equal, near)

    def baselines(
        self, contents: NDArray[np.float32], held: NDArray[np.float32]
    ) -> dict[str, NDArray[np.bool_]]:
        """What the distance of pixels alone flags."""
        found = self.leaks(contents, held)
        return {f"RMS distance ≤ {NEAR:g}": found.equal | found.near}


def _images(contents: NDArray[np.float32]) -> pl.DataFrame:
    side = int(np.sqrt(contents.shape[1]))
    return pl.DataFrame({"image": images.encode_lenient(contents.reshape(-1, side, side))})
