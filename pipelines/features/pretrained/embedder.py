"""Embed images as points by a network that others trained, fitted to real rows in place and scale.

A network that has seen a million photographs tells what images show far better than one that learns
from some hundred rows (docs/images.md has a measurement); but what it has seen is not known row by
row, and it is the same for all data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.common.errors import DataError
from pipelines.common.one_thread import one_thread
from pipelines.common.progress import track
from pipelines.features.pretrained import timm_network, weights
from pipelines.features.pretrained.reference import Reference

if TYPE_CHECKING:
    import torch

VERSION: Final = "pretrained/1"
"""Raised when equal images and weights give other points."""
CHUNK: Final = 32
"""Images that are embedded at once."""
Points: TypeAlias = NDArray[np.float32]
Embed: TypeAlias = Callable[[NDArray[np.float32]], Points]


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A network, and where real rows lie in its space."""

    name: str
    """As settings name it."""
    digest: str
    """SHA-256 of the version of this module and the digest of the weights."""
    raw: Embed
    """What the network gives for images."""
    mean: Points
    """Mean of the real rows, [d]."""
    scale: float
    """Root of the mean variance of the real rows' numbers: one scale for all of them, because a
    number that hardly varies says little."""

    def points(self, values: NDArray[np.float32]) -> Points:
        """Embed images, [n, h, w] or [n, h, w, 3] in [0, 1], as points [n, d].

        Over the real rows each number has mean 0, and their variances have mean 1.
        """
        return (self.raw(values) - self.mean) / self.scale


def fit(text: str, values: NDArray[np.float32]) -> Embedder:
    """Load a network and find where real images lie in its space.

    Args:
        text: its reference, as `ingest.features` has it.
        values: real images, [n, h, w] or [n, h, w, 3] in [0, 1].

    Raises:
        DataError: there is no image, or the weights cannot be read.
        LibraryError: a package is not installed.
        ParamsError: there is no such network.
    """
    if not len(values):
        raise DataError("there is no real image to measure features of")
    reference = Reference.of(text)
    data = weights.content(reference)
    digest = hashlib.sha256(data).hexdigest()
    raw = _remembered(_network(reference, weights.tensors(reference, data)))
    points = raw(values)
    scale = float(np.sqrt(points.var(axis=0, dtype=np.float64).mean()))
    identity = hashlib.sha256(f"{VERSION} {digest}".encode()).hexdigest()
    return Embedder(text, identity, raw, points.mean(axis=0), scale or 1.0)


def check_ready(text: str) -> None:
    """Check that a network can be made.

    Raises:
        LibraryError, DataError, ParamsError: as `fit`.
    """
    reference = Reference.of(text)
    _network(reference, weights.tensors(reference, weights.content(reference)))


def _network(reference: Reference, tensors: Mapping[str, torch.Tensor]) -> Embed:
    """Make a function that embeds images, [n, h, w] or [n, h, w, 3], as points [n, d]."""
    import torch  # noqa: PLC0415  slow to import

    if reference.model:
        network, config = timm_network.make(reference.model, tensors)
        side = tuple(config["input_size"][1:])
        mean, deviation = (torch.tensor(config[name]).view(3, 1, 1) for name in ("mean", "std"))
    else:
        from pipelines.features.pretrained import efficientnet_lite  # noqa: PLC0415  imports torch

        network, side = efficientnet_lite.make(tensors), (efficientnet_lite.SIDE,) * 2
        mean, deviation = torch.tensor(0.0), torch.tensor(1.0)
    network.eval().requires_grad_(requires_grad=False)

    def raw(values: NDArray[np.float32]) -> Points:
        starts = range(0, len(values), CHUNK)
        with one_thread(), torch.inference_mode():
            parts = [
                network((_tensor(values[start : start + CHUNK], side) - mean) / deviation).numpy()
                for start in track(starts, "features")
            ]
        return np.concatenate(parts)

    return raw


def _remembered(raw: Embed) -> Embed:
    """Embed each image once, however often it is asked for: mixes hold the real rows again."""
    seen: dict[bytes, Points] = {}

    def points(values: NDArray[np.float32]) -> Points:
        keys = [hashlib.sha256(each.tobytes()).digest() for each in values]
        fresh = {key: row for row, key in enumerate(keys) if key not in seen}
        if fresh:
            seen.update(zip(fresh, raw(values[list(fresh.values())]), strict=True))
        return np.stack([seen[key] for key in keys])

    return points


def _tensor(values: NDArray[np.float32], side: tuple[int, ...]) -> torch.Tensor:
    """Bring images to a network's size, [n, 3, h, w] in [0, 1]; grey is three equal colours."""
    import torch  # noqa: PLC0415  slow to import

    last = values[..., None] if values.ndim == 3 else values  # noqa: PLR2004  n, h, w
    images = torch.from_numpy(np.ascontiguousarray(last.transpose(0, 3, 1, 2)))
    sized = torch.nn.functional.interpolate(
        images, side, mode="bicubic", antialias=True, align_corners=False
    )
    colours = sized.clamp(0, 1).expand(-1, 3, -1, -1)
    return colours.contiguous(memory_format=torch.channels_last)
