"""A small clean lake in frames, of two data sets, and ways to spoil it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import polars as pl

from lineage import edges, schema, training_mix
from lineage.ancestry.index import open_index
from lineage.ancestry.source import Source
from lineage.proof.findings import Batch
from lineage.proof.prove import prove
from lineage.proof.tables import Tables
from lineage.training_mix import MixManifest
from tests.lineage.conftest import derived, real_rows

Place = tuple[str, int]
Found = tuple[str, str, int, int | None]
"""Check, data set, round, row."""
LEFT_OUT = pl.Schema({"round": pl.Int32(), "row": pl.Int64()})
LINKS: Mapping[Place, list[tuple[int, str, int, int, str, float]]] = {
    ("e", 1): [(0, "d", 0, 4, "seed", 0.5), (1, "e", 0, 1, "seed", 0.25)],
    ("d", 1): [(0, "d", 0, 0, "seed", 0.5), (1, "d", 0, 1, "edited", 1.0)],
    ("d", 2): [
        (0, "d", 1, 6, "edited", 1.0),
        (1, "d", 1, 0, "edited", 0.5),
        (1, "e", 0, 1, "seed", 0.25),
        (2, "e", 1, 0, "seed", 0.5),
    ],
    ("e", 2): [(0, "d", 2, 1, "seed", 0.125), (1, "e", 1, 3, "edited", 0.75)],
    ("d", 3): [(0, "e", 1, 1, "seed", 0.5), (1, "d", 2, 0, "edited", 0.25)],
}
CANDIDATES: Mapping[Place, int] = {
    ("d", 1): 8,
    ("e", 1): 5,
    ("d", 2): 8,
    ("e", 2): 6,
    ("d", 3): 4,
}
"""Rounds in the order that they were made in; `e` begins with an opaque model, and round 3 of `d`
is not decided on. Nothing learns from round 2 of `e`."""


@dataclass(slots=True)
class Lake:
    """Tables by data set, round and name, and the mixes that the manifests of each round tell."""

    tables: dict[Place, dict[str, pl.DataFrame]] = field(default_factory=dict)
    mixes: dict[Place, MixManifest] = field(default_factory=dict)
    left_out: dict[Place, pl.DataFrame] = field(default_factory=dict)
    """Rows (round, row) that the mix of a round left out, though they were accepted."""

    def rounds(self) -> list[Tables]:
        """As a reader of the lake gives them."""
        return [self._round(at, held) for at, held in self.tables.items()]

    def _round(self, at: Place, held: Mapping[str, pl.DataFrame]) -> Tables:
        names = ("samples", "decisions", "verdicts")
        lazy = {name: held[name].lazy() if name in held else None for name in names}
        return Tables(*at, source=self._source(at, held), **lazy)

    def _source(self, at: Place, held: Mapping[str, pl.DataFrame]) -> Source | None:
        if "lineage" not in held:
            return None
        mix = self.mixes.get(at)
        frames = held["lineage"], held.get("decisions"), self.left_out.get(at)
        return Source(
            *at,
            digest=_digest(at, *frames, mix=mix),
            lineage=held["lineage"].lazy,
            decisions=held["decisions"].lazy if "decisions" in held else None,
            mixes={mix.digest: mix} if mix else {},
            left_out={mix.digest: self.left_out[at].lazy} if mix and at in self.left_out else {},
        )

    def put(self, at: Place, table: str, row: int, **values: object) -> None:
        """Change columns of one row of a table."""
        frame = self.tables[at][table]
        here = pl.col("row") == row
        assert frame.filter(here).height >= 1
        self.tables[at][table] = frame.with_columns(
            pl.when(here).then(pl.lit(value, frame.schema[name])).otherwise(name).alias(name)
            for name, value in values.items()
        )

    def drop(self, at: Place, table: str, row: int) -> None:
        """Remove the rows of a table about one row."""
        frame = self.tables[at][table]
        kept = frame.filter(pl.col("row") != row)
        assert len(kept) < len(frame)
        self.tables[at][table] = kept

    def twice(self, at: Place, table: str, row: int) -> None:
        """Repeat a row of a table."""
        frame = self.tables[at][table]
        self.tables[at][table] = pl.concat([frame, frame.filter(pl.col("row") == row)])

    def parents(self, at: Place, row: int, *parents: tuple[str, int, int, str, float]) -> None:
        """Give a row other parents."""
        names = ("dataset", "round", "row", "relation", "weight")
        self.put(
            at, "lineage", row, parents=[dict(zip(names, each, strict=True)) for each in parents]
        )

    def content(self, at: Place, row: int, sample_id: bytes) -> None:
        """Give a row another content, in every table."""
        for table, frame in self.tables[at].items():
            if "sample_id" in frame.columns and row in frame["row"]:
                self.put(at, table, row, sample_id=sample_id)

    def remix(self, at: Place, changed: MixManifest) -> None:
        """Let the rows of a round name another mix than the one that they name."""
        self.mixes[at] = changed
        self.tables[at]["lineage"] = self.tables[at]["lineage"].with_columns(
            pl.lit(changed.digest).alias("trained_on")
        )

    def id_of(self, at: Place, row: int) -> bytes:
        found = self.tables[at]["lineage"].filter(pl.col("row") == row)["sample_id"][0]
        assert isinstance(found, bytes)
        return found


def _digest(at: Place, *frames: pl.DataFrame | None, mix: MixManifest | None) -> str:
    """Changes with every table of a round and with its mix, as the id of a commit does."""
    found = hashlib.sha256(repr((at, mix and mix.digest)).encode())
    for frame in frames:
        content = b"" if frame is None else frame.write_ipc(None).getvalue()
        found.update(b"%d\n%b" % (len(content), content))
    return found.hexdigest()


def proofs(lake: Lake, directory: Path, only: Collection[str] = ("d", "e")) -> list[Batch]:
    return list(prove(lake.rounds(), partial(open_index, directory), only=only))


def findings(batches: list[Batch]) -> list[tuple[Found, str]]:
    return [
        ((each.check, row["dataset"], row["round"], row["row"]), row["detail"])
        for each in batches
        for row in each.findings.iter_rows(named=True)
    ]


def healthy() -> Lake:
    """A clean lake, to be spoiled."""
    made = _made()
    tables = {at: dict(held) for at, held in made.tables.items()}
    return Lake(tables, dict(made.mixes), dict(made.left_out))


@cache
def _made() -> Lake:
    lake = Lake()
    for dataset, size in (("d", 8), ("e", 4)):
        rows = real_rows(size, dataset).filter(pl.col("row") != 2)  # held out: rows have gaps
        lake.tables[dataset, 0] = {"lineage": rows, "samples": _samples(rows)}
    for at in CANDIDATES:
        _add(lake, at)
    del lake.tables["d", 3]["decisions"], lake.tables["d", 3]["samples"]
    return lake


def _add(lake: Lake, at: Place) -> None:
    dataset, number = at
    mix = _mix(lake, at)
    if mix is not None:
        lake.mixes[at] = mix
    stored = [
        held["lineage"].with_columns(pl.lit(name).alias("dataset"))
        for (name, _), held in lake.tables.items()
    ]
    rows = derived(
        CANDIDATES[at],
        number,
        mix,
        dataset,
        parents=pl.DataFrame(LINKS[at], schema=edges.PARENT, orient="row"),
        stored=pl.concat(stored),
    )
    if at == ("d", 1):  # its last row repeats a real one
        again = lake.tables["d", 0]["lineage"]["sample_id"][0]
        content = pl.when(pl.col("row") == 7).then(pl.lit(again)).otherwise("sample_id")
        rows = rows.with_columns(content.alias("sample_id"))
    decisions = _decisions(rows, at)
    accepted = rows.join(decisions.filter(pl.col("decision") == "accepted"), on="row", how="semi")
    lake.tables[at] = {
        "lineage": rows.sort("row", descending=True),  # rows may stand in any order
        "verdicts": verdicts(rows),
        "decisions": decisions,
        "samples": _samples(accepted),
    }


def _mix(lake: Lake, at: Place) -> MixManifest | None:
    """What a round learned from: round 3 of `d` from a subsample without two rows."""
    dataset, number = at
    if at == ("e", 1):
        return None
    if at == ("d", 3):
        lake.left_out[at] = pl.DataFrame({"round": [0, 1], "row": [5, 2]}, schema=LEFT_OUT)
    accepted = [
        held["lineage"].join(held["samples"], on="row", how="semi")
        for (name, before), held in lake.tables.items()
        if name == dataset and before < number
    ]
    unwanted = lake.left_out.get(at, LEFT_OUT.to_frame())
    regime = {("d", 3): "accumulate-subsample", ("e", 2): "replace"}.get(at, "accumulate")
    more = {"sample_size": 10, "seed": 5} if at == ("d", 3) else {}
    return training_mix.build(
        pl.concat(accepted),
        dataset=dataset,
        commit="c",
        regime=regime,
        real_weight=2.0,
        left_out=unwanted,
        **more,
    ).manifest


def _decisions(rows: pl.DataFrame, at: Place) -> pl.DataFrame:
    """Rows 3 and 6 are rejected, what repeats a real row is a duplicate."""
    word = (
        pl.when(pl.col("row").is_in([3, 6]))
        .then(pl.lit("rejected"))
        .when(pl.lit(at == ("d", 1)) & (pl.col("row") == 7))
        .then(pl.lit("duplicate"))
        .otherwise(pl.lit("accepted"))
    )
    known = rows.select("round", "row", "sample_id", word.alias("decision"))
    absent = [name for name in schema.DECISIONS if name not in known.columns]
    return known.with_columns(pl.lit(None, schema.DECISIONS[name]).alias(name) for name in absent)


def verdicts(rows: pl.DataFrame) -> pl.DataFrame:
    """One critical expectation, one that only warns, and one about the whole round."""
    known = rows.select("round", "row", pl.lit(0.5).alias("observed"), pl.lit("").alias("detail"))

    def judged(name: str, severity: str, fails: pl.Expr) -> pl.DataFrame:
        word = pl.when(fails).then(pl.lit("failed")).otherwise(pl.lit("passed"))
        named = pl.lit(name).alias("expectation"), pl.lit(severity).alias("severity")
        return known.with_columns(*named, word.alias("verdict"))

    whole = judged("balanced", "critical", pl.lit(value=False)).head(1)
    each = [
        judged("sharp", "critical", pl.col("row").is_in([3, 6])),
        judged("dark", "warning", pl.col("row") == 1),
        whole.with_columns(pl.lit(None, pl.Int64).alias("row")),
    ]
    return pl.concat(each).select(schema.VERDICTS.names()).cast(dict(schema.VERDICTS))


def _samples(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("round", "row", "sample_id", pl.lit(0).alias("label"))
