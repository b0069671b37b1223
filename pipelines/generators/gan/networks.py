"""The two networks of the GAN generator.

The generator makes an image of noise and a class: a linear layer, then levels that double the size
(nearest neighbours and a convolution), each with a batch norm whose gain and bias the class gives
(de Vries et al. 2017; Miyato and Koyama 2018). The critic halves the size level by level, sums over
places, and adds to its score the product of what it saw with a vector of the class: the projection
discriminator (Miyato and Koyama 2018, arXiv 1802.05637, equation 4). All its layers have spectral
normalisation (Miyato et al. 2018, arXiv 1802.05957), so that it is 1-Lipschitz.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from pipelines.common.errors import GeneratorError
from pipelines.generators.gan.settings import SMALLEST, GanFit

SLOPE: Final = 0.2
"""Of the critic's leaky rectifiers."""
MOST_WIDTH: Final = 1 << 12
MOST_LEVELS: Final = 12


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes of both networks."""

    height: int
    """Of the lowest level, as `width`; each of `widths` after the first doubles both."""
    width: int
    widths: tuple[int, ...]
    """Channels of each level, the lowest first."""
    colours: int
    """1 or 3."""
    classes: int
    """At least 1, which images without labels have."""
    latent: int

    @classmethod
    def of(cls, settings: GanFit, shape: tuple[int, ...], classes: int) -> Architecture:
        """Choose sizes for images of a shape, [h, w] or [h, w, 3].

        Args:
            settings: of the fit.
            shape: of the images.
            classes: how many there are; 0: images without labels.
        """
        levels = max(1, round(math.log2(max(max(shape[:2]) / SMALLEST, 1)))) + 1
        widths = [min(settings.channels * 2**level, settings.widest) for level in range(levels)]
        height, width = (-(-side // 2 ** (levels - 1)) for side in shape[:2])
        colours = math.prod(shape[2:])
        return cls(height, width, tuple(widths[::-1]), colours, max(classes, 1), settings.latent)

    @classmethod
    def read(cls, content: object) -> Architecture:
        """Read what a manifest holds, which others may have written.

        Raises:
            GeneratorError: it is no architecture, or larger than any that is fitted here.
        """
        try:
            given = dict(content)  # type: ignore[call-overload]
            read = cls(**{**given, "widths": tuple(given["widths"])})
            sound = read.is_sound()
        except (KeyError, TypeError, ValueError) as error:
            raise GeneratorError("the manifest describes no network that is fitted here") from error
        if not sound:
            raise GeneratorError("the manifest describes no network that is fitted here")
        return read

    def is_sound(self) -> bool:
        """Whether all sizes are whole numbers within the limits."""
        sizes = self.height, self.width, *self.widths, self.classes, self.latent
        whole = all(type(each) is int and 0 < each <= MOST_WIDTH for each in sizes)
        levels = 0 < len(self.widths) <= MOST_LEVELS
        return whole and levels and type(self.colours) is int and self.colours in (1, 3)

    def makes(self, shape: Sequence[int], classes: int) -> bool:
        """Whether images of a shape, [h, w] or [h, w, 3], and so many classes can be made."""
        large = all(have >= side for have, side in zip(self.size, shape, strict=False))
        return large and self.colours == math.prod(shape[2:]) and self.classes == max(classes, 1)

    def described(self) -> dict[str, Any]:
        """Return the sizes as the manifest states them."""
        return {**asdict(self), "widths": list(self.widths)}

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what the generator makes."""
        scale: int = 2 ** (len(self.widths) - 1)
        return self.height * scale, self.width * scale


class ClassNorm(nn.Module):
    """A batch norm whose gain and bias the class gives."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = nn.Embedding(classes, channels)
        self.bias = nn.Embedding(classes, channels)
        nn.init.ones_(self.gain.weight)
        nn.init.zeros_(self.bias.weight)

    def forward(self, values: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Normalise [n, c, h, w], classes [n]."""
        gain, bias = self.gain(classes)[:, :, None, None], self.bias(classes)[:, :, None, None]
        normed: torch.Tensor = self.norm(values) * gain + bias
        return normed


class Maker(nn.Module):
    """The generator: noise [n, latent] and classes [n] to images [n, c, h, w] in [-1, 1]."""

    def __init__(self, sizes: Architecture) -> None:
        super().__init__()
        self.sizes = sizes
        self.first = nn.Linear(sizes.latent, sizes.widths[0] * sizes.height * sizes.width)
        pairs = itertools.pairwise(sizes.widths)
        self.norms = nn.ModuleList(ClassNorm(each, sizes.classes) for each in sizes.widths)
        self.layers = nn.ModuleList(nn.Conv2d(low, high, 3, padding=1) for low, high in pairs)
        self.last = nn.Conv2d(sizes.widths[-1], sizes.colours, 3, padding=1)

    def forward(self, noise: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Make one image of each noise."""
        sizes = self.sizes
        values = self.first(noise).view(len(noise), sizes.widths[0], sizes.height, sizes.width)
        values = torch.relu(self.norms[0](values, classes))
        for layer, norm in zip(self.layers, list(self.norms)[1:], strict=True):
            values = nn.functional.interpolate(values, scale_factor=2)
            values = torch.relu(norm(layer(values), classes))
        return torch.tanh(self.last(values))


class Critic(nn.Module):
    """The discriminator: images [n, c, h, w] and classes [n] to scores [n], high for real ones."""

    def __init__(self, sizes: Architecture) -> None:
        super().__init__()
        upward = sizes.widths[::-1]
        pairs = itertools.pairwise(upward)
        self.first = spectral_norm(nn.Conv2d(sizes.colours, upward[0], 3, padding=1))
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(high, low, 4, stride=2, padding=1)) for high, low in pairs
        )
        self.middle = spectral_norm(nn.Conv2d(upward[-1], upward[-1], 3, padding=1))
        self.last = spectral_norm(nn.Linear(upward[-1], 1))
        self.of_class = spectral_norm(nn.Embedding(sizes.classes, upward[-1]))

    def forward(self, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Score each image as one of its class."""
        values = images
        for layer in (self.first, *self.layers, self.middle):
            values = nn.functional.leaky_relu(layer(values), SLOPE)
        seen = values.sum(dim=(2, 3))
        score: torch.Tensor = self.last(seen)[:, 0] + (self.of_class(classes) * seen).sum(dim=1)
        return score


def build(sizes: Architecture, seed: int) -> tuple[Maker, Critic]:
    """Make both networks, their weights drawn by seed; torch's own generator stays untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Maker(sizes), Critic(sizes)


def load(sizes: Architecture, weights: Mapping[str, torch.Tensor]) -> Maker:
    """Make a generator of weights.

    Raises:
        GeneratorError: they are of another network.
    """
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in Maker(sizes).state_dict().items()}
    if shapes != {name: value.shape for name, value in weights.items()}:
        raise GeneratorError("its weights are of another network than its manifest says")
    maker, _ = build(sizes, seed=0)
    maker.load_state_dict(dict(weights))
    return maker.eval().requires_grad_(requires_grad=False)
