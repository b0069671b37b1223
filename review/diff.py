"""`stemma diff LEFT RIGHT`: what a round would change, before it is merged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl
from rich.console import RenderableType
from rich.table import Table

from pipelines.params import load
from pipelines.work import open_lake
from review import datadiff
from review.datadiff import DataDiff, Side
from review.datasets import wanted_dataset
from review.output import console, number, print_json, table

SHOWN: Final = 60
"""Rows that `--rows` prints; `--json` has them all."""


def run(
    *, left: str, right: str, dataset: str | None, rows: bool, two_dot: bool, as_json: bool
) -> None:
    """Compare two refs and print what differs."""
    params = load()
    lake = open_lake(params)
    dots = ".." if two_dot else "..."
    named = datadiff.datasets(lake, left, right, three_dot=not two_dot)
    if dataset is not None:
        wanted_dataset(params, dataset, also=named)
    wanted = [name for name in named if dataset in (None, name)]
    found = [datadiff.diff(lake, left, right, name, three_dot=not two_dot) for name in wanted]
    if as_json:
        content: dict[str, Any] = {"left": left, "right": right, "three_dot": not two_dot}
        content["datasets"] = {each.dataset: each.to_dict(rows=rows) for each in found}
        print_json(content)
        return
    out = console()
    if not found:
        out.print(f"{left}{dots}{right}: no difference")
    for each in found:
        for part in _rendered(each, f"{left}{dots}{right}", rows=rows):
            out.print(part)


def _rendered(found: DataDiff, title: str, *, rows: bool) -> Iterator[RenderableType]:
    yield _rounds(found, title)
    yield _sides(found.left, found.right)
    objects = ", ".join(
        f"{name} {' '.join(f'{_SIGNS[kind]}{count}' for kind, count in sorted(kinds.items()))}"
        for name, kinds in sorted(found.objects.items())
    )
    yield f"objects: {objects}"
    for path in found.conflicts:
        yield f"conflict: {path} changed on both sides; a merge stops here"
    if rows:
        yield _rows(found.rows)
        if len(found.rows) > SHOWN:
            yield f"… {len(found.rows) - SHOWN:,} more rows; --rows --json prints them all"


_SIGNS: Final = {"added": "+", "removed": "−", "changed": "~", "conflict": "!"}


def _rounds(found: DataDiff, title: str) -> Table:
    columns = ["round", "samples +", "−", "relabelled", "accepted", "rejected", "duplicate"]
    body = [
        [
            str(each.round),
            *(each.samples[name] for name in ("added", "removed", "relabelled")),
            *(each.decisions[name] for name in ("accepted", "rejected", "duplicate")),
            each.guard or "–",
        ]
        for each in found.rounds
    ]
    return table(f"{found.dataset}: {title}", [*columns, "guard"], body)


def _sides(left: Side, right: Side) -> Table:
    pairs: list[tuple[str, Any, Any]] = [
        ("rounds", _span(left.rounds), _span(right.rounds)),
        ("samples", left.samples, right.samples),
        ("real share", left.real_share, right.real_share),
        ("mean depth", left.depth_mean, right.depth_mean),
        ("greatest depth", left.depth_max, right.depth_max),
    ]
    pairs += [
        (name.replace("_", " "), left.figures[name], right.figures[name]) for name in right.figures
    ]
    body = [[name, number(old), number(new), _change(old, new)] for name, old, new in pairs]
    return table("", ["", f"before {left.commit[:12]}", f"after {right.commit[:12]}", "Δ"], body)


def _span(numbers: list[int]) -> str:
    if not numbers:
        return "–"
    whole = numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 1
    return f"{numbers[0]}–{numbers[-1]}" if whole else ", ".join(map(str, numbers))


def _change(old: object, new: object) -> str:
    if not isinstance(old, int | float) or not isinstance(new, int | float):
        return ""
    sign = "+" if new >= old else "−"
    return f"{sign}{number(abs(new - old))}"


def _rows(rows: pl.DataFrame) -> Table:
    body = [
        [
            row["change"],
            str(row["round"]),
            str(row["row"]),
            row["sample_id"].hex()[:12],
            "–" if row["label"] is None else str(row["label"]),
            row["decision"] or "–",
            ", ".join(row["reasons"] or []),
        ]
        for row in rows.head(SHOWN).iter_rows(named=True)
    ]
    columns = ["change", "round", "row", "sample", "label", "decision", "reasons"]
    return table("", columns, body)
