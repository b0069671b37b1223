"""The kinds of crafted rounds of any data: what is done to healthy candidates, and how strongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.crafted import shipped
from benchmarks.crafted.added.craft import Change, Craft, Strong
from benchmarks.crafted.added.world import LABEL, AddedWorld
from benchmarks.crafted.bench import Group
from benchmarks.crafted.shipped import Shipped
from pipelines.common.seeds import derive_seed

SHARES: Final = (0.25, 0.5, 1.0)
OF_A_CLASS: Final = (0.6, 0.8, 0.95)
NEIGHBOURS: Final = 3
MODES: Final = 30
RARE: Final = (0.3, 0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Made:
    """Candidates: content and label, and which were made to break the guard, [n]."""

    rows: pl.DataFrame
    crafted: NDArray[np.bool_]
    parents: pl.DataFrame | None = None
    """Explicit parents, as `lineage.edges.PARENT`."""

    @classmethod
    def of(cls, rows: pl.DataFrame, *, crafted: bool = False) -> Made:
        """Make rows that are all crafted, or none."""
        return cls(rows, np.full(len(rows), crafted))


Make = Callable[[AddedWorld, float, Generator], Made]


@dataclass(frozen=True, slots=True)
class AddedKind:
    """A kind of round at several strengths."""

    group: Group
    strengths: tuple[float, ...]
    make: Make
    about: str
    """What a strength is, in words."""
    regime: str = "accumulate"


def candidates(kind: AddedKind, world: AddedWorld, strength: float) -> Made:
    """Make the candidates of a round, in random order."""
    draw = np.random.default_rng(derive_seed(world.seed, world.craft.name, "crafted"))
    made = kind.make(world, strength, draw)
    order = draw.permutation(len(made.rows))
    parents = shipped.follow(made.parents, order)
    return Made(made.rows.select(world.payload)[order], made.crafted[order], parents)


def of_craft(craft: Craft) -> Mapping[str, AddedKind]:
    """List the kinds of rounds of some data."""
    of_class = partial(AddedKind, "harm", OF_A_CLASS, about="share of a class")
    of_rows = partial(AddedKind, "harm", about="share of the round")
    return {
        "real rows": AddedKind("healthy", (0.0,), _ideal, "withheld real rows"),
        "real rows, noise": _strong("healthy", craft.noise),
        **{name: _strong("healthy", strong) for name, strong in craft.healthy.items()},
        **{name: _shipped(each) for name, each in craft.shipped.items()},
        **{name: _strong("style", strong) for name, strong in craft.styles.items()},
        **{
            f"copies of held-out rows, {name}": AddedKind(
                "leak", (0.05, 0.25, 1.0), _copies("validation", change), "share of the round"
            )
            for name, change in craft.copies.items()
        },
        **{
            f"copies of training rows, {name}": AddedKind(
                "copy", SHARES, _copies("real", change), "share of the round"
            )
            for name, change in craft.copies.items()
        },
        "adversarial": of_rows((0.2, 0.4, 1.0), _fooling),
        "wrong labels": of_rows((0.1, 0.3, 0.6), _wrong),
        "blends": of_rows(SHARES, _blends),
        "loosened": of_rows(SHARES, _loosened),
        "class of one row": of_class(partial(_collapsed, prototype=False)),
        "class of a prototype": of_class(partial(_collapsed, prototype=True)),
        "class missing": of_class(_missing),
        "classes swapped": of_class(_swapped),
        "tails cut": AddedKind("harm", RARE, _without_tails, "share of the rows"),
        "modes lost": AddedKind("harm", RARE, _without_modes, "share of the modes"),
        "replacement": AddedKind(
            "harm", SHARES, _loosened, "share of loosened rows", regime="replace"
        ),
    }


def _ideal(world: AddedWorld, strength: float, draw: Generator) -> Made:  # noqa: ARG001
    return Made.of(world.withheld)


def _strong(group: Group, strong: Strong) -> AddedKind:
    def make(world: AddedWorld, strength: float, draw: Generator) -> Made:
        return Made.of(strong.change(world, world.withheld, strength, draw))

    return AddedKind(group, strong.strengths, make, strong.about)


def _shipped(generator: Shipped) -> AddedKind:
    def make(world: AddedWorld, strength: float, draw: Generator) -> Made:  # noqa: ARG001
        count = len(world.withheld)
        found = shipped.made(generator, world, world.payload, strength, count)
        none = np.zeros(len(found.candidates), dtype=bool)
        return Made(found.candidates.select(world.payload), none, found.parents)

    return AddedKind("healthy", generator.strengths, make, generator.about)


def _part(world: AddedWorld, strength: float, bad: pl.DataFrame, draw: Generator) -> Made:
    """Put bad rows in place of so large a share of the ideal ones."""
    ideal = world.withheld
    count = min(round(strength * len(ideal)), len(bad))
    kept = ideal[draw.permutation(len(ideal))[count:]]
    chosen = bad.select(world.payload)[draw.permutation(len(bad))[:count]]
    crafted = np.repeat([False, True], [len(kept), len(chosen)])
    return Made(pl.concat([kept, chosen]), crafted)


def _copies(source: str, change: Change) -> Make:
    def make(world: AddedWorld, strength: float, draw: Generator) -> Made:
        rows = getattr(world, source).select(world.payload)
        again = draw.permutation(max(len(rows), len(world.withheld))) % len(rows)
        return _part(world, strength, change(world, rows[again], draw), draw)

    return make


def _fooling(world: AddedWorld, strength: float, draw: Generator) -> Made:
    return _part(world, strength, world.craft.fool(world, world.withheld, draw), draw)


def _wrong(world: AddedWorld, strength: float, draw: Generator) -> Made:
    ideal = world.withheld
    return _part(world, strength, ideal.with_columns(other_labels(world, ideal, draw)), draw)


def other_labels(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.Series:
    """Draw another label for each row."""
    classes = world.classes
    at = np.searchsorted(classes, rows[LABEL].to_numpy())
    moved = (at + draw.integers(1, len(classes), size=len(rows))) % len(classes)
    return pl.Series(LABEL, classes[moved], dtype=rows[LABEL].dtype)


def _blends(world: AddedWorld, strength: float, draw: Generator) -> Made:
    """Blend rows of two classes evenly under the label of the first."""
    ideal = world.withheld
    other = ideal[draw.permutation(len(ideal))]
    apart = (ideal[LABEL] != other[LABEL]).to_numpy()
    blended = world.craft.blend(world, ideal.filter(apart), other.filter(apart), draw)
    return _part(world, strength, blended, draw)


def _loosened(world: AddedWorld, strength: float, draw: Generator) -> Made:
    return _part(world, strength, world.craft.loosen(world, world.withheld, draw), draw)


def _collapsed(world: AddedWorld, strength: float, draw: Generator, *, prototype: bool) -> Made:
    """Reduce a share of one class to varied copies of one of its rows, or of its prototype."""
    ideal, label = world.withheld, _common(world, draw)
    ours = np.flatnonzero((ideal[LABEL] == label).to_numpy())
    chosen = draw.permutation(ours)[: round(strength * len(ours))]
    rows = ideal[ours]
    one = world.craft.prototype(world, rows) if prototype else rows[int(draw.integers(len(rows)))]
    repeated = one.select(world.payload)[np.zeros(len(chosen), dtype=np.int64)]
    varied = world.craft.vary(world, repeated, draw)
    kept = ideal[np.setdiff1d(np.arange(len(ideal)), chosen)]
    crafted = np.repeat([False, True], [len(kept), len(varied)])
    return Made(pl.concat([kept, varied.select(kept.columns)]), crafted)


def _common(world: AddedWorld, draw: Generator) -> object:
    """Draw one of the classes that have at least their share of the rows."""
    counts = world.real[LABEL].value_counts().sort(LABEL)
    common = counts.filter(pl.col("count") * len(counts) >= 0.7 * len(world.real))
    return common[LABEL][int(draw.integers(len(common)))]


def _missing(world: AddedWorld, strength: float, draw: Generator) -> Made:
    """Leave out a share of one class."""
    ideal, label = world.withheld, _common(world, draw)
    ours = np.flatnonzero((ideal[LABEL] == label).to_numpy())
    gone = draw.permutation(ours)[: round(strength * len(ours))]
    return Made.of(ideal[np.setdiff1d(np.arange(len(ideal)), gone)])


def _swapped(world: AddedWorld, strength: float, draw: Generator) -> Made:
    """Swap the labels of a share of two classes."""
    ideal, first = world.withheld, _common(world, draw)
    second = draw.choice([label for label in world.classes if label != first])
    labels = ideal[LABEL].to_numpy().copy()
    for ours, theirs in ((first, second), (second, first)):
        rows = draw.permutation(np.flatnonzero((ideal[LABEL] == ours).to_numpy()))
        labels[rows[: round(strength * len(rows))]] = theirs
    changed = pl.Series(LABEL, labels, dtype=ideal[LABEL].dtype)
    return Made(ideal.with_columns(changed), (changed != ideal[LABEL]).to_numpy())


def _without_tails(world: AddedWorld, strength: float, draw: Generator) -> Made:  # noqa: ARG001
    """Leave out the share of rows that are farthest from the mean of their class."""
    points, labels = world.points(world.withheld), world.withheld[LABEL].to_numpy()
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        ours = np.flatnonzero(labels == label)
        apart = np.square(points[ours] - points[ours].mean(axis=0)).sum(axis=1)
        rank[ours] = np.argsort(np.argsort(apart)) / len(ours)
    return Made.of(world.withheld.filter(rank < 1 - strength))


def _without_modes(world: AddedWorld, strength: float, draw: Generator) -> Made:
    """Lose a share of the modes, the rarest first, and repeat the others in their place."""
    from sklearn.cluster import KMeans  # noqa: PLC0415  slow to import

    ideal, points = world.withheld, world.points(world.withheld)
    count = min(MODES, len(ideal) // 4)
    cluster = KMeans(count, n_init=1, random_state=0).fit_predict(points)
    lost = np.argsort(np.bincount(cluster, minlength=count))[: round(strength * count)]
    kept = ideal.filter(~np.isin(cluster, lost))
    again = kept[draw.integers(len(kept), size=len(ideal) - len(kept))]
    varied = world.craft.vary(world, again, draw).select(kept.columns)
    crafted = np.repeat([False, True], [len(kept), len(varied)])
    return Made(pl.concat([kept, varied]), crafted)
