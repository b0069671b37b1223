"""Read real data from wherever params.yaml says it is.

`ingest.source` is a plug-in (`protocol.Source`, or a module with `load() -> DataFrame`), a table, a
folder of tables or a pattern that tables fit, in the layout of Hugging Face datasets (`image:
struct{bytes, path}` and `label`; or the columns that are the data set's identity, and `label` if
there is one), or a folder of images (`image_folders`).
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from pipelines.common import plugin_modules
from pipelines.common.errors import DataError, LibraryError
from pipelines.common.settings import StrictModel
from pipelines.features import images
from pipelines.modalities import Modality
from pipelines.sources import croissant, folders, image_folders, marks, registry, tables
from pipelines.sources.account import Account, grouped
from pipelines.sources.columns import Columns
from pipelines.sources.marks import Marks
from pipelines.sources.protocol import Source
from pipelines.sources.remote import listing

ALL: Final = Columns()
"""Those of the modality, under their own names."""


@dataclass(frozen=True, slots=True)
class RealData:
    """Real rows, with the origin and licence that their lineage records."""

    frame: pl.DataFrame
    name: str
    licence: str | None = None
    account: Account = field(default_factory=Account)
    marks: Marks = marks.NONE


def read(
    source: str,
    modality: Modality,
    settings: Mapping[str, Any] = MappingProxyType({}),
    columns: Columns = ALL,
) -> RealData:
    """Read all rows of a source.

    Args:
        source: what params.yaml says.
        modality: what its rows are.
        settings: the source's own, as params.yaml has them.
        columns: which of its columns are read, and under which names.

    Returns:
        The payload of each row: the columns of the modality, then those that are kept.

    Raises:
        DataError: there is nothing there, or it has not the columns that a sample needs.
        ParamsError: a key of the settings is wrong.
    """
    columns.check(modality.derived)
    given = _given(source, settings, typed_csv=modality.csv_types)
    given = replace(given, frame=columns.unaliased(source, given.frame))
    if given.frame.is_empty():
        raise DataError(f"{source} has no rows")
    named = columns.renamed(source, given.frame)
    typed = modality.typed(source, named)
    chosen = columns.selected(source, typed, modality.columns(typed))
    for column in chosen.columns:
        if chosen.schema[column] == images.IMAGE:
            images.check(chosen[column])
    unused = columns.unused(given.frame, chosen)
    columns.check_aliases(source, unused)
    found = marks.scan(named.select(name for name in chosen.columns if name in named.columns))
    account = given.account + Account(passed_over=unused)
    return replace(given, frame=chosen, account=account, marks=found)


def _given(source: str, settings: Mapping[str, Any], *, typed_csv: bool) -> RealData:
    """Read what the source gives, under its own names."""
    own, reference = registry.settings(source, settings), registry.plugin(source)
    if reference is not None:
        plugin = registry.find(reference)()
        return RealData(_loaded(source, plugin, own), plugin.origin, plugin.licence)
    if listing.is_remote(source):
        return _fetched(source, typed_csv=typed_csv)
    if croissant.is_description(source):
        described = croissant.read(source, typed_csv=typed_csv)
        return RealData(described.frame, described.name, described.licence, described.account)
    return _on_disk(source, typed_csv=typed_csv)


def _fetched(source: str, *, typed_csv: bool) -> RealData:
    """Read a source on another machine, from its copy in the cache of the project."""
    from pipelines.sources.remote import fetch  # noqa: PLC0415  few data sets need it

    place = str(fetch.local(source))
    try:
        given = _on_disk(place, typed_csv=typed_csv)
    except DataError as error:
        raise DataError(str(error).replace(place, source)) from error
    notes = tuple(note.replace(place, source) for note in given.account.notes)
    return replace(given, name=source, account=replace(given.account, notes=notes))


def _on_disk(source: str, *, typed_csv: bool) -> RealData:
    """Read a table, a folder, or the tables that fit a pattern."""
    path, mode = Path(source), folders.mode_of(source)
    if folders.is_pattern(source):
        paths = {name: Path(name) for name in folders.matching(source)}
        frame, account = tables.read_all(source, paths, typed_csv=typed_csv)
        return RealData(frame, source, account=account)
    if mode is not None and stat.S_ISDIR(mode):
        return _folder(source, path, typed_csv=typed_csv)
    if path.suffix.lower() in tables.READERS and mode is not None:
        table = tables.read(path, typed_csv=typed_csv)
        return RealData(table.frame, source, account=Account(notes=table.notes))
    if mode is None and (path.suffix.lower() in tables.READERS or len(path.parts) > 1):
        raise DataError(f"ingest.source {source!r} is not there; name a file or folder that is")
    raise DataError(
        f"ingest.source {source!r} is neither a Python module, nor a table "
        f"({', '.join(sorted(tables.READERS))}), nor a folder, nor one of Stemma's own sources "
        f"({', '.join(registry.SOURCES.names())})"
    )


def _loaded(source: str, plugin: Source[Any], settings: StrictModel) -> pl.DataFrame:
    try:
        frame: object = plugin.load(settings)
    except LibraryError:
        raise
    except Exception as error:  # code of a user's fails in any way
        reason = plugin_modules.first_line(error)
        raise DataError(f"load() of {source} failed with {reason}") from error
    if not isinstance(frame, pl.DataFrame):
        raise DataError(f"load() of {source} gave a {type(frame).__name__}, not a Polars frame")
    return frame


def _folder(source: str, path: Path, *, typed_csv: bool) -> RealData:
    """Read a folder of images, or of tables."""
    folder = folders.find(path)
    if not folder.tables:
        frame, account = image_folders.read(path, folder)
        return RealData(frame, source, account=account)
    paths = {name: path / name for name in folder.tables}
    frame, account = tables.read_all(source, paths, typed_csv=typed_csv)
    return RealData(frame, source, account=Account(grouped(folder.left_out)) + account)
