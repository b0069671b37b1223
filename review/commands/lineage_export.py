"""`stemma lineage export REF`: the lineage of a ref in a form that other tools read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from lake.client import Lake
from lake.errors import NotFoundError
from lake.visible import in_json
from lineage.export import croissant, prov
from lineage.export.values import Track, untracked
from pipelines.common import progress
from pipelines.inquiry import lineage_export
from pipelines.inquiry.lineage_export import Holding
from pipelines.params import Params, load
from pipelines.rounds.context import open_lake
from review.cli import files
from review.cli.datasets import wanted_dataset
from review.cli.output import console, number, print_json, sentence


class Document(Protocol):
    """A text that comes in pieces, and what is in it."""

    def chunks(self, track: Track, /) -> Iterable[str]:
        """The text; `track` tells how far the work is."""

    def summary(self) -> dict[str, int]:
        """What was written, in numbers."""


def run(*, ref: str, form: str, dataset: str | None, output: Path | None, as_json: bool) -> None:
    """Write the lineage of a ref; to standard output, it is all that is written there."""
    params = load()
    lake = open_lake(params)
    document = compose(lake, held(lake, params, ref, dataset), form)
    track = untracked if output is None else progress.track
    size = files.write(output, map(in_json, document.chunks(track)))
    if output is None:
        return
    found = document.summary()
    if as_json:
        print_json({"file": str(output), "format": form, **found, "bytes": size})
    else:
        said = ", ".join(
            f"{number(count)} {name.replace('_', ' ')}" for name, count in found.items()
        )
        wrote = f"wrote {output}: {said}, {number(size)} bytes"
        console().print(sentence(wrote), soft_wrap=True)


def held(lake: Lake, params: Params, ref: str, dataset: str | None) -> Holding:
    """What a ref holds of all data sets, or of one.

    Raises:
        NotFoundError: it holds no lineage.
        UsageError: there is no such data set.
    """
    found = lineage_export.hold(lake, ref, dataset)
    if not found.objects:
        what = "lineage" if dataset is None else f"lineage of {wanted_dataset(params, dataset)}"
        raise NotFoundError(f"{ref} holds no {what}; name another ref, or run `dvc repro` first")
    return found


def compose(lake: Lake, found: Holding, form: str) -> Document:
    """Prepare the document of a form."""
    rounds = lineage_export.rounds(lake, found)
    if form == "prov":
        return prov.Document(found.origin, rounds)
    return croissant.Document(found.origin, rounds, list(lineage_export.files(lake, found)))
