"""Settings of the generator `pretrained`; apart from it, because params.yaml is read without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field, field_validator

from pipelines.common.settings import StrictModel, operational, section
from pipelines.generators.prompts.settings import Prompts
from pipelines.generators.template_names import fields

VERSION: Final = "pretrained/1"
"""Semantic version of the generator, raised when what it makes of equal input changes."""

Task = Literal["text_to_image", "image_to_image", "inpainting", "class_conditional"]
OF_SOURCES: Final = ("image_to_image", "inpainting")
"""Tasks that take an image of the mix, which becomes the parent."""


class LoraFit(StrictModel):
    """Training of a low-rank adapter (Hu et al. 2021, arXiv 2106.09685) on the mix, by peft."""

    rank: int = Field(8, gt=0, le=512)
    """Rank of the adapter's matrices."""
    steps: int = Field(500, gt=0)
    """Steps of training."""
    batch: int = Field(4, gt=0)
    """Rows in a step of training."""
    learning_rate: float = Field(1e-4, gt=0)
    """Greatest learning rate."""
    template: str = Field("{label}", min_length=1)
    """The prompt of a training image; names stand for the label and columns of the row."""

    @field_validator("template")
    @classmethod
    def _is_template(cls, given: str) -> str:
        list(fields(given))
        return given


class PretrainedFit(StrictModel):
    """Which pipeline, and whether it learns of the mix."""

    model: str = ""
    """A folder as `save_pretrained` of diffusers writes it, or a name at the Hugging Face Hub."""
    revision: str | None = None
    """Commit, branch or tag at the Hub; not given: what its cache or the Hub calls main."""
    licence: str | None = operational(None, min_length=1)
    """Licence or terms of the model; not given: what the card beside it says."""
    lora: LoraFit | None = section()
    """Not given: the pipeline stays as it is."""
    size: int | None = Field(None, gt=0, le=4096)
    """Side of the images that an adapter learns from; not given: the one the pipeline draws."""
    threads: int = Field(1, gt=0)
    """Threads of torch; more are faster, and another number may round otherwise."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where torch computes; `auto` is a GPU where there is one."""


class PretrainedGenerate(StrictModel):
    """What the pipeline is asked for."""

    task: Task = "text_to_image"
    """What the pipeline is given to begin with."""
    prompts: Prompts = Prompts()
    negative_prompt: str | None = None
    """What images should not show."""
    steps: int = Field(30, gt=0)
    """Steps of the sampler."""
    guidance: float = Field(7.5, ge=0)
    """Classifier-free guidance scale."""
    strength: float = Field(0.6, gt=0, le=1)
    """Of image_to_image and inpainting: how much of the noise a source gets; of the first, its
    weight as a parent is what this leaves of 1."""
    masked: float = Field(0.25, gt=0, lt=1)
    """Of inpainting: share of the area that is made anew, a rectangle at a place that is drawn."""
    classes: Mapping[str, int] = {}
    """Of class_conditional: the pipeline's number of a label; not given: the label, where it is a
    number, or the number that the pipeline has for that name."""
    scheduler: str | None = Field(None, pattern="^[A-Za-z0-9]+Scheduler$")
    """A class of diffusers, such as `DPMSolverMultistepScheduler`; not given: the pipeline's."""
    lora: str | None = Field(None, min_length=1)
    """A file of an adapter (safetensors) that is loaded besides."""
    lora_scale: float = Field(1.0, allow_inf_nan=False)
    """How much adapters count."""
    size: int | None = Field(None, gt=0, le=4096)
    """Side that the pipeline draws; images are brought to the size of the data's afterwards. Not
    given: the pipeline's own."""
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """Number format of the weights."""
    batch: int = Field(4, gt=0)
    """Images at once."""
    threads: int = Field(1, gt=0)
    """Threads of torch; more are faster, and another number may round otherwise."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where torch computes; `auto` is a GPU where there is one."""
