"""E12 on pictures in colour: a domain that is left is the same emoji, as another maker draws them.

A picture of the test is in the domain as the maker of the training rows drew it, and out of it as
the other one did. Neither version of it has been seen in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments import digits, emoji, scaling_laws
from experiments.digits import Rows
from experiments.experiment import Experiment, Finding, Part, Plot, above_zero, mean_of
from experiments.scaling_laws import DOMAINS
from pipelines.features import image_descriptor

SEEN, REPEATS = 1300, 6
"""Emoji that train, the generator too; splits."""
MAKERS: Final = ("twitter", "google")
"""Of the training rows and of the other domain."""
SIZES: Final = {
    "real": (100, 200, 400, 800, SEEN),
    "synthetic": (100, 200, 400, 800, 1600, 3200),
}
INSIDE, OUTSIDE = DOMAINS


def described(pixels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Describe pictures, [n, …], as the project's judge of pictures in colour does, [n, d]."""
    shaped = pixels.reshape(-1, emoji.SIDE, emoji.SIDE, 3).astype(np.float32)
    return image_descriptor.described(shaped).astype(np.float64)


@cache
def pictures(maker: str) -> Rows:
    """Load a maker's emoji as numbers of the descriptor, [n, d], labelled by category."""
    loaded = emoji.load(maker)
    return Rows(described(loaded.pixels), loaded.categories)


def errors(seed: int) -> dict[str, NDArray[np.float64]]:
    """Error by kind of rows and domain, [sizes], of one split."""
    draw = np.random.default_rng(seed)
    own = emoji.load(MAKERS[0])
    order = draw.permutation(len(own.names))
    seen, test = order[:SEEN], order[SEEN:]
    pixels = own.pixels[seen].reshape(SEEN, -1).astype(np.float64)
    made = digits.interpolated(Rows(pixels, own.categories[seen]), max(SIZES["synthetic"]), draw)
    rows = {
        "real": pictures(MAKERS[0]).at(seen),
        "synthetic": Rows(described(made.pixels), made.labels),
    }
    tests = [pictures(maker).at(test) for maker in MAKERS]
    found: dict[str, NDArray[np.float64]] = {}
    for kind, sizes in SIZES.items():
        mixes = [rows[kind].some(size, draw) for size in sizes]
        right = np.asarray([digits.accuracies(mix, tests) for mix in mixes])
        found |= {f"{kind}, {domain}": 1 - right[:, at] for at, domain in enumerate(DOMAINS)}
    return found


def _part(seed: int) -> Part:
    draw = np.random.default_rng(seed)
    lines = [errors(int(draw.integers(1 << 31))) for _ in range(REPEATS)]
    part = scaling_laws.laws(lines, SIZES)
    last = {name: np.asarray([line[name][-1] for line in lines]) for name in lines[0]}
    worse = {domain: last[f"synthetic, {domain}"] - last[f"real, {domain}"] for domain in DOMAINS}
    figures = {f"worse, {domain}": mean_of(values) for domain, values in worse.items()}
    figures["narrowed"] = mean_of(worse[INSIDE] - worse[OUTSIDE])
    return Part({**part.figures, **figures}, part.curves)


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Compare floors in the domain, and what synthetic rows cost in it and out of it."""
    figures = parts["sizes"].figures
    real, made = (figures[f"c, {kind}, {INSIDE}"] for kind in SIZES)
    floor = f"more than that of real rows, {real.value:.3f}"
    name = "error on all synthetic rows, less that on all real ones"
    less = "less than in the domain, split by split"
    holds = figures["narrowed"].low > 0
    return [
        Finding(f"floor c of synthetic rows, {INSIDE}", made, None, floor, made.value > real.value),
        above_zero(f"{name}, {INSIDE}", figures[f"worse, {INSIDE}"]),
        Finding(f"{name}, {OUTSIDE}", figures[f"worse, {OUTSIDE}"], None, less, holds),
    ]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Errors by rows, with the laws."""
    return scaling_laws.drawn_laws(parts["sizes"])


EXPERIMENT: Final = Experiment(
    name="E12-emoji",
    version=1,
    title="Synthetic rows cost less out of the domain than in it",
    paper="[Fan et al. 2024](https://arxiv.org/abs/2312.04567)",
    setup=(
        f"Support vector machines that tell the nine categories of emoji from 100 to {SEEN:,} of "
        "one maker's pictures (`emoji-datasource-twitter`, CC-BY-4.0), and from 100 to 3,200 by "
        f"the rule of the generator `interpolation`, which learnt from all {SEEN:,}; 606 other "
        "emoji test them as the same maker draws them, and out of the domain as another does "
        f"(`emoji-datasource-google`, Apache-2.0), {REPEATS} splits. Pictures of 32 by 32 pixels "
        "are described as the judge of pictures in colour does; laws are fitted to the mean "
        "errors. The paper has text-to-image models and ImageNet, where synthetic images come "
        "near to real ones, and in part beat them, on drawings and sketches; why rows between two "
        "emoji are worth more to the other maker's pictures was not measured"
    ),
    parts={"sizes": _part},
    needs=tuple(emoji.PACKAGES.values()),
    conclude=conclude,
    plot=plot,
)
