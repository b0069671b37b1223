"""The kinds of crafted rounds: what is done to healthy candidates, and at which strengths.

Each kind takes the withheld real rows of a world, or draws from its training rows, and returns the
candidates of one round. What a kind is, whether harm by definition, harm as far as it is measured,
or none, is its `group`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.random import Generator

from benchmarks.crafted import adversarial, distortions, shipped
from benchmarks.crafted.bench import Group
from benchmarks.crafted.shipped import Shipped
from benchmarks.crafted.world import CraftedWorld, Labels, Pixels, Rows, rows_of
from benchmarks.guard_runs import Generator as Mixture
from benchmarks.guard_runs import draw_mixture
from pipelines.common.seeds import derive_seed

Make = Callable[[CraftedWorld, float, Generator], Rows]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of round at several strengths."""

    group: Group
    strengths: tuple[float, ...]
    make: Make
    about: str
    """What a strength is, in words."""
    regime: str = "accumulate"


def candidates(kind: Kind, world: CraftedWorld, strength: float, seed: int) -> Rows:
    """Make the candidates of a round, in random order."""
    draw = np.random.default_rng(derive_seed(seed, world.seed, "crafted"))
    made = kind.make(world, strength, draw)
    clipped = replace(made, pixels=np.clip(made.pixels, 0, 1).astype(np.float32))
    order = draw.permutation(len(made.labels))
    return replace(clipped.at(order), parents=shipped.follow(made.parents, order))


def _ideal(world: CraftedWorld) -> Rows:
    return rows_of(world.withheld)


def _styled(change: Callable[[Pixels, float], Pixels]) -> Make:
    def make(world: CraftedWorld, strength: float, draw: Generator) -> Rows:  # noqa: ARG001
        ideal = _ideal(world)
        return Rows.of(change(ideal.pixels, strength), ideal.labels)

    return make


def _noisy(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    ideal = _ideal(world)
    return Rows.of(distortions.noise(ideal.pixels, strength, draw), ideal.labels)


def _mixture(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    """Draw from Gaussian mixtures of so many components, one for each class."""
    real, count = rows_of(world.real), len(world.withheld)
    classes = np.unique(real.labels)
    generator = Mixture(components=int(strength))
    each = -(-count // len(classes))
    drawn = [
        draw_mixture(
            real.pixels[real.labels == label], generator, each, int(draw.integers(1 << 30))
        )
        for label in classes
    ]
    return Rows.of(np.concatenate(drawn), np.repeat(classes, each))


def _between(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    """Interpolate between a training row and one of its three nearest of the same class."""
    real, count = rows_of(world.real), len(world.withheld)
    first = draw.integers(len(real.labels), size=count)
    second = distortions.fellow(real, first, 3, draw)
    share = draw.uniform(0.5 - strength / 2, 0.5 + strength / 2, size=(count, 1))
    mixed = share * real.pixels[first] + (1 - share) * real.pixels[second]
    return Rows.of(mixed.astype(np.float32), real.labels[first])


def _shipped(generator: Shipped) -> Kind:
    def make(world: CraftedWorld, strength: float, draw: Generator) -> Rows:  # noqa: ARG001
        found = shipped.made(generator, world, ("image", "label"), strength, len(world.withheld))
        return replace(rows_of(found.candidates), parents=found.parents)

    return Kind("healthy", generator.strengths, make, generator.about)


def _part(world: CraftedWorld, strength: float, bad: Rows, draw: Generator) -> Rows:
    """Put bad rows in place of so large a share of the ideal ones."""
    ideal = _ideal(world)
    count = min(round(strength * len(ideal.labels)), len(bad.labels))
    kept = draw.permutation(len(ideal.labels))[count:]
    marked = replace(bad, crafted=np.ones_like(bad.crafted))
    return ideal.at(kept).joined(marked.at(draw.permutation(len(bad.labels))[:count]))


def _copies(source: str, distort: Callable[[Pixels, Generator], Pixels]) -> Make:
    def make(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
        rows = rows_of(getattr(world, source))
        chosen = rows.at(draw.permutation(len(rows.labels)))
        bad = replace(chosen, pixels=distort(chosen.pixels, draw))
        return _part(world, strength, bad, draw)

    return make


def _fooling(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    ideal = _ideal(world)
    fooled = adversarial.fool(world.judge, ideal, draw)
    return _part(world, strength, fooled, draw)


def _wrong(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    ideal = _ideal(world)
    return _part(world, strength, replace(ideal, labels=_others(ideal.labels, draw)), draw)


def _others(labels: Labels, draw: Generator) -> Labels:
    """Give each row another label, at random."""
    return (labels + draw.integers(1, 10, size=len(labels))) % 10


def _blends(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    """Blend rows of two classes evenly under the label of the first."""
    ideal = _ideal(world)
    order = draw.permutation(len(ideal.labels))
    apart = ideal.labels != ideal.labels[order]
    share = draw.uniform(0.5, 0.6, size=(len(order), 1))
    blended = (share * ideal.pixels + (1 - share) * ideal.pixels[order]).astype(np.float32)
    return _part(world, strength, replace(ideal, pixels=blended).at(apart), draw)


def _collapsed(world: CraftedWorld, strength: float, draw: Generator, *, prototype: bool) -> Rows:
    """Reduce a share of one class to noisy copies of one of its rows, or of its mean."""
    ideal, label = _ideal(world), int(draw.integers(10))
    ours = np.flatnonzero(ideal.labels == label)
    chosen = draw.permutation(ours)[: round(strength * len(ours))]
    pixels = ideal.pixels.copy()
    source = ideal.pixels[ours].mean(axis=0) if prototype else ideal.pixels[draw.choice(ours)]
    pixels[chosen] = distortions.noise(np.tile(source, (len(chosen), 1)), 0.03, draw)
    return Rows(pixels, ideal.labels, np.isin(np.arange(len(ideal.labels)), chosen))


def _missing(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    """Leave out a share of one class."""
    ideal, label = _ideal(world), int(draw.integers(10))
    ours = np.flatnonzero(ideal.labels == label)
    gone = draw.permutation(ours)[: round(strength * len(ours))]
    return ideal.at(np.setdiff1d(np.arange(len(ideal.labels)), gone))


def _swapped(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    """Swap the labels of a share of two classes."""
    ideal = _ideal(world)
    first, second = draw.permutation(10)[:2]
    labels = ideal.labels.copy()
    for ours, theirs in ((first, second), (second, first)):
        rows = draw.permutation(np.flatnonzero(ideal.labels == ours))
        labels[rows[: round(strength * len(rows))]] = theirs
    return Rows(ideal.pixels, labels, labels != ideal.labels)


def _without_tails(world: CraftedWorld, strength: float, draw: Generator) -> Rows:  # noqa: ARG001
    """Leave out the share of rows that are farthest from the mean of their class."""
    ideal = _ideal(world)
    return ideal.at(distortions.rank_in_class(ideal) < 1 - strength)


def _without_modes(world: CraftedWorld, strength: float, draw: Generator) -> Rows:
    """Lose a share of the modes, the rarest first, and repeat the others in their place."""
    ideal = _ideal(world)
    kept = ideal.at(~distortions.in_rare_modes(ideal, strength))
    again = draw.integers(len(kept.labels), size=len(ideal.labels) - len(kept.labels))
    second = distortions.fellow(kept, again, 3, draw)
    filled = (kept.pixels[again] + kept.pixels[second]) / 2
    return kept.joined(Rows.of(filled.astype(np.float32), kept.labels[again], crafted=True))


def _noise_copy(pixels: Pixels, draw: Generator) -> Pixels:
    return distortions.noise(pixels, 0.065, draw)


def _shift_copy(pixels: Pixels, draw: Generator) -> Pixels:
    return distortions.shift(pixels, draw)


def _bright_copy(pixels: Pixels, draw: Generator) -> Pixels:
    return (pixels * draw.uniform(0.7, 0.8, size=(len(pixels), 1))).astype(np.float32)


COPIES: Final = {"noise": _noise_copy, "shift": _shift_copy, "brightness": _bright_copy}
SHARES: Final = (0.25, 0.5, 1.0)
OF_A_CLASS: Final = (0.6, 0.8, 0.95)

SHIPPED: Final = {
    "diffusion": Shipped("diffusion", (440,), "steps of training", fit=("steps",)),
    "gan": Shipped("gan", (1000,), "steps of training", fit=("steps",)),
    "augment": Shipped("augment", (0.85, 0.95), "least part of a side", generate=("image", "crop")),
    "interpolation, shipped": Shipped(
        "interpolation", (0.25, 0.4), "least share of either parent", generate=("least_share",)
    ),
}
"""Generators of the package."""

KINDS: Final[Mapping[str, Kind]] = {
    "real rows": Kind("healthy", (0.0,), _noisy, "withheld real rows"),
    "real rows, noise": Kind("healthy", (0.01, 0.02, 0.03), _noisy, "RMS noise"),
    "mixture": Kind("healthy", (4, 8), _mixture, "components of a class"),
    "interpolation": Kind("healthy", (0.2, 0.6), _between, "spread between the parents"),
    **{name: _shipped(each) for name, each in SHIPPED.items()},
    "contrast": Kind("style", (0.95, 0.9, 0.85), _styled(distortions.contrast), "contrast"),
    "brightness": Kind("style", (0.95, 0.9, 0.85), _styled(distortions.brightness), "factor"),
    **{
        f"copies of held-out rows, {name}": Kind(
            "leak", (0.05, 0.25, 1.0), _copies("watched", distort), "share of the round"
        )
        for name, distort in COPIES.items()
    },
    **{
        f"copies of training rows, {name}": Kind(
            "copy", SHARES, _copies("real", distort), "share of the round"
        )
        for name, distort in COPIES.items()
    },
    "adversarial": Kind("harm", (0.2, 0.4, 1.0), _fooling, "share of the round"),
    "wrong labels": Kind("harm", (0.1, 0.3, 0.6), _wrong, "share of the round"),
    "blends": Kind("harm", SHARES, _blends, "share of the round"),
    "class of one row": Kind(
        "harm", OF_A_CLASS, partial(_collapsed, prototype=False), "share of a class"
    ),
    "class of a prototype": Kind(
        "harm", OF_A_CLASS, partial(_collapsed, prototype=True), "share of a class"
    ),
    "class missing": Kind("harm", OF_A_CLASS, _missing, "share of a class"),
    "classes swapped": Kind("harm", OF_A_CLASS, _swapped, "share of two classes"),
    "tails cut": Kind("harm", (0.3, 0.5, 0.7), _without_tails, "share of the rows"),
    "modes lost": Kind("harm", (0.3, 0.5, 0.7), _without_modes, "share of the modes"),
    "replacement": Kind("harm", (4, 2, 1), _mixture, "components of a class", regime="replace"),
}
