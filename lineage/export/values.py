"""The input of an export: the rounds of a lake at one commit, and the files that hold them.

Frames are given as functions, so that a round is opened only when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote

import polars as pl

from lineage import schema, training_mix
from lineage.errors import MixError

OPAQUE: Final = "a model of unknown training data"
SIMULATOR: Final = "code that learnt from no data"
LARGEST: Final = (1 << 63) - 1
DECIDED: Final = pl.Schema({name: schema.DECISIONS[name] for name in ("row", "decision")})

Item = TypeVar("Item")
Frame = Callable[[], pl.LazyFrame]


class Track(Protocol):
    """Yields items while reporting progress."""

    def __call__(self, items: Sequence[Item], name: str, /) -> Iterable[Item]:
        """Yield the items."""


def sound(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can name and no writer takes."""
    return text.encode("utf-8", "replace").decode()


def untracked(items: Sequence[Item], _name: str, /) -> Iterable[Item]:
    """Yield the items without reporting progress."""
    return items


@dataclass(frozen=True, slots=True)
class Origin:
    """The state of a lake that an export describes."""

    repository: str
    ref: str
    """The ref that was exported."""
    commit: str
    """Id of the commit that the ref stood for."""
    created: int
    """Time of the commit, in unix seconds."""
    server: str | None = None
    """Address of the lake's server; None if others cannot reach it by a lasting one."""

    @property
    def made(self) -> datetime:
        """Time of the commit."""
        return datetime.fromtimestamp(self.created, UTC)

    def address(self, path: str = "") -> str:
        """Return the lakeFS address of a path, which names the lake and no server."""
        return f"lakefs://{self.repository}/{self.commit}/{path}"

    def url(self, path: str) -> str:
        """Return the URL of an object at the server, or its lakeFS address without one."""
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
    """The round's manifest; empty where there is none."""
    commit: str | None = None
    """Id of the commit that published the round."""
    tag: str | None = None
    exchanges: Frame | None = None
    """What models were asked for each candidate (`asked.REQUESTS`); None where none was, or an
    earlier release did."""

    @property
    def name(self) -> str:
        """Data set and number: `digits/3`."""
        return f"{self.dataset}/{self.number}"

    def rows(self) -> pl.LazyFrame:
        """Return the lineage with its types.

        Raises:
            SchemaError: a column is missing, or is of another kind.
        """
        return schema.typed(self.lineage(), schema.LINEAGE)

    def decided_rows(self) -> pl.LazyFrame | None:
        """Return row and decision with their types; None as `decisions`.

        Raises:
            SchemaError: a column is missing, or is of another kind.
        """
        return None if self.decisions is None else schema.typed(self.decisions(), DECIDED)

    def value(self, *path: str) -> Any:  # noqa: ANN401  JSON
        """Return the manifest's value at a path; None where there is none."""
        content: Any = self.manifest
        for name in path:
            content = content.get(name) if isinstance(content, Mapping) else None
        return content

    @property
    def opaque_model(self) -> str:
        """What a model of unknown training data is called: by its name, where the round has it."""
        named = self.text("environment", "model")
        what = SIMULATOR if self.simulated else OPAQUE
        return f"{named}, {what}" if named else what

    @property
    def simulated(self) -> bool:
        """Whether code made the round of seeds alone."""
        return (self.text("generator", "kind") or "").startswith("simulate/")

    @property
    def model_licence(self) -> str | None:
        """Licence of the model that made the round, or of the file that it is from."""
        return self.text("environment", "licence")

    def text(self, *path: str) -> str | None:
        """Return the manifest's text at a path; None where there is none."""
        content = self.value(*path)
        return sound(content) if isinstance(content, str) else None

    def integer(self, *path: str) -> int | None:
        """Return the manifest's integer of 64 bits at a path; None where there is none."""
        content = self.value(*path)
        return content if type(content) is int and -LARGEST <= content <= LARGEST else None

    def mapping(self, *path: str) -> Mapping[str, Any]:
        """Return the manifest's mapping at a path; empty where there is none."""
        content = self.value(*path)
        return content if isinstance(content, Mapping) else {}

    @property
    def mix(self) -> Mapping[str, Any] | None:
        """The training mix in the manifest; None where there is none, or an invalid one.

        Lineage names the mix by its digest all the same.
        """
        description = self.mapping("mix")
        try:
            return training_mix.read(description).model_dump(mode="json") if description else None
        except MixError:
            return None

    @property
    def learnt_mix(self) -> Mapping[str, Any] | None:
        """The training mix, where lineage says of a row that it was learnt from it.

        Each round is made beside a mix, but a language model, a file or a simulator is not fitted
        on it.

        Raises:
            SchemaError: as `rows`.
        """
        mix = self.mix
        if mix is None:
            return None
        learnt = pl.col("trained_on").is_not_null().any()
        return mix if self.rows().select(learnt).collect(engine="streaming").item() else None

    @property
    def arrived(self) -> bool:
        """Whether this is a later round that brings real rows, as its manifest says."""
        return bool(self.mapping("arrivals"))

    @property
    def decided(self) -> bool:
        """Whether it is known which rows were accepted, as always in round 0."""
        return self.number == 0 or self.decisions is not None


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """One object of the lake: a part of a table, or a round's manifest."""

    path: str
    md5: str
    size: int
    """Size in bytes."""
    dataset: str
    table: str
    """Name of the table; `rounds` for a manifest."""
    round: int
    columns: Callable[[], pl.Schema] | None = None
    """Reads the columns of a part of a table."""
