"""The data diff: what a ref changes in a data set, in samples, decisions, lineage and figures.

The lake compares objects by checksum, so only parts that differ are opened. Rows are compared by
sample id: content that both sides hold is no change, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFound
from lake.values import Change
from pipelines import manifest, tables

FIGURES: Final = (
    "accuracy_real_only",
    "accuracy_mix",
    "recall_mix",
    "coverage_mix",
    "variance_mix",
    "frechet_mix",
)
ORDER: Final = ("removed", "relabelled", "refused", "added")
"""What a reviewer looks at first."""
ROW_SCHEMA: Final[dict[str, pl.DataType]] = {
    "change": pl.String(),
    "round": pl.Int32(),
    "row": pl.Int64(),
    "sample_id": pl.Binary(),
    "label": pl.Int64(),
    "decision": pl.String(),
    "reasons": pl.List(pl.String),
}


@dataclass(frozen=True, slots=True)
class RoundChange:
    """What changes in one round: accepted samples by change, candidates by decision, the guard."""

    round: int
    samples: dict[str, int]
    """Accepted samples: added, removed, relabelled."""
    decisions: dict[str, int]
    """Candidates of the right side: accepted, rejected, duplicate."""
    guard: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a diff: how much there is, how far from real data, how good."""

    commit: str
    rounds: list[int]
    samples: int
    real_share: float | None
    depth_mean: float | None
    depth_max: int | None
    figures: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class DataDiff:
    """The difference of one data set between two commits."""

    dataset: str
    objects: dict[str, dict[str, int]]
    """For each table the objects added, removed, changed, and in conflict."""
    conflicts: list[str]
    """Paths that both sides changed; a merge would stop at them."""
    rounds: list[RoundChange]
    left: Side
    right: Side
    rows: pl.DataFrame
    """Candidates and samples that differ: `ROW_SCHEMA`, in the order of `ORDER`."""

    def to_dict(self, *, rows: bool) -> dict[str, Any]:
        """As JSON; with `rows`, each row that differs, its id in hex."""
        found: dict[str, Any] = {
            "objects": self.objects,
            "conflicts": self.conflicts,
            "rounds": [asdict(each) for each in self.rounds],
            "left": asdict(self.left),
            "right": asdict(self.right),
        }
        if rows:
            found["rows"] = self.rows.with_columns(pl.col("sample_id").bin.encode("hex")).to_dicts()
        return found


def diff(lake: Lake, left: str, right: str, dataset: str, *, three_dot: bool = True) -> DataDiff:
    """Compare a data set between two refs.

    Args:
        lake: the lake.
        left: branch, tag or commit; with `three_dot` the side is the merge base of both.
        right: branch, tag or commit.
        dataset: the data set.
        three_dot: what right changed since it forked, instead of tree against tree.

    Raises:
        NotFound: a ref is not in the lake.
    """
    after = lake.resolve(right).id
    before = lake.merge_base(right, left) if three_dot else lake.resolve(left).id
    prefix = f"{dataset}/"
    changes = list(lake.diff(left, right, prefix=prefix, three_dot=three_dot))
    rows = _rows(lake, before, after, changes, dataset)
    numbers = sorted({found for each in changes if (found := refs.round_of(each.path)) is not None})
    return DataDiff(
        dataset=dataset,
        objects=_objects(changes, prefix),
        conflicts=[each.path for each in changes if each.kind == "conflict"],
        rounds=[_round(lake, after, dataset, number, rows) for number in numbers],
        left=_side(lake, before, dataset),
        right=_side(lake, after, dataset),
        rows=rows,
    )


def datasets(lake: Lake, left: str, right: str, *, three_dot: bool = True) -> list[str]:
    """Data sets in which two refs differ, by name."""
    found = lake.diff(left, right, three_dot=three_dot)
    return sorted({each.path.partition("/")[0] for each in found})


def _objects(changes: Iterable[Change], prefix: str) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {}
    for each in changes:
        table = each.path.removeprefix(prefix).partition("/")[0]
        kinds = counted.setdefault(table, {})
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    return counted


def _rows(
    lake: Lake, before: str, after: str, changes: Sequence[Change], dataset: str
) -> pl.DataFrame:
    """Rows of the parts that differ: samples added, removed or relabelled, candidates refused."""
    key = ["round", "row", "sample_id"]
    samples, decisions = refs.table(dataset, "samples"), refs.table(dataset, "decisions")
    old = _parts(lake, before, changes, samples, [*key, "label"])
    new = _parts(lake, after, changes, samples, [*key, "label"])
    decided = _parts(lake, after, changes, decisions, [*key, "decision", "reasons"])
    labels = old.select("sample_id", pl.col("label").alias("label_before")).unique("sample_id")
    relabelled = new.join(labels, on="sample_id").filter(
        pl.col("label").ne_missing(pl.col("label_before"))
    )
    refused = decided.filter(pl.col("decision") != "accepted")
    parts = [
        _marked(new.join(old, on="sample_id", how="anti"), "added", decided),
        _marked(old.join(new, on="sample_id", how="anti"), "removed", decided.clear()),
        _marked(relabelled.drop("label_before"), "relabelled", decided),
        refused.with_columns(pl.lit("refused").alias("change")),
    ]
    typed = [_conformed(part) for part in parts]
    rank = pl.col("change").replace_strict(ORDER, list(range(len(ORDER))), return_dtype=pl.Int8)
    return pl.concat(typed).sort(rank, "round", "row")


def _marked(rows: pl.DataFrame, change: str, decided: pl.DataFrame) -> pl.DataFrame:
    about = decided.select("round", "row", "decision", "reasons")
    return rows.with_columns(pl.lit(change).alias("change")).join(
        about, on=["round", "row"], how="left"
    )


def _conformed(rows: pl.DataFrame) -> pl.DataFrame:
    missing = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in ROW_SCHEMA.items()
        if name not in rows.columns
    ]
    return rows.with_columns(missing).select(
        pl.col(name).cast(dtype) for name, dtype in ROW_SCHEMA.items()
    )


def _parts(
    lake: Lake, ref: str, changes: Sequence[Change], prefix: str, columns: Sequence[str]
) -> pl.DataFrame:
    """The parts of a table that differ, as one side holds them; parts it has not are left out."""
    paths = {each.path for each in changes if each.path.startswith(prefix)}
    held = [item.path for item in lake.objects(ref, prefix) if item.path in paths]
    schema = {name: ROW_SCHEMA[name] for name in columns}
    frames = [
        lake.scan(ref, path).select(pl.col(name).cast(kind) for name, kind in schema.items())
        for path in held
        if path.endswith(".parquet")
    ]
    return pl.concat(pl.collect_all(frames)) if frames else pl.DataFrame(schema=schema)


def _round(lake: Lake, ref: str, dataset: str, number: int, rows: pl.DataFrame) -> RoundChange:
    try:
        about = manifest.read(lake, ref, dataset, number)
    except NotFound:
        about = {}
    changed = dict(rows.filter(pl.col("round") == number).group_by("change").len().iter_rows())
    counts = about.get("counts", {})
    return RoundChange(
        round=number,
        samples={name: changed.get(name, 0) for name in ("added", "removed", "relabelled")},
        decisions={name: counts.get(name, 0) for name in ("accepted", "rejected", "duplicate")},
        guard=(about.get("guard") or {}).get("verdict"),
    )


def _side(lake: Lake, ref: str, dataset: str) -> Side:
    try:
        rows = tables.accepted_lineage(lake, ref, dataset)
    except NotFound:
        return Side(ref, [], 0, None, None, None, dict.fromkeys(FIGURES))
    numbers = tables.rounds(lake, ref, dataset)
    about = manifest.read(lake, ref, dataset, numbers[-1]) if numbers else {}
    summary = about.get("metrics", {}).get("summary", {})
    share, mean, deepest = (
        rows.select(
            (pl.col("kind") == "real").mean(),
            pl.col("depth_mean").mean(),
            pl.col("depth_max").max(),
        ).row(0)
        if len(rows)
        else (None, None, None)
    )
    return Side(
        commit=ref,
        rounds=numbers,
        samples=len(rows),
        real_share=share,
        depth_mean=mean,
        depth_max=deepest,
        figures={name: summary.get(name) for name in FIGURES},
    )
