"""What is exported: the rounds of a lake at one commit, and the files that hold them.

Frames are given as functions, so that a round is opened when its turn comes and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote

import polars as pl

from lineage import mix as mixing
from lineage import schema
from lineage.errors import MixError

LARGEST: Final = (1 << 63) - 1
DECIDED: Final = pl.Schema({name: schema.DECISIONS[name] for name in ("row", "decision")})

Item = TypeVar("Item")
Frame = Callable[[], pl.LazyFrame]


class Track(Protocol):
    """Yields items while telling somebody how far the work is."""

    def __call__(self, items: Sequence[Item], name: str, /) -> Iterable[Item]:
        """Yield the items."""


def sound(text: str) -> str:
    """A text that any writer takes: half of a surrogate pair, which JSON can name, is a mark."""
    return text.encode("utf-8", "replace").decode()


def untracked(items: Sequence[Item], _name: str, /) -> Iterable[Item]:
    """Yield the items and tell nobody."""
    return items


@dataclass(frozen=True, slots=True)
class Origin:
    """The state of a lake that an export describes."""

    repository: str
    ref: str
    """As it was asked for."""
    commit: str
    """What the ref stood for."""
    created: int
    """When the commit was made, in unix seconds."""
    server: str | None = None
    """Address of the lake's server, if others can reach it by the same one."""

    @property
    def made(self) -> datetime:
        """When the commit was made."""
        return datetime.fromtimestamp(self.created, UTC)

    def address(self, path: str = "") -> str:
        """Where something is, by lakeFS's own scheme: it names the lake, not a server of it."""
        return f"lakefs://{self.repository}/{self.commit}/{path}"

    def url(self, path: str) -> str:
        """Where an object's bytes are: over the API of the server, if there is a lasting one."""
        if self.server is None:
            return self.address(path)
        endpoint = f"repositories/{self.repository}/refs/{self.commit}/objects"
        return f"{self.server}/api/v1/{endpoint}?path={quote(path, safe='/')}"


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One round of a data set as a commit holds it."""

    dataset: str
    number: int
    lineage: Frame
    """Rows of `schema.LINEAGE`, in any order."""
    decisions: Frame | None
    """Rows of `schema.DECISIONS`; None for round 0, and where nothing is decided yet."""
    manifest: Mapping[str, Any]
    """What the round's manifest says; empty where there is none."""
    commit: str | None = None
    """The commit that published it."""
    tag: str | None = None

    @property
    def name(self) -> str:
        """Data set and number: `digits/3`."""
        return f"{self.dataset}/{self.number}"

    def rows(self) -> pl.LazyFrame:
        """The lineage, typed.

        Raises:
            SchemaError: a column is missing, or is of another kind.
        """
        return schema.typed(self.lineage(), schema.LINEAGE)

    def decided_rows(self) -> pl.LazyFrame | None:
        """Row and decision, typed; None as `decisions`.

        Raises:
            SchemaError: a column is missing, or is of another kind.
        """
        return None if self.decisions is None else schema.typed(self.decisions(), DECIDED)

    def value(self, *path: str) -> Any:  # noqa: ANN401  JSON
        """What the manifest says at a path; None where it says nothing."""
        content: Any = self.manifest
        for name in path:
            content = content.get(name) if isinstance(content, Mapping) else None
        return content

    def text(self, *path: str) -> str | None:
        """The text that the manifest holds at a path; None where it holds none."""
        content = self.value(*path)
        return sound(content) if isinstance(content, str) else None

    def integer(self, *path: str) -> int | None:
        """The whole number of 64 bits that the manifest holds at a path; None: it holds none."""
        content = self.value(*path)
        return content if type(content) is int and -LARGEST <= content <= LARGEST else None

    def mapping(self, *path: str) -> Mapping[str, Any]:
        """The mapping that the manifest holds at a path; empty where it holds none."""
        content = self.value(*path)
        return content if isinstance(content, Mapping) else {}

    @property
    def mix(self) -> Mapping[str, Any] | None:
        """The training mix that the manifest describes; None where it describes none, or wrongly.

        Lineage names the mix by its digest all the same.
        """
        description = self.mapping("mix")
        try:
            return mixing.read(description).model_dump(mode="json") if description else None
        except MixError:
            return None

    @property
    def decided(self) -> bool:
        """Whether it is known which rows were accepted; those of round 0 all are."""
        return self.number == 0 or self.decisions is not None


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One object of the lake: a part of a table, or a round's manifest."""

    path: str
    md5: str
    size: int
    """Bytes."""
    dataset: str
    table: str
    """Name of the table; `rounds` for a manifest."""
    round: int
    columns: Callable[[], pl.Schema] | None = None
    """Reads the columns of a part of a table."""
