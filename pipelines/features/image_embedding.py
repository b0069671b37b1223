"""Embed images as points by a small network that has learnt from the real training rows alone.

Distances between the pixels of large images say little: two flags differ in every pixel, and two
grey pictures of different things hardly at all. The network learns two things of each real image:
by how many quarters it was turned (Gidaris et al. 2018, https://arxiv.org/abs/1803.07728), which
needs no labels, and its label, where there are several. The embedding is what all its levels give,
averaged over the image: the first say most about colours and edges, the last about what is shown.

It is trained on one thread of the processor from a fixed seed, so the same real rows give the same
network on the same kind of machine; its digest tells networks apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.errors import DataError
from pipelines.common.one_thread import one_thread
from pipelines.common.progress import track
from pipelines.features import image_descriptor

if TYPE_CHECKING:
    import torch

VERSION: Final = b"image_embedding/1"
WIDTHS: Final = (24, 48, 96)
"""Channels of each level; each level halves the image."""
DIMENSIONS: Final = sum(WIDTHS)
"""Numbers of a point: the mean of each channel of each level over the image."""
STEPS: Final = 200
BATCH: Final = 64
LEARNING_RATE: Final = 3e-3
WEIGHT_DECAY: Final = 0.05
SHIFT: Final = 3
"""Pixels by which an image is moved at most in training."""
TURNS: Final = 4
SMALLEST: Final = np.float32(1e-3)
"""Standard deviation at which a number counts as the same for all images."""
CHUNK: Final = 512
"""Images that are embedded at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A trained network."""

    network: Any
    """The levels of a torch network."""
    mean: NDArray[np.float32]
    """Mean of each number over the real images, [DIMENSIONS]."""
    deviation: NDArray[np.float32]
    """Standard deviation of each number over the real images, [DIMENSIONS]."""
    name: str = "learned"
    """As `ingest.features` has it."""

    def points(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed images, [n, h, w] or [n, h, w, 3] in [0, 1], as points [n, DIMENSIONS].

        Each number has mean 0 and standard deviation 1 over the real images.
        """
        return (_raw(self.network, values) - self.mean) / self.deviation

    @property
    def digest(self) -> str:
        """SHA-256 of the network's weights."""
        digest = hashlib.sha256(VERSION)
        for name, value in self.network.state_dict().items():
            digest.update(name.encode() + value.numpy().tobytes())
        return digest.hexdigest()


def fit(values: NDArray[np.float32], labels: NDArray[Any], seed: int = 0) -> Embedder:
    """Train a network on real images.

    Args:
        values: [n, h, w] or [n, h, w, 3] in [0, 1].
        labels: [n]; a single one, such as that of images without labels, is not learnt.
        seed: Seed of the weights, the batches and the changes of images.

    Raises:
        DataError: There is no image.
    """
    import torch  # noqa: PLC0415  slow to import

    if not len(values):
        raise DataError("there is no real image to learn features from")
    images = _tensor(values)
    classes, places = np.unique(labels, return_inverse=True)
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = _body(images.shape[1])
        head = torch.nn.Linear(WIDTHS[-1], TURNS + len(classes))
        _train(body, head, images, torch.from_numpy(places.astype(np.int64)))
    body.eval().requires_grad_(requires_grad=False)
    raw = _raw(body, values)
    return Embedder(body, raw.mean(axis=0), np.maximum(raw.std(axis=0), SMALLEST))


def _raw(body: Any, values: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: ANN401
    """Compute what the network gives for images, [n, DIMENSIONS]."""
    import torch  # noqa: PLC0415  slow to import

    none = np.empty((0, DIMENSIONS), dtype=np.float32)
    starts = range(0, len(values), CHUNK)
    with one_thread(), torch.inference_mode():
        parts = [_through(body, _tensor(values[start : start + CHUNK])).numpy() for start in starts]
    return np.concatenate([none, *parts])


def _train(body: Any, head: Any, images: torch.Tensor, labels: torch.Tensor) -> None:  # noqa: ANN401
    """Optimise body and head by AdamW with a one-cycle learning rate."""
    import torch  # noqa: PLC0415  slow to import

    weights = [*body.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=STEPS + 1)
    body.train()
    for _ in track(range(STEPS), "features"):
        rows = torch.randint(len(images), (BATCH,))
        turns = torch.arange(BATCH) % TURNS
        answers = head(_through(body, _changed(images[rows], turns))[:, -WIDTHS[-1] :])
        loss = torch.nn.functional.cross_entropy(answers[:, :TURNS], turns)
        if answers.shape[1] > TURNS + 1:
            loss = loss + torch.nn.functional.cross_entropy(answers[:, TURNS:], labels[rows])
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        rate.step()


def _changed(images: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Turn each image by quarters, move the batch, and change its brightness a little."""
    import torch  # noqa: PLC0415  slow to import

    turned = torch.cat([torch.rot90(images[turns == turn], turn, (2, 3)) for turn in range(TURNS)])
    order = torch.cat([torch.nonzero(turns == turn)[:, 0] for turn in range(TURNS)])
    ordered = torch.empty_like(turned)
    ordered[order] = turned
    down, across = (int(each) for each in torch.randint(-SHIFT, SHIFT + 1, (2,)))
    padded = torch.nn.functional.pad(ordered, (SHIFT,) * 4, mode="replicate")
    side = images.shape[2]
    top, left = SHIFT + down, SHIFT + across
    moved = padded[:, :, top : top + side, left : left + side]
    return moved + 0.1 * torch.randn(len(moved), moved.shape[1], 1, 1)


def _body(channels: int) -> Any:  # noqa: ANN401  untyped library
    """Make levels of convolution, of which each halves the image."""
    from torch import nn  # noqa: PLC0415  slow to import

    levels: list[Any] = []
    for width in WIDTHS:
        layers = [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, stride=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        levels.append(nn.Sequential(*layers))
        channels = width
    return nn.Sequential(*levels)


def _through(body: Any, images: torch.Tensor) -> torch.Tensor:  # noqa: ANN401  untyped library
    """Average what each level gives over the image, [n, DIMENSIONS]."""
    import torch  # noqa: PLC0415  slow to import

    averages = []
    for level in body:
        images = level(images)
        averages.append(images.mean(dim=(2, 3)))
    return torch.cat(averages, dim=1)


def _tensor(values: NDArray[np.float32]) -> torch.Tensor:
    """Reduce images and turn them into a tensor [n, c, SIDE, SIDE] in [-1, 1]."""
    import torch  # noqa: PLC0415  slow to import

    small = image_descriptor.reduced(values).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(small) * 2 - 1)
