"""What a pipeline draws: calls in batches, each image by a seed of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lake.visible import visible
from pipelines.common.errors import GeneratorError
from pipelines.common.progress import track
from pipelines.features import image_fitting
from pipelines.generators.pretrained import loading
from pipelines.generators.pretrained.settings import OF_SOURCES, PretrainedGenerate

MULTIPLE: Final = 8
"""Sides of images that pipelines take are multiples of this."""
Bicubic: Final = Image.Resampling.BICUBIC
GUIDANCE: Final = PretrainedGenerate().guidance
"""The default, with which a pipeline without guidance draws all the same."""
Box = tuple[float, float, float, float]
"""Top, left, bottom and right of what is made anew, as shares of the sides."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image that is wanted."""

    seed: int
    prompt: str
    label: Any = None
    source: NDArray[np.uint8] | None = None
    """[h, w] or [h, w, 3], of image_to_image and inpainting."""
    box: Box | None = None
    """Of inpainting."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An image, or why there is none."""

    pixels: NDArray[np.float32] | None
    """As the data's, in [0, 1]; None: the pipeline's own filter refused what it drew."""


def draw(
    pipeline: Any,  # noqa: ANN401  untyped library
    wanted: Sequence[Wanted],
    settings: PretrainedGenerate,
    shape: tuple[int, ...],
) -> list[Drawn]:
    """Draw images.

    Args:
        pipeline: as `loading.prepared` makes it.
        wanted: what is wanted.
        settings: of the round.
        shape: of the data's images, [h, w] or [h, w, 3].

    Raises:
        GeneratorError: the pipeline fails, or does not take what is set.
    """
    side = settings.size or side_of(pipeline, shape)
    drawn: list[Drawn] = []
    for start in track(range(0, len(wanted), settings.batch), "generate"):
        part = wanted[start : start + settings.batch]
        result = _called(pipeline, _arguments(pipeline, part, settings, side))
        refused = getattr(result, "nsfw_content_detected", None) or [False] * len(part)
        drawn += [
            Drawn(None if bad else image_fitting.fitted(np.asarray(image), shape))
            for image, bad in zip(result.images, refused, strict=True)
        ]
    return drawn


def _called(pipeline: Any, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401  untyped library
    import torch  # noqa: PLC0415  slow to import

    try:
        with torch.inference_mode(), loading.quiet():
            return pipeline(**arguments)
    except Exception as error:  # of any kind, by a library that others' weights steer
        raise GeneratorError(
            f"the pipeline {type(pipeline).__name__} failed: {visible(str(error))[:300]}"
        ) from error


def _arguments(
    pipeline: Any,  # noqa: ANN401  untyped library
    part: Sequence[Wanted],
    settings: PretrainedGenerate,
    side: int,
) -> dict[str, Any]:
    """Arguments of a call; what the pipeline has no argument for may not be set.

    Raises:
        GeneratorError: it is.
    """
    import torch  # noqa: PLC0415  slow to import

    given: dict[str, Any] = {
        "generator": [torch.Generator().manual_seed(each.seed) for each in part],
        "num_inference_steps": settings.steps,
        "output_type": "np",
        **_of_task(pipeline, part, settings, side),
    }
    optional = {"guidance_scale": settings.guidance}
    if settings.negative_prompt is not None:
        optional["negative_prompt"] = [settings.negative_prompt] * len(part)  # type: ignore[assignment]
    known = loading.accepted(pipeline)
    for name, value in optional.items():
        if name in known:
            given[name] = value
        elif name == "negative_prompt" or value != GUIDANCE:
            raise GeneratorError(
                f"a pipeline of the class {type(pipeline).__name__} takes no {name}; leave it out "
                "of generate.pretrained"
            )
    return given


def _of_task(
    pipeline: Any,  # noqa: ANN401  untyped library
    part: Sequence[Wanted],
    settings: PretrainedGenerate,
    side: int,
) -> dict[str, Any]:
    if settings.task == "class_conditional":
        return {"class_labels": [_class(pipeline, each.label, settings) for each in part]}
    given: dict[str, Any] = {"prompt": [each.prompt for each in part]}
    if settings.task in OF_SOURCES:
        given |= {
            "image": [enlarged(each.source, side) for each in part],
            "strength": settings.strength,
        }
    if settings.task == "inpainting":
        given["mask_image"] = [_mask(each.box, side) for each in part]
    if settings.task != "image_to_image":
        given |= {"height": side, "width": side}
    return given


def _class(pipeline: Any, label: object, settings: PretrainedGenerate) -> int:  # noqa: ANN401
    """The pipeline's number of a label.

    Raises:
        GeneratorError: it has none.
    """
    names: Mapping[str, int] = getattr(pipeline, "labels", None) or {}
    if str(label) in settings.classes:
        return settings.classes[str(label)]
    if type(label) is int:
        return label
    if str(label) in names:
        return int(names[str(label)])
    raise GeneratorError(
        f"the pipeline has no class called {visible(str(label))}; give its number in "
        "generate.pretrained.classes"
    )


def side_of(pipeline: Any, shape: tuple[int, ...]) -> int:  # noqa: ANN401  untyped library
    """Side that a pipeline draws, by its configuration; else that of the data."""
    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    latent = getattr(getattr(network, "config", None), "sample_size", None)
    if not isinstance(latent, int):
        latent = getattr(pipeline, "default_sample_size", None)  # as of Flux
    scale = getattr(pipeline, "vae_scale_factor", MULTIPLE)
    if isinstance(latent, int):
        return latent * int(scale)
    return -(-max(shape[:2]) // MULTIPLE) * MULTIPLE


def enlarged(pixels: NDArray[np.uint8] | None, side: int) -> Image.Image:
    """Bring a source to the form that pipelines take: a square in colour."""
    if pixels is None:
        raise AssertionError("the task has sources")
    return Image.fromarray(pixels).convert("RGB").resize((side, side), Bicubic)


def _mask(box: Box | None, side: int) -> Image.Image:
    """White where an image is made anew."""
    if box is None:
        raise AssertionError("the task has masks")
    top, left, bottom, right = (round(each * side) for each in box)
    mask = np.zeros((side, side), dtype=np.uint8)
    mask[top:bottom, left:right] = 255
    return Image.fromarray(mask)


def boxes(count: int, masked: float, draw_: np.random.Generator) -> Iterator[Box]:
    """Draw rectangles of a share of the area, each within the image."""
    for _ in range(count):
        height = float(np.sqrt(masked) * np.exp(draw_.uniform(-0.3, 0.3)))
        height = min(max(height, masked), 1.0)
        width = masked / height
        top, left = draw_.uniform(0, 1 - height), draw_.uniform(0, 1 - width)
        yield (top, left, top + height, left + width)
