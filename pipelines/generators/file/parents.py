"""Parents that a column of a file names: by sample id, or by data set, round and row."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

from lineage import edges, id_prefixes
from lineage.errors import QueryError
from pipelines.common.errors import GeneratorError

OCCURRENCE: Final = re.compile(r"(?:(?P<dataset>[^/\s]+)/)?(?P<round>\d{1,9})/(?P<row>\d{1,18})")
SEPARATOR: Final = r"[\s,;]+"
SHOWN: Final = 3
"""Wrong names that a sentence quotes."""
LONGEST: Final = 80
"""Characters of a name that are quoted."""


class Place(NamedTuple):
    """An occurrence: data set, round and row."""

    dataset: str
    round: int
    row: int


@dataclass(frozen=True, slots=True)
class Known:
    """What parents can be found among: the rows of the training mix."""

    dataset: str
    round: int
    """Of the candidates."""
    ids: list[str]
    """Sample ids as hex digits, in order."""
    places: list[tuple[int, int]]
    """Round and row of each id."""

    @classmethod
    def of(cls, dataset: str, round_number: int, mix: pl.DataFrame) -> Known:
        """Order the rows of a mix (round, row, sample_id) by id; of one id the earliest first."""
        hexed = mix.select(pl.col("sample_id").bin.encode("hex"), "round", "row").sort(pl.all())
        places = list(hexed.select("round", "row").iter_rows())
        return cls(dataset, round_number, hexed["sample_id"].to_list(), places)

    def place(self, name: str) -> Place:
        """Find the row that a name stands for.

        Raises:
            ValueError: there is none; the message says why.
        """
        match = OCCURRENCE.fullmatch(name)
        if match is None:
            return self._by_id(name)
        place = Place(match["dataset"] or self.dataset, int(match["round"]), int(match["row"]))
        if place.dataset == self.dataset and place.round >= self.round:
            raise ValueError(f"which is not earlier than round {self.round}")
        return place

    def _by_id(self, name: str) -> Place:
        try:
            prefix = id_prefixes.parse(name)
        except QueryError:
            raise ValueError("which is neither a sample id nor dataset/round/row") from None
        first = bisect_left(self.ids, prefix)
        found = self.ids[first : bisect_left(self.ids, f"{prefix}g")]
        if not found:
            raise ValueError("which no row of the training mix has as its sample id")
        if found[0] != found[-1]:
            raise ValueError("which several rows begin with; give more digits")
        return Place(self.dataset, *self.places[first])


def edges_of(
    named: pl.Series, known: Known, *, relation: str, weight: float, where: str
) -> pl.DataFrame:
    """Turn names of parents into edges.

    Args:
        named: [n] names of each candidate's parents, texts or lists of texts.
        known: what they are looked up in.
        relation: of a candidate to its parents.
        weight: of all parents of a candidate together.
        where: the file and column, for errors.

    Returns:
        As `lineage.edges.PARENT`; a parent that is named twice counts once.

    Raises:
        GeneratorError: the column does not hold names, or a name stands for no row.
    """
    listed = _listed(named, where)
    names = {name for each in listed for name in each}
    found, wrong = _looked_up(names, known.place)
    if wrong:
        raise GeneratorError(_sentence(listed, wrong, where))
    rows = [
        (row, *place, relation, weight / len(places))
        for row, each in enumerate(listed)
        for places in [list(dict.fromkeys(found[name] for name in each))]
        for place in places
    ]
    return pl.DataFrame(rows, schema=edges.PARENT, orient="row")


def _listed(named: pl.Series, where: str) -> list[list[str]]:
    """The names of each row."""
    if named.dtype == pl.List(pl.String):
        cells: Iterable[list[str] | None] = named.to_list()
        return [[name.strip() for name in cell or [] if name and name.strip()] for cell in cells]
    if named.dtype not in (pl.String, pl.Null):
        raise GeneratorError(
            f"{where} is {str(named.dtype)[:LONGEST]}; parents are named by texts: a sample id, or "
            f"dataset/round/row"
        )
    return [re.split(SEPARATOR, cell.strip()) if cell and cell.strip() else [] for cell in named]


def _looked_up(
    names: Iterable[str], find: Callable[[str], Place]
) -> tuple[dict[str, Place], dict[str, str]]:
    """Find each name; with the reasons for those that stand for no row."""
    found, wrong = {}, {}
    for name in names:
        try:
            found[name] = find(name)
        except ValueError as error:
            wrong[name] = str(error)
    return found, wrong


def _sentence(listed: list[list[str]], wrong: Mapping[str, str], where: str) -> str:
    bad = [(row, name) for row, each in enumerate(listed) for name in each if name in wrong]
    quoted = "; ".join(
        f"row {row} names {name[:LONGEST]!r}, {wrong[name]}" for row, name in bad[:SHOWN]
    )
    more = f"; and {len(bad) - SHOWN:,} more" if len(bad) > SHOWN else ""
    return f"{where}: {quoted}{more}"
