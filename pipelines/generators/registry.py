"""Generators by name, by module or by file."""

from __future__ import annotations

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
