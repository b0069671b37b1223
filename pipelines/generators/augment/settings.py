"""Settings of the generator `augment`: how images and texts are edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from pipelines.common.settings import StrictModel
from pipelines.features.edit_settings import Edits
from pipelines.generators.template_names import fields


class ImageEdits(Edits):
    """How images are edited, and how many are mixed.

    The defaults keep what an image shows: none is mirrored, which makes another letter or digit of
    some, and none is mixed.
    """

    mixup: float = Field(0.0, ge=0, le=1)
    """Share of the candidates that are weighted means of two edited images."""
    cutmix: float = Field(0.0, ge=0, le=1)
    """Share of the candidates in which a rectangle of another edited image is pasted."""
    alpha: float = Field(1.0, gt=0, allow_inf_nan=False)
    """The share of the second image is drawn from Beta(alpha, alpha)."""
    mixed_labels: Literal["same", "larger"] = "same"
    """same: two images of one label are mixed. larger: any two, and the candidate has the label of
    the one with the larger share. A sample has one label, so there are no soft ones."""

    @model_validator(mode="after")
    def _check(self) -> ImageEdits:
        if self.mixup + self.cutmix > 1:
            raise ValueError(
                f"mixup {self.mixup:g} and cutmix {self.cutmix:g} are shares of the candidates, "
                "and together more than 1"
            )
        if not self.changes(in_colour=True):
            raise ValueError("nothing is changed; set flip, rotation, crop, noise, mixup or others")
        return self

    def changes(self, *, in_colour: bool) -> bool:
        """Whether any edit or mixture is asked for that can change an image."""
        return bool(self.mixup or self.cutmix) or Edits.changes(self, in_colour=in_colour)


class TextEdits(StrictModel):
    """How texts are edited."""

    columns: tuple[str, ...] | None = Field(None, min_length=1)
    """Columns that are edited; not given: all columns of the content."""
    word_dropout: float = Field(0.1, ge=0, lt=1)
    """Chance of each word to be dropped; of two words or more, one at least is, and one stays."""
    templates: Mapping[str, tuple[str, ...]] = {}
    """Templates of a column, one of which is drawn for each candidate, such as
    `{text: ["In short: {text}"]}`; {name} stands for a column of the row."""

    @model_validator(mode="after")
    def _check(self) -> TextEdits:
        for name, templates in self.templates.items():
            if not templates:
                raise ValueError(f"templates.{name} holds no template")
            for template in templates:
                list(fields(template))
        if not self.word_dropout and not self.templates:
            raise ValueError("nothing is changed; set word_dropout or templates")
        return self


class AugmentGenerate(StrictModel):
    """How rows are edited; which of the two sections is used follows from the data."""

    image: ImageEdits = ImageEdits()
    """Edits of images."""
    text: TextEdits = TextEdits()
    """Edits of texts."""
