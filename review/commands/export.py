"""`stemma export REF`: the rows or the lineage of a ref, in a format that other tools read."""

from __future__ import annotations

from pathlib import Path

from lake.visible import escape_json
from lineage.export.values import untracked
from pipelines.common import progress
from pipelines.inquiry.exports.registry import FORMATS, Document
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli import files
from review.cli.datasets import wanted_datasets
from review.cli.output import make_console, number, print_json, sentence


def run(*, ref: str, form: str, dataset: str | None, output: Path | None, as_json: bool) -> None:
    """Write a ref in a format; on standard output nothing else is written then."""
    params = load()
    lake = open_lake(params)
    names = wanted_datasets(params, dataset)
    every = dataset is None and FORMATS[form].lineage
    compose = FORMATS[form].compose
    assert compose is not None  # noqa: S101  for the type; formats of folders are another command's
    write(compose(lake, ref, () if every else names), form, output, as_json=as_json)


def write(document: Document, form: str, output: Path | None, *, as_json: bool) -> None:
    """Write a document to a file, and say what it holds; or to standard output."""
    track = untracked if output is None else progress.track
    size = files.write(output, map(escape_json, document.chunks(track)))
    if output is None:
        return
    summary = document.summary()
    if as_json:
        print_json({"file": str(output), "format": form, **summary, "bytes": size})
        return
    counts = ", ".join(
        f"{number(count)} {name.replace('_', ' ')}" for name, count in summary.items()
    )
    wrote = f"wrote {output}: {counts}, {number(size)} bytes"
    make_console().print(sentence(wrote), soft_wrap=True)
