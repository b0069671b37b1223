"""SynthCLIP in small: pictures and captions learn to find each other from pairs that are made.

A pair is a picture of an emoji and its name. Both sides are a linear map of fixed features into one
space, learnt by the contrastive loss of CLIP (Radford et al. 2021, arXiv:2103.00020): in a batch,
each picture is to be nearer to its own caption than to the others, and each caption likewise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from experiments import emoji
from experiments.emoji_domains import MAKERS, described
from experiments.experiment import Experiment, Finding, Part, Plot, above_zero, at_most, mean_of

if TYPE_CHECKING:
    import torch

SEEN, SPLITS = 1300, 4
"""Emoji that train, the generator too; splits."""
SIZES: Final = {"real": (400, SEEN), "synthetic": (400, SEEN, 2 * SEEN, 4 * SEEN)}
FIRST: Final = 10
"""Captions among which that of a picture is to be found."""
LEFT: Final = 0.5
"""Largest share of the gap by as many synthetic pairs as real ones that 4 times as many leave."""
WORDS: Final = 200
"""Principal directions of captions."""
SPACE, STEPS, BATCH = 64, 200, 256
RATE, DECAY, HIDDEN, SHARPEST = 3e-3, 0.1, 0.3, 50.0
"""Peak of the one-cycle learning rate, weight decay, share of features that are hidden in a step,
and the largest factor of similarities."""
LEAST_SHARE, MOST_SHARE = 0.5, 0.75
"""Of the emoji whose name a made pair has."""
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Features of pictures and of their captions, [n, p] and [n, q]."""

    pictures: Matrix
    captions: Matrix

    def first(self, count: int) -> Pairs:
        """Select the first pairs."""
        return Pairs(self.pictures[:count], self.captions[:count])


def made(groups: NDArray[np.int64], count: int, draw: Generator) -> tuple[NDArray[np.int64], ...]:
    """Draw which emoji are laid over which others of their group.

    Args:
        groups: of the emoji, [n]; one that is alone in its group is left out.
        count: pairs to make.
        draw: source of chance.

    Returns:
        The emoji that gives the caption, and the other, [count] each.
    """
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(groups), dtype=np.int64)
    place[order] = np.arange(len(groups)) - starts[groups[order]]
    chosen = draw.choice(np.flatnonzero(sizes[groups] > 1), size=count)
    own = groups[chosen]
    step = 1 + (draw.random(count) * (sizes[own] - 1)).astype(np.int64)
    return chosen, order[starts[own] + (place[chosen] + step) % sizes[own]]


def learnt(pairs: Pairs, seed: int) -> tuple[Matrix, Matrix]:
    """Learn both maps, [p, SPACE] and [q, SPACE], by the contrastive loss."""
    import torch  # noqa: PLC0415  slow to import

    draw = torch.Generator().manual_seed(seed)
    sides = [torch.from_numpy(side) for side in (pairs.pictures, pairs.captions)]
    maps = [
        (torch.randn(side.shape[1], SPACE, generator=draw) / side.shape[1] ** 0.5).requires_grad_()
        for side in sides
    ]
    factor = torch.tensor(float(np.log(10.0)), requires_grad=True)
    groups = [{"params": maps, "weight_decay": DECAY}, {"params": [factor], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=RATE)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        rows = torch.randperm(len(sides[0]), generator=draw)[:BATCH]
        shown = [side[rows] for side in sides]
        hidden = [torch.rand(side.shape, generator=draw) < HIDDEN for side in shown]
        loss = _loss([side * ~hide for side, hide in zip(shown, hidden, strict=True)], maps, factor)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        rate.step()
    pictures, captions = (each.detach().numpy() for each in maps)
    return pictures, captions


def _loss(
    sides: list[torch.Tensor], maps: list[torch.Tensor], factor: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of finding the caption of each picture, and the picture of each caption."""
    import torch  # noqa: PLC0415  slow to import
    from torch.nn import functional  # noqa: PLC0415

    left, right = (
        functional.normalize(side @ own, dim=1) for side, own in zip(sides, maps, strict=True)
    )
    near = factor.exp().clamp(max=SHARPEST) * left @ right.T
    own = torch.arange(len(near))
    return functional.cross_entropy(near, own) + functional.cross_entropy(near.T, own)


def found(maps: tuple[Matrix, Matrix], pairs: Pairs) -> float:
    """Share of pictures whose caption is among the `FIRST` nearest of all captions.

    A caption without a word that is known is as near to each picture, and comes after its equals.
    """
    left, right = (
        _of_length_1(side @ own)
        for side, own in zip((pairs.pictures, pairs.captions), maps, strict=True)
    )
    near = left @ right.T
    others = (near >= np.diag(near)[:, None]).sum(axis=1) - 1
    return float((others < FIRST).mean())


def _of_length_1(points: Matrix) -> Matrix:
    """Scale points, [n, SPACE], to length 1; those of no length stay so."""
    length = np.linalg.norm(points, axis=1, keepdims=True)
    scaled: Matrix = points / np.maximum(length, np.finfo(np.float32).tiny)
    return scaled


def worded(names: Sequence[str], seen: NDArray[np.int64]) -> Matrix:
    """Describe captions by the words of those that train, [n, WORDS].

    Args:
        names: all captions, [n].
        seen: which of them train.
    """
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415  slow to import
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    counted = TfidfVectorizer(sublinear_tf=True, token_pattern="[a-z0-9]+")  # noqa: S106  no secret
    known = counted.fit_transform([names[at] for at in seen])
    directions = TruncatedSVD(min(WORDS, known.shape[1] - 1), random_state=0).fit(known)
    features: Matrix = directions.transform(counted.transform(names)).astype(np.float32)
    return features


def recalls(seed: int) -> dict[str, list[float]]:
    """Share of held-out pictures whose caption is found, [sizes], by kind of pairs that train."""
    draw = np.random.default_rng(seed)
    own = emoji.load(MAKERS[0])
    order = draw.permutation(len(own.names))
    seen, test = order[:SEEN], order[SEEN:]
    captions, pictures = worded(own.names, seen), described(own.pixels)
    mean, spread = pictures[seen].mean(axis=0), pictures[seen].std(axis=0) + 1e-3

    def scaled(features: NDArray[np.float64]) -> Matrix:
        shifted: Matrix = ((features - mean) / spread).astype(np.float32)
        return shifted

    chosen, other = (seen[at] for at in made(own.groups[seen], max(SIZES["synthetic"]), draw))
    share = draw.uniform(LEAST_SHARE, MOST_SHARE, (len(chosen), 1, 1, 1)).astype(np.float32)
    laid = share * own.pixels[chosen] + (1 - share) * own.pixels[other]
    pairs = {
        "real": Pairs(scaled(pictures[seen]), captions[seen]),
        "synthetic": Pairs(scaled(described(laid)), captions[chosen]),
    }
    held = Pairs(scaled(pictures[test]), captions[test])
    return {
        kind: [found(learnt(pairs[kind].first(size), seed), held) for size in sizes]
        for kind, sizes in SIZES.items()
    }


def _part(seed: int) -> Part:
    curves = {
        kind: [(float(size), share) for size, share in zip(SIZES[kind], shares, strict=True)]
        for kind, shares in recalls(seed).items()
    }
    return Part({}, curves)


def shares(parts: Mapping[str, Part], kind: str) -> NDArray[np.float64]:
    """Read the shares of a kind of pairs, [splits, sizes]."""
    return np.asarray([[y for _, y in part.curves[kind]] for part in parts.values()])


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Find whether more synthetic pairs help, and what of the gap to real ones they leave."""
    real, synthetic = (shares(parts, kind) for kind in SIZES)
    equal = SIZES["synthetic"].index(SEEN)
    gaps = real[:, -1:] - synthetic
    name = f"share of captions found by all {SEEN:,} real pairs, less that"
    return [
        above_zero(f"{name} by as many synthetic ones", mean_of(gaps[:, equal])),
        above_zero(
            "share by all synthetic pairs, less that by a quarter of them",
            mean_of(synthetic[:, -1] - synthetic[:, equal]),
        ),
        at_most(
            f"{name} by four times as many synthetic ones",
            mean_of(gaps[:, -1]),
            LEFT * float(gaps[:, equal].mean()),
        ),
    ]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Shares by pairs; the line is what all real pairs reach."""
    marks = {
        kind: [
            (float(size), float(share))
            for size, share in zip(SIZES[kind], shares(parts, kind).mean(axis=0), strict=True)
        ]
        for kind in SIZES
    }
    top = marks["real"][-1][1]
    line = [(float(size), top) for size in (SIZES["real"][0], SIZES["synthetic"][-1])]
    return Plot("pairs", "share of captions found", marks, {"real": line}, log_x=True)


EXPERIMENT: Final = Experiment(
    name="captions",
    version=1,
    title="More synthetic pictures with captions close the gap to real ones",
    paper="[Hammoud et al. 2024](https://arxiv.org/abs/2402.01832)",
    setup=(
        "Pictures of emoji and their names (`emoji-datasource-twitter`, CC-BY-4.0): linear maps "
        "of a picture's description and of a caption's words into one space learn from real pairs, "
        f"or from made ones, a picture of {SEEN:,} laid over another of its group, with the name "
        f"of the one that has the greater share. {1906 - SEEN} other emoji test whether a "
        f"picture's name is among the {FIRST} nearest of as many (chance: 0.017), {SPLITS} splits; "
        "the line in the plot is what all real pairs reach. A name of unknown words alone is not "
        "found. The limit of a half was set after a first look at one split, and is met by little. "
        "The paper makes captions by a language model and pictures by Stable Diffusion, so its "
        "figures are others; its generator has seen more than its real pairs, and this one those"
    ),
    parts={f"split {number}": _part for number in range(1, SPLITS + 1)},
    needs=(emoji.PACKAGES[MAKERS[0]],),
    conclude=conclude,
    plot=plot,
)
