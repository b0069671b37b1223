"""The same row diff by several engines; each says what it found as counts and sums of keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.diff.world import PAYLOAD

Found = dict[str, int]
KEYS: Final = ("removed", "changed", "added")


def floor(left: Path, right: Path) -> Found | None:
    """Polars reads both files, and that is all."""
    import polars as pl  # noqa: PLC0415  each engine is a process of its own

    pl.read_parquet(left)
    pl.read_parquet(right)
    return None


def stemma(left: Path, right: Path) -> Found:
    """This project."""
    import polars as pl  # noqa: PLC0415

    from review.diff.build import diff_files  # noqa: PLC0415

    found = diff_files(left, right, ["id"], columns=False).rows
    by_kind = {kind: found.filter(pl.col("change") == kind)["id"] for kind in KEYS}
    return _told({kind: (len(ids), int(ids.sum())) for kind, ids in by_kind.items()})


def polars(left: Path, right: Path) -> Found:
    """A join by hand, as a Polars user writes it."""
    import polars as pl  # noqa: PLC0415

    old, new = pl.scan_parquet(left), pl.scan_parquet(right)
    differs = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(f"{name}_right")) for name in PAYLOAD
    )
    changed = old.join(new, on="id").filter(differs).select("id")
    removed = old.select("id").join(new, on="id", how="anti")
    added = new.select("id").join(old, on="id", how="anti")
    frames = pl.collect_all([removed, changed, added])
    told = ((len(each), int(each["id"].sum())) for each in frames)
    return _told(dict(zip(KEYS, told, strict=True)))


def duckdb(left: Path, right: Path) -> Found:
    """A full join on key and row hash."""
    import duckdb as database  # noqa: PLC0415

    columns = ", ".join(PAYLOAD)
    side = f"SELECT id, hash({columns}) AS h FROM read_parquet('{{}}')"  # noqa: S608  our own files
    kind = "CASE WHEN r.id IS NULL THEN 'removed' WHEN l.id IS NULL THEN 'added' ELSE 'changed' END"
    query = f"""
        SELECT {kind}, count(*), sum(coalesce(l.id, r.id))
        FROM ({side.format(left)}) l FULL JOIN ({side.format(right)}) r ON l.id = r.id
        WHERE l.h IS DISTINCT FROM r.h GROUP BY 1"""  # noqa: S608
    with database.connect() as connection:
        rows = connection.execute(query).fetchall()
    return _told({name: (count, int(keys)) for name, count, keys in rows})


def pandas(left: Path, right: Path) -> Found:
    """An outer merge, then each column beside its other."""
    import pandas as pd  # noqa: PLC0415

    both = pd.read_parquet(left).merge(
        pd.read_parquet(right), on="id", how="outer", suffixes=("", "_right"), indicator=True
    )
    paired = both[both["_merge"] == "both"]
    differs = False
    for name in PAYLOAD:
        old, new = paired[name], paired[f"{name}_right"]
        differs |= (old != new) & ~(old.isna() & new.isna())
    ids = {
        "removed": both.loc[both["_merge"] == "left_only", "id"],
        "added": both.loc[both["_merge"] == "right_only", "id"],
        "changed": paired.loc[differs, "id"],
    }
    return _told({kind: (len(each), int(each.sum())) for kind, each in ids.items()})


def datacompy(left: Path, right: Path) -> Found:
    """Datacompy on Polars frames; it runs in an environment of its own."""
    import polars as pl  # noqa: PLC0415
    from datacompy.polars import PolarsCompare  # noqa: PLC0415

    compared: Any = PolarsCompare(
        pl.read_parquet(left), pl.read_parquet(right), join_columns=["id"]
    )
    frames = {
        "removed": compared.df1_unq_rows,
        "changed": compared.all_mismatch(),
        "added": compared.df2_unq_rows,
    }
    return _told({kind: (len(each), int(each["id"].sum())) for kind, each in frames.items()})


ENGINES: Final[dict[str, Callable[[Path, Path], Found | None]]] = {
    "floor": floor,
    "stemma": stemma,
    "polars": polars,
    "duckdb": duckdb,
    "pandas": pandas,
    "datacompy": datacompy,
}


def _told(found: dict[str, tuple[int, int]]) -> Found:
    counts = {kind: found.get(kind, (0, 0))[0] for kind in KEYS}
    return {**counts, **{f"{kind}_keys": found.get(kind, (0, 0))[1] for kind in KEYS}}
