"""Which columns of a data set of texts are edited."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.common.errors import GeneratorError
from pipelines.common.settings import nearest
from pipelines.generators.augment.settings import AugmentGenerate, ImageEdits
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.template_names import fields


def chosen(request: GenerateRequest[AugmentGenerate], payload: pl.DataFrame) -> tuple[str, ...]:
    """Return the columns of which words are dropped, and check those that templates name.

    Raises:
        GeneratorError: a column does not exist or holds no texts, or the settings are those of
            images.
    """
    settings = request.settings
    if settings.image != ImageEdits():
        raise GeneratorError(
            "generate.augment.image is set, and the rows are no images; set generate.augment.text"
        )
    edits = settings.text
    columns = request.identity if edits.columns is None else edits.columns
    _check([*columns, *edits.templates], request.identity, payload, "generate.augment.text")
    for name, templates in edits.templates.items():
        for template in templates:
            unknown = next((f for f in fields(template) if f not in payload.columns), None)
            if unknown is not None:
                raise GeneratorError(
                    f"generate.augment.text.templates.{name} names {{{unknown}}}, and a row has no "
                    f"such column{nearest(unknown, payload.columns)}"
                )
    return tuple(columns)


def _check(
    names: Sequence[str], identity: Sequence[str], payload: pl.DataFrame, where: str
) -> None:
    """Refuse columns that are not in the content, or hold no texts."""
    for name in names:
        if name not in identity:
            raise GeneratorError(
                f"{where} names the column {name!r}, which is not in the content of a sample"
                f"{nearest(name, identity)}"
            )
        dtype = payload.schema[name]
        if dtype != pl.String:
            raise GeneratorError(
                f"augment edits images and texts, and column {name!r} is {dtype}; name columns of "
                f"texts under {where}.columns, or use interpolation for a table"
            )
