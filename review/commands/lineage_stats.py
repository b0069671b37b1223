"""`stemma lineage stats REF`: how far each round is from real data, and its founders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rich.console import RenderableType

from lineage import statistics
from lineage.ancestry.founders import Founders
from lineage.ancestry.index import Ancestry
from lineage.statistics import Statistics, Tally
from pipelines.params import load
from pipelines.rounds import ancestry_index
from pipelines.rounds.context import open_lake
from review.cli.datasets import held_datasets
from review.cli.output import make_console, number, print_json, table

TOP: Final = 10
"""Founders that JSON names."""
SHOWN: Final = 2
"""Founders that the table names."""
PREFIX: Final = 12
"""Hex digits of a sample id that a table shows."""
BAR: Final = 12
"""Characters of the longest bar of a histogram."""
BLOCKS: Final = " ▏▎▍▌▋▊▉█"
COLUMNS: Final = (
    "round",
    "candidates",
    "accepted",
    "real",
    "so far",
    "in mix",
    "real inputs",
    "low",
    "opaque",
    "founders",
    "top founders",
)
NOTE: Final = (
    "over accepted rows; in mix: real share of what generators learned from; low: seeds weigh 0\n"
    "founders: (Σp)²/Σp² over the real samples that walks from accepted rows end at (Lacy 1989);\n"
    "where generators are fitted on whole mixes they say little: shown, not gated"
)


def run(*, ref: str, dataset: str | None, as_json: bool) -> None:
    """Print statistics of the lineage of a ref.

    Raises:
        NotFoundError: there is no such ref, or it holds no lineage.
        UsageError: the ref does not hold this data set.
    """
    lake = open_lake(load())
    commit = lake.resolve(ref).id
    sources = ancestry_index.sources_at(lake, commit)
    names = held_datasets(ref, {entry.dataset for entry in sources}, dataset)
    index = ancestry_index.opened(sources)
    results = [statistics.collect(index, sources, name, top=TOP) for name in names]
    if as_json:
        body = {entry.dataset: _dict(index, entry) for entry in results}
        print_json({"ref": ref, "commit": commit, "datasets": body})
        return
    out = make_console()
    for entry in results:
        for part in _rendered(index, entry):
            out.print(part)
    out.print(NOTE)


def _dict(index: Ancestry, statistics_: Statistics) -> dict[str, Any]:
    rounds = [
        {
            "round": entry.number,
            "decided": entry.decided,
            **_tally(entry.own),
            "real_share_so_far": entry.so_far.mean("real"),
            "founders": _founders(index, entry.founders),
        }
        for entry in statistics_.rounds
    ]
    whole = {**_tally(statistics_.whole), "founders": _founders(index, statistics_.founders)}
    return {"rounds": rounds, "all": whole}


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "candidates": tally.candidates,
        "accepted": tally.accepted,
        "real_share": tally.mean("real"),
        "real_share_mix": tally.mix_share,
        "generations": tally.generations,
        "without_real_roots": tally.rootless,
        "real_inputs": tally.mean("real_inputs"),
        "real_inputs_low": tally.mean("real_inputs_low"),
        "opaque": tally.opaque,
    }


def _founders(index: Ancestry, founders: Founders | None) -> dict[str, Any] | None:
    if founders is None:
        return None
    named = index.nodes(founders.top["number"].to_numpy()).with_columns(founders.top["share"])
    figures = {name: getattr(founders, name) for name in ("equivalents", "mass", "opaque", "lost")}
    top = [
        {
            "sample_id": row["sample_id"].hex(),
            **{name: row[name] for name in ("dataset", "round", "row", "share")},
        }
        for row in named.iter_rows(named=True)
    ]
    return {**figures, "top": top}


def _rendered(index: Ancestry, statistics_: Statistics) -> Iterable[RenderableType]:
    groups = [
        (str(entry.number), entry.own, entry.so_far, entry.founders) for entry in statistics_.rounds
    ]
    groups.append(("all", statistics_.whole, statistics_.whole, statistics_.founders))
    body = [_row(name, own, so_far, _founders(index, entry)) for name, own, so_far, entry in groups]
    yield table(statistics_.dataset, COLUMNS, body)
    bars = [row for name, own, *_ in groups for row in _histogram(name, own)]
    yield table("generations from real data", ["round", "generation", "accepted", ""], bars)


def _row(name: str, own: Tally, so_far: Tally, founders: dict[str, Any] | None) -> list[object]:
    figures = founders or {"equivalents": None, "top": []}
    equivalents, top = figures["equivalents"], figures["top"][:SHOWN]
    named = ", ".join(f"{founder['sample_id'][:PREFIX]} {founder['share']:.2%}" for founder in top)
    return [
        name,
        own.candidates,
        own.accepted,
        own.mean("real"),
        so_far.mean("real"),
        own.mix_share,
        own.mean("real_inputs"),
        own.mean("real_inputs_low"),
        own.opaque,
        number(equivalents, 1),
        named or "–",
    ]


def _histogram(name: str, tally: Tally) -> Iterable[list[object]]:
    counted = [(str(generation), rows) for generation, rows in tally.generations.items()]
    counted += [("none", tally.rootless)] if tally.rootless else []
    for generation, rows in counted:
        yield [name, generation, rows, bar(rows / tally.accepted)]


def bar(share: float) -> str:
    """Draw a bar in steps of an eighth of a character; a share above 0 shows at least one step.

    Args:
        share: in [0, 1].
    """
    eighths = max(round(share * BAR * 8), 1 if share else 0)
    return "█" * (eighths // 8) + BLOCKS[eighths % 8].strip()
