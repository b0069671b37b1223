"""What is put side by side: generators of the package, others, and yardsticks, by kind of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from benchmarks import tables
from benchmarks.crafted.world import rows_of
from benchmarks.generators import making
from benchmarks.generators.making import Made
from benchmarks.generators.worlds import DATA, Split
from benchmarks.guard_runs import Generator as Mixture
from benchmarks.guard_runs import draw_mixture
from benchmarks.measured import measured
from pipelines.common.seeds import derive_seed
from pipelines.features import images

Standing = Literal["yardstick", "shipped", "other"]
"""A yardstick is no generator; others are not of the package."""
Make = Callable[[Split], Made]
DIGITS, EMOJI, TABLES, TEXTS = ("digits",), ("emoji",), DATA["tables"], ("dialogues",)
SIDE: Final = (8, 8)


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """A generator, and the data sets that it fits."""

    name: str
    names: tuple[str, ...]
    """Of the data sets."""
    make: Make
    standing: Standing = "shipped"
    generator: str = ""
    """Of the package; empty: none of it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """In its section of `generate`, besides those that `stemma dataset add` writes."""

    @property
    def version(self) -> str:
        """Semantic version of what makes the rows."""
        return making.version(self.generator) if self.generator else VERSION


VERSION: Final = "yardsticks/1"
"""Raised when what is no plug-in makes other rows."""


def of_generator(
    name: str, names: tuple[str, ...], generator: str, standing: Standing = "shipped", **own: object
) -> Contender:
    """Make a contender of a generator of the package, or of one's own.

    Args:
        name: what it is called.
        names: data sets.
        generator: its reference, as in params.yaml.
        standing: whose it is.
        own: settings in its section of `generate`.
    """
    make = partial(making.shipped, generator=generator, generate=own)
    return Contender(name, names, make, standing, generator, own)


def _unseen(split: Split) -> Made:
    """Give real rows that no generator has seen."""
    return Made(split.withheld)


def _again(split: Split) -> Made:
    """Give training rows once more."""
    real, count = split.world.real.select(split.payload), split.candidates
    draw = np.random.default_rng(derive_seed(split.world.seed, "again"))
    return Made(real[draw.integers(len(real), size=count)])


def _columns_apart(split: Split) -> Made:
    """Draw each column by itself from the training rows, so that nothing belongs together."""
    real, count = split.world.real.select(split.payload), split.candidates
    draw = np.random.default_rng(derive_seed(split.world.seed, "apart"))
    with measured() as taken:
        columns = [real[name][draw.integers(len(real), size=count)] for name in real.columns]
    return Made(pl.DataFrame(columns), make=taken)


def _mixture(split: Split) -> Made:
    """Draw from Gaussian mixtures of each class, as many of each as there are real ones."""
    real = rows_of(split.world.real)
    draw = np.random.default_rng(derive_seed(split.world.seed, "mixture"))
    labels = np.sort(draw.choice(real.labels, split.candidates))
    with measured() as taken:
        parts = [
            draw_mixture(
                real.pixels[real.labels == label],
                Mixture(),
                int(count),
                int(draw.integers(1 << 30)),
            )
            for label, count in zip(*np.unique(labels, return_counts=True), strict=True)
        ]
    pixels = images.encode_lenient(np.concatenate(parts).reshape(-1, *SIDE))
    return Made(pl.DataFrame({"image": pixels, "label": labels}), fit=taken)


def _forest(split: Split) -> Made:
    """Sample from adversarial random forests (Watson et al. 2023); fit and making are one."""
    real, world = split.world.real.select(split.payload), split.world
    answer = world.settings.modality.answer
    features = tuple(name for name in split.payload if name != answer)
    with measured() as taken:
        parts = [
            tables.forest(real, features, answer, derive_seed(world.seed, "forest", part) % 2**32)
            for part in range(-(-split.candidates // len(real)))
        ]
    return Made(pl.concat(parts).head(split.candidates), fit=taken)


EVERY: Final = tuple(name for names in DATA.values() for name in names)
UNSEEN: Final = "real rows, unseen"
"""The contender that the others are measured against."""
CONTENDERS: Final = (
    Contender(UNSEEN, EVERY, _unseen, "yardstick"),
    Contender("training rows again", EVERY, _again, "yardstick"),
    Contender("columns apart", TABLES, _columns_apart, "yardstick"),
    of_generator("augment", (*DIGITS, *EMOJI), "augment"),
    of_generator(
        "augment, mixed",
        (*DIGITS, *EMOJI),
        "augment",
        image={"mixup": 0.5, "cutmix": 0.5},
    ),
    of_generator("augment", TEXTS, "augment"),
    of_generator("augment, more dropped", TEXTS, "augment", text={"word_dropout": 0.3}),
    of_generator("interpolation", (*DIGITS, *EMOJI, *TABLES), "interpolation"),
    of_generator(
        "simulate", DIGITS, "simulate", function="benchmarks.generators.drawn_digits:simulate"
    ),
    Contender("Gaussian mixture", DIGITS, _mixture, "other"),
    Contender("random forests", TABLES, _forest, "other"),
    of_generator("gan", (*DIGITS, *EMOJI), "gan"),
    of_generator("diffusion", (*DIGITS, *EMOJI), "diffusion"),
    of_generator("text, local model", TEXTS, "text"),
)


def of_data(name: str, also: tuple[str, ...] = ()) -> list[Contender]:
    """List what fits a data set.

    Args:
        name: of the data set.
        also: references of generators of one's own.
    """
    own = [of_generator(each, (name,), each, "other") for each in also]
    return [each for each in (*CONTENDERS, *own) if name in each.names]
