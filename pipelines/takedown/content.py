"""Content that was taken down, found again in rows, images and texts that were decoded.

Ids are computed again from what is found, for every data set of the lake, whatever a table says of
itself; and fingerprints of the deny-list find what is nearly the same. A column of ids, as lineage
and decisions have it, is a digest and no content. While the content is still there, as in a purge,
texts are also found inside of longer ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from lineage import identity
from lineage.errors import LineageError
from lineage.schema import UNREADABLE
from pipelines.modalities import Modality
from pipelines.takedown import fingerprints
from pipelines.takedown.deny_list import EMPTY, DenyList

SHORTEST: Final = 12
"""Characters from which a text that was taken down is looked for in other texts. A shorter one is
found as the content of a row alone: elsewhere it is anybody's, such as a label or a setting."""
LONG: Final = 40
"""Characters from which a part of it, such as a prompt, is looked for too: shorter ones are
anybody's."""
MAX_LINES: Final = 20_000
"""Lines of a text that are compared one by one."""
KEPT_LENGTH: Final = 200
"""Characters of the longest text of which a search remembers what it is."""
KEPT: Final = 100_000
"""Texts of which it does; after them it begins anew."""
WHOLE: Final = "text"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a data set of the lake is made: its modality, and the columns that are its content."""

    dataset: str
    modality: Modality
    identity: tuple[str, ...]

    @property
    def image(self) -> str | None:
        """The column whose image alone is the content; None where there is more, or no image."""
        is_image = self.modality.name == "image" and len(self.identity) == 1
        return self.identity[0] if is_image else None


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What is looked for: ids, fingerprints, and texts while they are known."""

    ids: frozenset[bytes]
    shapes: tuple[Shape, ...]
    entries: DenyList = EMPTY
    texts: frozenset[str] = frozenset()
    """Texts that were taken down, and parts of them."""
    _images: dict[bytes, str] = field(default_factory=dict)
    """What images that were compared before are, by their bytes."""
    _known: dict[str, str | None] = field(default_factory=dict)
    """What short texts that were compared before are: most stand in many tables."""

    def rows(self, frame: pl.DataFrame) -> tuple[pl.Series, set[str]]:
        """Find the rows of a table that are content which was taken down.

        Returns:
            [n] how each row was found, null where it was not; and the columns that are some data
            set's content, of which a row is judged as a whole.
        """
        how = pl.Series("how", [None] * len(frame), dtype=pl.String)
        named = pl.Series("id", sorted(self.ids), dtype=pl.Binary).implode()
        fits: set[str] = set()
        for shape in self._distinct():
            if not set(shape.identity) <= set(frame.columns) or frame.is_empty():
                continue
            try:
                ids = identity.sample_ids(frame, shape.identity)
            except (LineageError, *UNREADABLE):
                continue
            fits |= set(shape.identity)
            how = _first(how, pl.select(pl.when(ids.is_in(named)).then(pl.lit("id"))))
            how = _first(how, self._near(frame, ids, shape))
        return how, fits

    def images(self, files: Sequence[bytes]) -> list[str | None]:
        """Find the files of images that were taken down."""
        new = list(dict.fromkeys(file for file in files if file not in self._images))
        for name in {shape.image for shape in self.shapes} - {None}:
            frame = pl.DataFrame(
                {str(name): [{"bytes": file, "path": None} for file in new]},
                schema={str(name): pl.Struct({"bytes": pl.Binary(), "path": pl.String()})},
            )
            how, _ = self.rows(frame)
            for file, one in zip(new, how, strict=True):
                if one is not None:
                    self._images[file] = one
        return [self._images.get(file) for file in files]

    def texts_in(self, texts: Sequence[str]) -> list[str | None]:
        """Find out which texts are, or hold, one that was taken down, and how that was seen."""
        own = self.entries.entries.filter(pl.col("modality") == WHOLE)
        if not self.texts and own.is_empty():
            return [None] * len(texts)
        found = {text: self._known[text] for text in texts if text in self._known}
        new = {text: "text" if self._holds(text) else None for text in texts if text not in found}
        open_ = [text for text, how in new.items() if how is None]
        if open_ and len(own):
            new |= dict(zip(open_, _by_fingerprint(open_, own), strict=True))
        if len(self._known) > KEPT:
            self._known.clear()
        self._known.update((text, how) for text, how in new.items() if len(text) <= KEPT_LENGTH)
        found |= new
        return [found[text] for text in texts]

    def _holds(self, text: str) -> bool:
        return any(len(part) >= SHORTEST and part in text for part in self.texts)

    def _near(self, frame: pl.DataFrame, ids: pl.Series, shape: Shape) -> pl.DataFrame:
        found = self.entries.matches(
            frame.with_columns(ids.alias("sample_id")), shape.modality, shape.identity
        )
        how = pl.DataFrame({"index": range(len(frame))}).join(
            found.select("index", "how"), on="index", how="left", maintain_order="left"
        )
        return how.select("how")

    def _distinct(self) -> Iterator[Shape]:
        """The shapes that differ in more than the name of their data set."""
        seen: dict[tuple[str, tuple[str, ...]], Shape] = {}
        for shape in self.shapes:
            seen.setdefault((shape.modality.name, shape.identity), shape)
        yield from seen.values()


def _by_fingerprint(texts: Sequence[str], entries: pl.DataFrame) -> list[str | None]:
    """Compare texts, and each line of those of several lines, with entries of the deny-list."""
    lines = [
        [line for line in (text, *_lines(text)) if len(line.strip()) >= SHORTEST] for text in texts
    ]
    flat = [line for some in lines for line in some]
    if not flat:
        return [None] * len(texts)
    made = fingerprints.of_texts(pl.Series("text", flat, dtype=pl.String))
    near, _ = fingerprints.near_pairs(made["near"], entries["near"], WHOLE)
    exact = made["exact"].is_in(entries["exact"].drop_nulls().implode()).fill_null(value=False)
    how: list[str | None] = ["exact" if one else None for one in exact]
    for index in near:
        how[index] = how[index] or "near"
    found: list[str | None] = []
    start = 0
    for some in lines:
        seen = [one for one in how[start : start + len(some)] if one]
        found.append("exact" if "exact" in seen else next(iter(seen), None))
        start += len(some)
    return found


def _lines(text: str) -> list[str]:
    lines = text.splitlines()[:MAX_LINES]
    return [line for line in lines if line.strip()] if len(lines) > 1 else []


def _first(how: pl.Series, other: pl.DataFrame) -> pl.Series:
    """What is known of rows, and where nothing is, what another search says."""
    return pl.select(pl.coalesce(how, other.to_series())).to_series().alias("how")


def texts_of(frame: pl.DataFrame, shape: Shape) -> frozenset[str]:
    """The texts of rows as they are shown, and those of single columns where they are long."""
    if shape.modality.name != WHOLE:
        return frozenset()
    columns = [frame[name] for name in shape.identity if frame.schema[name] == pl.String]
    parts = {text for column in columns for text in column if text and len(text) >= LONG}
    shown = shape.modality.shown(frame)[WHOLE]
    return frozenset({*parts, *(text for text in shown if text and text.strip())})


@dataclass(frozen=True, slots=True)
class Cells:
    """Values in a column of a table, however deep, each with the row that it is in."""

    column: str
    rows: pl.Series
    values: pl.Series


def cells(frame: pl.DataFrame) -> Iterator[Cells]:
    """All texts and bytes in a table."""
    for name in frame.columns:
        rows = pl.int_range(len(frame), eager=True, dtype=pl.Int64)
        yield from _inside(name, rows, frame[name])


def _inside(name: str, rows: pl.Series, values: pl.Series) -> Iterator[Cells]:
    dtype = values.dtype
    if values.null_count() == len(values) or not _holds_content(dtype):
        return
    if values.null_count():
        kept = values.is_not_null()
        rows, values = rows.filter(kept), values.filter(kept)
    if dtype in (pl.String, pl.Binary):
        yield Cells(name, rows, values)
    elif isinstance(dtype, pl.Categorical | pl.Enum):
        yield Cells(name, rows, values.cast(pl.String))
    elif isinstance(dtype, pl.List | pl.Array):
        lists = values.arr.to_list() if isinstance(dtype, pl.Array) else values
        flat = pl.DataFrame({"row": rows, "value": lists}).explode("value")
        yield from _inside(name, flat["row"], flat["value"])
    elif isinstance(dtype, pl.Struct):
        for one in dtype.fields:
            yield from _inside(f"{name}.{one.name}", rows, values.struct.field(one.name))


def _holds_content(dtype: object) -> bool:
    """Tell whether values of a type are, or hold, texts or bytes."""
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_content(dtype.inner)
    if isinstance(dtype, pl.Struct):
        return any(_holds_content(one.dtype) for one in dtype.fields)
    return isinstance(dtype, pl.String | pl.Binary | pl.Categorical | pl.Enum)
