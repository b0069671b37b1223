"""`stemma lineage export REF`: the lineage of a ref in a form that other tools read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from lake.client import Lake
from lake.errors import NotFoundError
from lake.visible import escape_json
from lineage.export import croissant, prov
from lineage.export.values import Track, untracked
from pipelines.common import progress
from pipelines.inquiry import lineage_export
from pipelines.inquiry.lineage_export import Holding
from pipelines.params import Params, load
from pipelines.rounds.context import open_lake
from review.cli import files
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, number, print_json, sentence


class Document(Protocol):
    """A text that is produced in pieces, and a summary of what it contains."""

    def chunks(self, track: Track, /) -> Iterable[str]:
        """The pieces of the text, in order; `track` reports progress."""

    def summary(self) -> dict[str, int]:
        """Number of things written, by kind."""


def run(*, ref: str, form: str, dataset: str | None, output: Path | None, as_json: bool) -> None:
    """Write the lineage of a ref; on standard output nothing else is written then."""
    params = load()
    lake = open_lake(params)
    document = compose(lake, held(lake, params, ref, dataset), form)
    track = untracked if output is None else progress.track
    size = files.write(output, map(escape_json, document.chunks(track)))
    if output is None:
        return
    summary = document.summary()
    if as_json:
        print_json({"file": str(output), "format": form, **summary, "bytes": size})
    else:
        counts = ", ".join(
            f"{number(count)} {name.replace('_', ' ')}" for name, count in summary.items()
        )
        wrote = f"wrote {output}: {counts}, {number(size)} bytes"
        make_console().print(sentence(wrote), soft_wrap=True)


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


def compose(lake: Lake, holding: Holding, form: str) -> Document:
    """Prepare the document in a format.

    Args:
        lake: the lake.
        holding: what is exported.
        form: `prov` or `croissant`.
    """
    rounds = lineage_export.rounds(lake, holding)
    if form == "prov":
        return prov.Document(holding.origin, rounds)
    return croissant.Document(holding.origin, rounds, list(lineage_export.files(lake, holding)))
