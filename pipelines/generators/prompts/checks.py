"""Whether prompts can be made of rows, said before anything is fitted or asked for."""

from __future__ import annotations

import polars as pl

from lake.visible import visible
from pipelines.common.errors import GeneratorError
from pipelines.generators.prompts.settings import LABEL, Prompts
from pipelines.generators.template_names import fields


def check(rows: pl.DataFrame, prompts: Prompts, dataset: str, *, sources: bool = False) -> None:
    """Check, before anything is fitted, that prompts can be made of rows like these.

    Rows of another data set are looked at when prompts are drawn.

    Args:
        rows: a few real rows.
        prompts: where they come from.
        dataset: of the rows.
        sources: as of `draws.drawn`.

    Raises:
        GeneratorError: the rows lack a column, or the column of prompts holds no texts.
    """
    if prompts.dataset is not None:
        return
    if prompts.of_rows or sources:
        check_columns(rows.drop("image", strict=False), prompts.column, prompts, dataset)
    if prompts.template is None:
        if not prompts.of_rows and LABEL not in rows.columns:
            raise GeneratorError(
                f"rows of {visible(dataset)} have no labels to make prompts of; set "
                "prompts.template"
            )
    elif not prompts.of_rows and not sources:
        _check_names(rows, prompts.template, prompts)


def _check_names(rows: pl.DataFrame, template: str, prompts: Prompts) -> None:
    """Refuse a template without rows that names more than label and attributes.

    Raises:
        GeneratorError: it does.
    """
    known = {*prompts.attributes, *({LABEL} & set(rows.columns))}
    missing = next((each for each in fields(template) if each not in known), None)
    if missing is not None:
        raise GeneratorError(
            f"prompts.template names {visible(missing)!r}, which is no attribute and no label; "
            "correct it, or set prompts.column"
        )


def check_columns(rows: pl.DataFrame, column: str | None, prompts: Prompts, dataset: str) -> None:
    """Refuse columns that the rows do not have.

    Raises:
        GeneratorError: one is missing or holds no texts.
    """
    named = [column] if column else []
    named += list(fields(prompts.template)) if prompts.template else []
    missing = [
        each for each in named if each not in rows.columns and each not in prompts.attributes
    ]
    if missing:
        listed = ", ".join(visible(each) for each in rows.columns)
        raise GeneratorError(
            f"the prompts name the column {visible(missing[0])!r}, which rows of "
            f"{visible(dataset)} do not have (they have {listed})"
        )
    if column and rows.schema[column] != pl.String:
        raise GeneratorError(
            f"the column {visible(column)!r} of {visible(dataset)} holds {rows.schema[column]}; "
            "prompts are texts"
        )
