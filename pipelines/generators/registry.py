"""Generators by name, by module or by file.

The settings of the package's own are named beside them, so that params.yaml is read without the
generators themselves, of which a command may need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pipelines.common.plugins import Registry

if TYPE_CHECKING:
    from pipelines.generators.protocol import Generator

GENERATORS: Final[Registry[Generator[Any, Any]]] = Registry(
    "generator",
    "pipelines.generators.protocol:Generator",
    {
        "augment": "pipelines.generators.augment.generator:Augment",
        "diffusion": "pipelines.generators.diffusion.generator:Diffusion",
        "file": "pipelines.generators.file.generator:File",
        "gan": "pipelines.generators.gan.generator:Gan",
        "hosted_images": "pipelines.generators.hosted_images.generator:HostedImages",
        "interpolation": "pipelines.generators.interpolation.generator:Interpolation",
        "pretrained": "pipelines.generators.pretrained.generator:Pretrained",
        "real": "pipelines.generators.real:Real",
        "simulate": "pipelines.generators.simulate.generator:Simulate",
        "text": "pipelines.generators.text.generator:Text",
    },
)

_NONE: Final = "pipelines.common.plugins:NoSettings"
SETTINGS: Final[Mapping[str, tuple[str, str]]] = {
    "augment": (_NONE, "pipelines.generators.augment.settings:AugmentGenerate"),
    "diffusion": (
        "pipelines.generators.diffusion.settings:DiffusionFit",
        "pipelines.generators.diffusion.settings:DiffusionGenerate",
    ),
    "file": (
        "pipelines.generators.file.settings:FileFit",
        "pipelines.generators.file.settings:FileGenerate",
    ),
    "gan": (
        "pipelines.generators.gan.settings:GanFit",
        "pipelines.generators.gan.settings:GanGenerate",
    ),
    "hosted_images": (_NONE, "pipelines.generators.hosted_images.settings:HostedImagesGenerate"),
    "interpolation": (_NONE, "pipelines.generators.interpolation.settings:InterpolationGenerate"),
    "pretrained": (
        "pipelines.generators.pretrained.settings:PretrainedFit",
        "pipelines.generators.pretrained.settings:PretrainedGenerate",
    ),
    "real": ("pipelines.generators.real:RealFit", "pipelines.generators.real:RealGenerate"),
    "simulate": (_NONE, "pipelines.generators.simulate.settings:SimulateGenerate"),
    "text": (
        "pipelines.generators.text.settings:TextFit",
        "pipelines.generators.text.settings:TextGenerate",
    ),
}
"""The settings of each generator of this package for `fit` and for `generate`, as `module:Class`:
those that its class has as `FitSettings` and `GenerateSettings`."""
