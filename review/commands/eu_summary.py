"""`stemma report eu-summary REF`: the EU's public summary of training content of a ref."""

from __future__ import annotations

from pathlib import Path

from pipelines.inquiry.eu_summary import filled, rendering, training_content
from pipelines.inquiry.training import data
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli import files
from review.cli.datasets import dataset_at
from review.cli.output import make_console, print_json, sentence


def run(*, ref: str, form: str, dataset: str | None, output: Path | None, as_json: bool) -> None:
    """Write the summary; on standard output nothing else is written then."""
    params = load()
    lake = open_lake(params)
    name = dataset_at(lake, ref, lake.resolve(ref).id, dataset)
    version = data.open_at(lake, params, ref, name)
    summary = filled.fill(training_content.collect(lake, version))
    form = "json" if as_json and output is None else form
    size = files.write(output, [rendering.FORMATS[form](summary)])
    if output is None:
        return
    if as_json:
        print_json({"file": str(output), "format": form, "blank": summary.blanks, "bytes": size})
        return
    wrote = f"wrote {output}: {summary.blanks} of {len(summary.fields)} fields are for you to write"
    make_console().print(sentence(wrote), soft_wrap=True)
