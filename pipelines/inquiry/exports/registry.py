"""The formats in which a ref can be exported, of rows and of lineage, each by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from lake.client import Lake
from lake.errors import NotFoundError
from lineage.export.values import Track
from pipelines.inquiry import lineage_export
from pipelines.inquiry.exports import conversations, preferences, rows, spdx
from pipelines.inquiry.exports.hugging_face import folder
from pipelines.inquiry.exports.rows import RowDocument, Source
from pipelines.inquiry.training.data import TrainingData


class Document(Protocol):
    """A text that is produced in pieces, and a summary of what it contains."""

    def chunks(self, track: Track, /) -> Iterable[str]:
        """The pieces of the text, in order; `track` reports progress."""

    def summary(self) -> dict[str, int]:
        """Number of things written, by kind."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format, and how a document in it is composed."""

    about: str
    """What it is, for people."""
    compose: Callable[[Lake, str, Sequence[str]], Document] | None = None
    """From the lake, a ref and the data sets that are wanted; none: all. None where the format is
    a folder, of the training mix of one data set.

    Raises NotFoundError where the ref holds nothing of them."""
    write_folder: Callable[[Lake, TrainingData, Path], Mapping[str, int]] | None = None
    """Writes the folder, and counts what is in it."""
    lineage: bool = False
    """Whether it holds lineage and no rows."""


def _compose_lineage(form: str) -> Callable[[Lake, str, Sequence[str]], Document]:
    """Return what composes a document of lineage in a format."""

    def compose(lake: Lake, ref: str, datasets: Sequence[str]) -> Document:
        holding = lineage_export.hold(lake, ref, datasets[0] if len(datasets) == 1 else None)
        if not holding.objects:
            raise NotFoundError(f"{ref} holds no lineage{_of(datasets)}; name another ref")
        if form == "spdx":
            return spdx.compose(lake, holding)
        return lineage_export.compose(lake, holding, form)

    return compose


def _compose_rows(records: rows.Records) -> Callable[[Lake, str, Sequence[str]], Document]:
    def compose(lake: Lake, ref: str, datasets: Sequence[str]) -> Document:
        commit = lake.resolve(ref).id
        sources = rows.only(Source(lake, commit, dataset) for dataset in datasets)
        if not sources:
            raise NotFoundError(f"{ref} holds no rows{_of(datasets)}; name another ref")
        return RowDocument(sources, records)

    return compose


def _of(datasets: Sequence[str]) -> str:
    return f" of {' or '.join(datasets)}" if datasets else ""


FORMATS: Final[Mapping[str, ExportFormat]] = {
    "jsonl": ExportFormat("each accepted row as a JSON object", _compose_rows(rows.plain)),
    "chat": ExportFormat("each accepted row as messages", _compose_rows(conversations.records)),
    "dpo": ExportFormat(
        "an accepted and a refused answer to one question", _compose_rows(preferences.records)
    ),
    "hf": ExportFormat("the training mix as a folder of Hugging Face", write_folder=folder.write),
    "prov": ExportFormat("W3C PROV as JSON", _compose_lineage("prov"), lineage=True),
    "croissant": ExportFormat("Croissant as JSON-LD", _compose_lineage("croissant"), lineage=True),
    "spdx": ExportFormat("SPDX 3, dataset profile", _compose_lineage("spdx")),
}
