"""Healthy lines of rounds, and the bad ones that each optional check is for, of any data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.crafted import distortions, kinds, rounds
from benchmarks.crafted.added import kinds as added_kinds
from benchmarks.crafted.added import tables, texts
from benchmarks.crafted.added.craft import Craft
from benchmarks.crafted.added.world import LABEL, AddedWorld
from benchmarks.crafted.kinds import KINDS
from benchmarks.crafted.world import CraftedWorld, rows_of
from benchmarks.optional import lines
from benchmarks.optional.lines import Line, Round
from expectations.measures.manifold import distances
from lineage.evidence import Evidence
from pipelines.common.seeds import derive_seed

FEW: Final = 20
"""Rows of a round that is too small to replace another."""
SMALL_ROUNDS: Final = 5
NARROWED: Final = 3
"""Rounds of a line that narrows."""
WRONG: Final = 0.6
HALF: Final = 0.5
SUREST: Final = 3
"""One in so many rows, of which the classifier is surest, makes the next round of a pulled line."""
NOISE: Final = "real rows, noise"
PACKAGE: Final = {
    "images": ("augment", 0.95),
    "texts": ("augment", 0.3),
    "tables": ("interpolation", 0.25),
}
"""A generator of the package for each kind of data, and a setting with which it is healthy."""
CRAFTS: Final[Mapping[str, Craft]] = {"texts": texts.CRAFT, "tables": tables.CRAFT}


@dataclass(frozen=True, slots=True)
class Data:
    """Real rows of a seed, and how candidates are made of them."""

    world: CraftedWorld | AddedWorld
    payload: list[str]

    @classmethod
    def of(cls, name: str, seed: int) -> Data:
        """Load images, texts or a table, split by a seed."""
        if name == "images":
            return cls(CraftedWorld(seed), ["image", "label"])
        world = AddedWorld(CRAFTS[name], seed)
        return cls(world, world.payload)

    def draw(self, what: str) -> Generator:
        """Random numbers of a run."""
        return np.random.default_rng(derive_seed(self.world.seed, self.world.dataset, what))

    def candidates(self, kind: str, strength: float) -> pl.DataFrame:
        """Make a crafted round of the kinds that `benchmarks.guard --crafted` has."""
        return self.made(kind, strength)[0]

    def made(self, kind: str, strength: float) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        """The same, with the explicit parents of the rows."""
        if isinstance(self.world, CraftedWorld):
            rows = kinds.candidates(KINDS[kind], self.world, strength, self.world.seed)
            return rounds.payload_of(rows), rows.parents
        kind_of = added_kinds.of_craft(self.world.craft)[kind]
        made = added_kinds.candidates(kind_of, self.world, strength)
        return made.rows, made.parents

    def ideal(self) -> pl.DataFrame:
        """Real rows that were withheld, in random order."""
        return self.candidates("real rows", 0.0)

    def vary(self, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
        """Change rows a little."""
        if isinstance(self.world, CraftedWorld):
            made = rows_of(rows)
            noisy = np.clip(distortions.noise(made.pixels, 0.03, draw), 0, 1).astype(np.float32)
            return rounds.payload_of(type(made).of(noisy, made.labels))
        return self.world.craft.vary(self.world, rows, draw).select(self.payload)

    def broken(self, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
        """Break rows up: pixels, words or values in random places, which no real row has."""
        if isinstance(self.world, CraftedWorld):
            made = rows_of(rows)
            mixed = draw.permuted(made.pixels, axis=1)
            return rounds.payload_of(type(made).of(mixed, made.labels))
        if self.world.craft is texts.CRAFT:
            pool = " ".join(texts.joined(self.world.real)).split()
            return rows.with_columns(
                pl.Series(
                    name,
                    [" ".join(draw.choice(pool, max(len(each.split()), 1))) for each in rows[name]],
                )
                for name in texts.COLUMNS
            )
        return rows.with_columns(
            rows[name][draw.permutation(len(rows))] for name in rows.columns if name != LABEL
        )

    def nearest(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """Distance of each row to its nearest training row, [n]."""
        frames = {"rows": rows, "real": self.world.real}
        points = self.world.settings.modality.measured(self.world.real, frames)
        ours, theirs = (points[name].vectors.astype(np.float64) for name in ("rows", "real"))
        found: NDArray[np.float64] = distances(ours, theirs).min(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Run:
    """A line of rounds; it is healthy, or bad in the way that some checks are for."""

    name: str
    make: Callable[[Data], Iterator[Evidence]]
    for_checks: tuple[str, ...] = ()
    """Checks that are to warn of its last round; none: it is healthy."""


def _halves(data: Data) -> tuple[pl.DataFrame, pl.DataFrame]:
    whole = data.ideal()
    return whole[: len(whole) // 2], whole[len(whole) // 2 :]


def _healthy(data: Data) -> Iterator[Evidence]:
    """Two rounds of real rows, as two ideal generators make them."""
    line = Line(data.world, "accumulate")
    for made, name in zip(_halves(data), ("one", "other"), strict=True):
        yield line.add(Round(made, name, rounds.decided(data.world, made)))


def _judged(data: Data, kind: str, strength: float) -> Iterator[Evidence]:
    """A round of a kind, of which the suite accepts what it will."""
    made, parents = data.made(kind, strength)
    suite = rounds.decided(data.world, made)
    yield Line(data.world, "accumulate").add(Round(made, kind, suite, parents=parents))


def _package(data: Data) -> Iterator[Evidence]:
    """A round of a generator of the package."""
    name = "images" if isinstance(data.world, CraftedWorld) else data.world.craft.name
    return _judged(data, *PACKAGE[name])


def _noisy(data: Data) -> Iterator[Evidence]:
    """A round of real rows with harmless noise."""
    if isinstance(data.world, CraftedWorld):
        return _judged(data, NOISE, KINDS[NOISE].strengths[0])
    return _judged(data, NOISE, data.world.craft.noise.strengths[0])


def _replaced(data: Data) -> Iterator[Evidence]:
    """A round of real rows that replaces what was there."""
    yield Line(data.world, "replace").add(Round(data.ideal(), "one"))


def _one(data: Data, made: pl.DataFrame, regime: str = "accumulate") -> Iterator[Evidence]:
    yield Line(data.world, regime).add(Round(made, "one"))


def _outlying(data: Data) -> Iterator[Evidence]:
    """A half of the rows is broken up."""
    first, second = _halves(data)
    yield from _one(data, pl.concat([first, data.broken(second, data.draw("broken"))]))


def _kind(kind: str, strength: float, regime: str = "accumulate") -> Callable[[Data], Any]:
    return lambda data: _one(data, data.candidates(kind, strength), regime)


def _copies(data: Data) -> Iterator[Evidence]:
    """A half of the rows are copies of rows that the generator learned from, a little changed."""
    first, second = _halves(data)
    draw = data.draw("copies")
    real = data.world.real.select(data.payload)
    copied = real[draw.permutation(len(real))[: len(second)]]
    yield from _one(data, pl.concat([first, data.vary(copied, draw)]))


def _repeated(data: Data) -> Iterator[Evidence]:
    """All rows are variants of a twentieth of them."""
    whole, draw = data.ideal(), data.draw("repeated")
    few = whole[: max(FEW // 2, len(whole) // 20)]
    again = few[draw.integers(len(few), size=len(whole))]
    yield from _one(data, data.vary(again, draw))


def _narrowing(data: Data) -> Iterator[Evidence]:
    """Each round replaces the one before by the 60 % of its rows that are nearest to the mean."""
    line, made = Line(data.world, "replace"), data.ideal()
    draw = data.draw("narrowing")
    for number in range(NARROWED):
        frames = {"rows": made}
        points = data.world.settings.modality.measured(data.world.real, frames)["rows"].vectors
        apart = np.square(points - points.mean(axis=0)).sum(axis=1)
        kept = made.filter(pl.Series(apart <= np.quantile(apart, 0.6)))
        made = data.vary(kept[draw.integers(len(kept), size=len(made))], draw)
        yield line.add(Round(made, "one"), measured=number + 1 == NARROWED)


def _pulled(data: Data) -> Iterator[Evidence]:
    """Each round is made of those rows of the one before of which the classifier is surest."""
    made, _ = _halves(data)
    line, draw = Line(data.world, "accumulate"), data.draw("pulled")
    for _ in range(3):
        yield line.add(Round(made, "one"))
        sure = np.nan_to_num(lines.confidence_in(data.world).of(made))
        best = made[np.argsort(-sure, kind="stable")[: len(made) // SUREST]]
        made = data.vary(best[draw.integers(len(best), size=len(made))], draw)


def _rewarded(data: Data) -> Iterator[Evidence]:
    """The suite refuses the half of the rows that is farthest from training rows, besides."""
    made = data.ideal()
    far = data.nearest(made)
    suite = rounds.decided(data.world, made)
    refused = far > np.quantile(far, HALF)
    yield Line(data.world, "accumulate").add(Round(made, "one", suite, refused))


def _mislabelled(data: Data) -> Iterator[Evidence]:
    """Most labels are wrong, and the suite rightly refuses them."""
    return _judged(data, "wrong labels", WRONG)


def _small(data: Data) -> Iterator[Evidence]:
    """Rounds of few rows replace one another, each drawn from the one before."""
    line, made, draw = Line(data.world, "replace"), data.ideal()[:FEW], data.draw("small")
    for number in range(SMALL_ROUNDS):
        made = data.vary(made[draw.integers(len(made), size=FEW)], draw)
        yield line.add(Round(made, "one"), measured=number + 1 == SMALL_ROUNDS)


HEALTHY: Final = (
    Run("real rows", _healthy),
    Run("a generator of the package", _package),
    Run("harmless noise", _noisy),
    Run("real rows that replace", _replaced),
    Run("wrong labels, refused", _mislabelled),
)
"""Runs of which no check is to warn; of wrong labels it is the suite that is looked at."""
BAD: Final = (
    Run("a half broken up", _outlying, ("clipped_density", "clipped_coverage")),
    Run("half of the modes lost", _kind("modes lost", HALF), ("clipped_coverage",)),
    Run("a half copies", _copies, ("training_distance",)),
    Run("variants of a twentieth", _repeated, ("clipped_coverage", "meaning_variety", "entropy")),
    Run("narrowing by replacement", _narrowing, ("entropy",)),
    Run("pulled by the classifier", _pulled, ("verifier_pull", "effective_generators")),
    Run("one reward", _rewarded, ("rejection_concentration", "selection_tail")),
    Run("small rounds that replace", _small, ("drift_budget", "rare_class")),
)
