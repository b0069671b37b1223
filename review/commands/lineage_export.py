"""`stemma lineage export REF`: the lineage of a ref in a form that other tools read."""

from __future__ import annotations

from pathlib import Path

from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.inquiry import lineage_export
from pipelines.inquiry.lineage_export import Holding
from pipelines.params import Params, load
from pipelines.rounds.context import open_lake
from review.cli.datasets import wanted_dataset
from review.commands import export


def run(*, ref: str, form: str, dataset: str | None, output: Path | None, as_json: bool) -> None:
    """Write the lineage of a ref; on standard output nothing else is written then."""
    params = load()
    lake = open_lake(params)
    document = lineage_export.compose(lake, held(lake, params, ref, dataset), form)
    export.write(document, form, output, as_json=as_json)


def held(lake: Lake, params: Params, ref: str, dataset: str | None) -> Holding:
    """The objects of a ref that an export needs, of all data sets or of one.

    Raises:
        NotFoundError: the ref holds no lineage.
        UsageError: there is no such data set.
    """
    holding = lineage_export.hold(lake, ref, dataset)
    if not holding.objects:
        what = "lineage" if dataset is None else f"lineage of {wanted_dataset(params, dataset)}"
        raise NotFoundError(f"{ref} holds no {what}; name another ref, or run `dvc repro` first")
    return holding
