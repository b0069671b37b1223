"""What a source holds: images, texts or a table, which column is what, and what is not used.

The source is read as its reader gives it, before any modality has a word. A column of image files
makes images; else columns of texts that are sentences make texts; else typed columns make a table.
A guess that is wrong is corrected by options, which are believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, cast

import polars as pl

from pipelines.common.errors import DataError
from pipelines.common.settings import nearest
from pipelines.features import images
from pipelines.modalities import Modality
from pipelines.modalities.registry import MODALITIES
from pipelines.project import column_roles, image_settings
from pipelines.sources import read as sources
from pipelines.sources import tables

IMAGE: Final = "image"
TEXT: Final = "text"
TABLE: Final = "table"
CATEGORIES: Final = "categories"
LABEL: Final = "label"
MAGIC: Final = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"RIFF", b"GIF8", b"II*\0", b"MM\0*")
"""How image files begin."""
SENTENCE: Final = 25
"""Characters, on average, from which a column of different texts is one of sentences."""
DISTINCT: Final = 0.5
"""Share of different values from which texts are no categories."""
SAMPLE: Final = 10_000
"""Rows that are looked at."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user says about the data; None or empty: it is found out."""

    modality: str | None = None
    label: str | None = None
    target: str | None = None
    columns: tuple[str, ...] = ()
    """The content of a sample."""
    unlabelled: bool = False
    """There are no labels."""
    id: str | None = None
    """The column with a key of one's own for each row."""
    keep: tuple[str, ...] | None = None
    """Columns that travel with the samples; None: those that would be missed."""


@dataclass(frozen=True, slots=True)
class Detected:
    """What a source was taken for."""

    modality: str
    identity: tuple[str, ...]
    """The user's names of the columns that are the content of a sample."""
    rows: int
    label: str | None = None
    """The user's name of the column of labels."""
    target: str | None = None
    """A numeric column that a table is for."""
    image: str | None = None
    """The user's name of the column of images."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The modality's own, as they stand under `ingest`."""
    id: str | None = None
    """The user's name of the column with a key for each row."""
    keep: tuple[str, ...] = ()
    """Further columns that travel with the samples."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why columns were taken for what they are, where their names do not say it."""
    unused: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not used, and what they seem to be."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """What each column seems to be."""
    could_be_label: str | None = None
    """A column that could hold labels, where none was found."""
    why_key: str = ""
    """Why a column was taken for the key, where its name does not say it."""


def detect(source: str, settings: Mapping[str, Any], choice: Choice) -> Detected:
    """Look at a source and say what it holds.

    Args:
        source: As `ingest.source`.
        settings: The source's own.
        choice: What the user says.

    Raises:
        DataError: It cannot be read, or holds nothing that a modality knows.
        ParamsError: The user names a modality that is not there.
    """
    frame = sources.read(source, cast("Modality", _AsItIs()), settings).frame
    named = (choice.label, choice.target, choice.id, *choice.columns, *(choice.keep or ()))
    for name in named:
        if name is not None and name not in frame.columns:
            raise DataError(f"{source} has no column {name!r}{nearest(name, frame.columns)}")
    if choice.target == LABEL:
        raise DataError(
            f"the target of {source} is called {LABEL!r}, which is the name of classes here, so "
            "each of its numbers would be a class; give the column another name in the source, and "
            "name that with --target"
        )
    head = frame.head(SAMPLE)
    kinds = {name: _kind(head[name]) for name in frame.columns}
    modality = choice.modality or _modality(source, kinds)
    MODALITIES.find(modality)
    key, why_key = choice.id or column_roles.key(frame, choice.columns), ""
    if key is None and modality == TABLE:
        key, why_key = column_roles.key_by_values(frame, choice.columns)
    seen = _Seen(head, kinds, choice, key, source.lower().endswith(tables.TYPED), frame)
    found = OF_MODALITY.get(modality, _of_texts)(seen)
    used = (found.label, found.target, found.image, *found.identity)
    key = None if key in used else key
    others = {name: kind for name, kind in kinds.items() if name not in (*used, key)}
    own = found.identity if modality == TABLE else tuple(others)
    could_be = None
    if found.label is None and found.target is None:
        could_be = column_roles.could_be_label(head.select(own), modality == TABLE, kinds)
    keep = column_roles.kept(others, frame.schema) if choice.keep is None else choice.keep
    return replace(
        found,
        modality=modality,
        rows=len(frame),
        id=key,
        keep=keep,
        unused={name: kind for name, kind in others.items() if name not in keep},
        kinds=kinds,
        could_be_label=could_be,
        why_key=why_key if key is not None else "",
    )


class _AsItIs:
    """Stands for a modality while a source is read: it takes the rows as they are."""

    csv_types: ClassVar[bool] = True
    derived: ClassVar[tuple[str, ...]] = ()

    def columns(self, frame: pl.DataFrame) -> list[str]:
        """Return all columns."""
        return frame.columns

    def typed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002  of the protocol
        """Return the rows unchanged."""
        return frame


@dataclass(frozen=True, slots=True)
class _Seen:
    """The first rows of a source."""

    frame: pl.DataFrame
    kinds: Mapping[str, str]
    choice: Choice
    key: str | None
    """The column with a key for each row."""
    all_texts: bool
    """Whether a modality of texts reads all columns as texts, as it does those of a CSV file."""
    whole: pl.DataFrame
    """All rows."""

    def of(self, *kinds: str) -> list[str]:
        """Return the columns of these kinds, in order."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def label(self, besides: tuple[str, ...]) -> str | None:
        """Find the column of labels: by name, if it has few enough values."""
        if self.choice.label is not None or self.choice.unlabelled:
            return self.choice.label
        others = [name for name in self.frame.columns if name not in (*besides, self.key)]
        return column_roles.named_label(self.frame.select(others))


def _modality(source: str, kinds: Mapping[str, str]) -> str:
    """Say what the columns make.

    Raises:
        DataError: There is no column that a modality knows.
    """
    seen = list(kinds.values())
    if "images" in seen:
        return IMAGE
    if "texts" in seen:
        return TEXT
    if TABLE in MODALITIES.names() and any(kind in TYPED for kind in seen):
        return TABLE
    listed = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
    raise DataError(
        f"{source} has no column of images or texts that Stemma knows ({listed}); name a modality "
        "with --modality, and its columns with --column"
    )


def _of_images(seen: _Seen) -> Detected:
    """Find the images and their labels."""
    columns = seen.choice.columns or tuple(seen.of("images"))
    if not columns:
        raise DataError("there is no column of images; name it with --column")
    image = IMAGE if IMAGE in columns else columns[0]
    settings = image_settings.suited(seen.whole[image])
    return Detected(IMAGE, (IMAGE,), 0, seen.label((image,)), None, image, settings)


def _of_texts(seen: _Seen) -> Detected:
    """Find the texts and their labels."""
    label = seen.label(seen.choice.columns)
    columns = seen.choice.columns or column_roles.content(
        seen.kinds, (label, seen.key), all_texts=seen.all_texts
    )
    if not columns:
        raise DataError("there is no column of texts; name it with --column")
    reasons = {}
    if label is None and not seen.choice.unlabelled:
        others = [name for name in seen.of(CATEGORIES) if name not in (*columns, seen.key)]
        label, why = column_roles.label_by_values(seen.frame.select(others))
        reasons = {} if label is None else {label: why}
    return Detected(TEXT, columns, 0, label, reasons=reasons)


def _of_table(seen: _Seen) -> Detected:
    """Find the columns of a table, and its label or its target."""
    besides = (seen.key, *(seen.choice.keep or ()))
    columns = seen.choice.columns or tuple(
        name for name in seen.frame.columns if name not in besides
    )
    target = seen.choice.target
    label = None if target is not None else seen.label(())
    if label is None and target is None:
        target = next((name for name in columns if _is_target(seen.frame[name])), None)
    identity = tuple(name for name in columns if name != label)
    return Detected(TABLE, identity, 0, label, target)


def _is_target(values: pl.Series) -> bool:
    return values.name.lower() in ("target", "y") and values.dtype.is_numeric()


OF_MODALITY: Final[Mapping[str, Callable[[_Seen], Detected]]] = {
    IMAGE: _of_images,
    TEXT: _of_texts,
    TABLE: _of_table,
}
TYPED: Final = ("numbers", CATEGORIES, "booleans", "times", "short texts")


def _kind(values: pl.Series) -> str:
    """Say in a word what a column holds."""
    if values.null_count() == len(values):
        return "empty"
    if values.dtype == images.IMAGE or _are_files(values):
        return "images"
    for kind, is_kind in OF_TYPES.items():
        if is_kind(values.dtype):
            return kind
    return _texts(values) if values.dtype == pl.String else str(values.dtype)[:40]


OF_TYPES: Final[Mapping[str, Callable[[pl.DataType], bool]]] = {
    "numbers": lambda dtype: dtype.is_numeric(),
    "booleans": lambda dtype: dtype == pl.Boolean,
    "times": lambda dtype: dtype.is_temporal(),
    "lists or objects": lambda dtype: dtype.is_nested(),
}


def _are_files(values: pl.Series) -> bool:
    """Whether a column of bytes, or of structs with bytes, begins as image files do."""
    if isinstance(values.dtype, pl.Struct):
        names = [each.name for each in values.dtype.fields]
        values = values.struct.field("bytes") if "bytes" in names else values
    if values.dtype != pl.Binary:
        return False
    first = values.drop_nulls().head(1).to_list()
    return bool(first) and first[0].startswith(MAGIC)


def _texts(values: pl.Series) -> str:
    """Say whether texts are sentences, categories, or something short and different."""
    length = cast("float", values.str.len_chars().mean() or 0.0)
    different = values.n_unique() / len(values)
    spaced = cast("float", values.str.contains(r"\S\s+\S|[\p{Han}\p{Kana}]{4}").mean() or 0.0)
    named = values.name.lower() in column_roles.TEXTS and different > column_roles.CLASSES
    if named or (length >= SENTENCE and different >= DISTINCT):
        return "texts"
    if spaced >= DISTINCT and different >= DISTINCT:
        return "texts"
    return CATEGORIES if different <= column_roles.CLASSES else "short texts"
