"""Which columns of a source are read, and under which names they travel.

The user's columns keep their names, whatever these are. Columns that the lake, the hold-out, a
training mix or a generator adds to a row stand in the same tables as the payload, so a data set
cannot have a payload column of such a name: this is said before anything is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from lineage import canonical
from pipelines.common.errors import DataError
from pipelines.common.settings import nearest

LABEL: Final = "label"
RESERVED: Final[Mapping[str, str]] = {
    "round": "the number of a sample's round",
    "row": "the number of a sample in its round",
    "sample_id": "the digest of a sample's content",
    "split": "the split of a held-out row",
    "weight": "the weight of a row in a training mix",
    "seed": "the seed of a candidate",
    "shard": "the shard of a candidate",
    "prompt_digest": "the digest of a candidate's prompt",
    "opaque_share": "how much of a candidate is of unknown origin",
    "real_inputs": "a column of lineage",
    "real_roots": "a column of lineage",
    "depth_mean": "a column of lineage",
    "depth_min": "a column of lineage",
    "depth_max": "a column of lineage",
}
"""Names that no payload column can have, and what stands there."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a source that are read, as `ingest` in params.yaml names them."""

    identity: tuple[str, ...] = ()
    """Columns whose content makes a sample's id, under the names that the lake stores."""
    named: Mapping[str, str] = field(default_factory=dict)
    """The user's name of `label`, `image` and `text`, where it is another one."""
    id: str | None = None
    """The user's own key of a row: unique, never null, kept."""
    keep: tuple[str, ...] = ()
    """Further columns that travel with the samples."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """What a later source calls columns, by the user's names for them."""

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns that travel with the samples besides what the modality reads."""
        named = (name for name in self.named if name != LABEL)
        wanted = (*named, *([] if self.id is None else [self.id]), *self.keep)
        return tuple(dict.fromkeys(name for name in wanted if name not in self.identity))

    def check(self, derived: Sequence[str] = ()) -> None:
        """Refuse names that cannot be stored, before anything is read.

        Args:
            derived: columns that the modality adds to what scorers see.

        Raises:
            DataError: a column of the identity, the id or a kept one has a reserved name, or two
                columns would have one name.
        """
        for name in (*self.identity, *self.kept):
            if name in RESERVED:
                raise DataError(
                    f"column {name!r} of the source cannot be stored under this name, which is "
                    f"that of {RESERVED[name]}; rename it in the source, for example to "
                    f"'{name}_'"
                )
        given = (self.id, *self.keep)
        taken = [name for name in given if name in {*self.named, LABEL}]
        twice = next((name for name in (*taken, *self.kept) if name in (*taken, *derived)), None)
        if twice is not None:
            raise DataError(
                f"ingest cannot keep a column {twice!r}, because samples have another column of "
                "this name; rename it in the source"
            )

    def unaliased(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the columns of a later source the names that the first one has for them.

        Raises:
            DataError: a column is not there or named twice, or one has such a name already.
        """
        for name, theirs in self.aliases.items():
            if list(self.aliases.values()).count(theirs) > 1:
                raise DataError(
                    f"column {theirs!r} of {source} was named for two columns; name one"
                )
            if theirs not in frame.columns:
                raise DataError(
                    f"{source} has no column {theirs!r}, which was named for {name!r}"
                    f"{nearest(theirs, frame.columns)}"
                )
            if name in frame.columns and name not in self.aliases.values():
                raise DataError(
                    f"{source} has a column {name!r} besides {theirs!r}, which was named for it; "
                    "take one of them out of the source"
                )
        return frame.rename({theirs: name for name, theirs in self.aliases.items()})

    def renamed(self, source: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the user's columns the names that the modality reads.

        A column that has such a name although another one was named for it is left out.

        Raises:
            DataError: a column that is named is not there.
        """
        named = dict(self.named)
        for setting, name in [
            *named.items(),
            *([] if self.id is None else [("id", self.id)]),
            *(("keep", name) for name in self.keep),
        ]:
            if name not in frame.columns:
                raise DataError(
                    f"{source} has no column {name!r}, which ingest.{setting} names"
                    f"{nearest(name, frame.columns)}"
                )
        moved = [theirs for theirs in named.values() if theirs not in self.kept]
        others = [name for name in frame.columns if name not in {*named, *moved}]
        return frame.select(*others, *(pl.col(name).alias(ours) for ours, name in named.items()))

    def selected(self, source: str, frame: pl.DataFrame, payload: Sequence[str]) -> pl.DataFrame:
        """Select the payload and the kept columns; what has no values has the type of texts.

        Raises:
            DataError: the id is null or comes twice, or a kept column is of a type that has no
                canonical bytes.
        """
        names = list(dict.fromkeys((*payload, *self.kept)))
        chosen = frame.select(
            pl.col(name).cast(pl.String) if frame.schema[name] == pl.Null else pl.col(name)
            for name in names
        )
        for name in self.kept:
            if canonical.nested(chosen.schema[name]) is None:
                raise DataError(
                    f"{source}: column {name!r} is {chosen.schema[name]}, which cannot be kept; "
                    "keep texts, numbers, booleans, times, binary, or lists and structs of these"
                )
        if self.id is not None:
            _check_id(source, chosen[self.id])
        return chosen

    def unused(self, given: pl.DataFrame, chosen: pl.DataFrame) -> tuple[str, ...]:
        """List the columns of a source of which nothing was taken.

        Args:
            given: what the source gave.
            chosen: what was selected of it.
        """
        used = {*self.named.values()} | {name for name in chosen.columns if name not in self.named}
        return tuple(name for name in given.columns if name not in used)

    def check_aliases(self, source: str, unused: Sequence[str]) -> None:
        """Refuse a name that a column of a later source was given, and that the first one has not.

        Args:
            source: for the message.
            unused: columns of which nothing was taken.

        Raises:
            DataError: there is such a name.
        """
        for name in (name for name in self.aliases if name in unused):
            raise DataError(
                f"{source}: {self.aliases[name]!r} was named for {name!r}, and the data set reads "
                "no column of this name; give it the one that round 0 has"
            )


def _check_id(source: str, ids: pl.Series) -> None:
    if ids.null_count():
        raise DataError(
            f"{source}: row {ids.is_null().arg_max()} has no {ids.name!r}, which ingest.id names"
        )
    twice = ids.is_duplicated()
    if twice.any():
        value = ids.filter(twice)[0]
        rows = (ids == value).arg_true().head(2).to_list()
        raise DataError(
            f"{source}: rows {rows[0]} and {rows[1]} have the same {ids.name!r}, which ingest.id "
            "names; an id is of one row"
        )
