"""`stemma lineage stats REF`: how far each round is from real data, and whom it comes from."""

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
from review.cli.output import console, number, print_json, table

TOP: Final = 10
"""Founders that JSON names; people are shown fewer."""
SHOWN: Final = 2
PREFIX: Final = 12
"""Hex digits by which a table names a sample."""
BAR: Final = 12
"""Width of a histogram's longest bar."""
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
    """Sum up the lineage of a ref and print it.

    Raises:
        NotFoundError: there is no such ref, or it holds no lineage.
        UsageError: it does not hold this data set.
    """
    lake = open_lake(load())
    commit = lake.resolve(ref).id
    sources = ancestry_index.sources_at(lake, commit)
    names = held_datasets(ref, {each.dataset for each in sources}, dataset)
    index = ancestry_index.opened(sources)
    found = [statistics.collect(index, sources, name, top=TOP) for name in names]
    if as_json:
        body = {each.dataset: _dict(index, each) for each in found}
        print_json({"ref": ref, "commit": commit, "datasets": body})
        return
    out = console()
    for each in found:
        for part in _rendered(index, each):
            out.print(part)
    out.print(NOTE)


def _dict(index: Ancestry, found: Statistics) -> dict[str, Any]:
    rounds = [
        {
            "round": each.number,
            "decided": each.decided,
            **_tally(each.own),
            "real_share_so_far": each.so_far.mean("real"),
            "founders": _founders(index, each.founders),
        }
        for each in found.rounds
    ]
    whole = {**_tally(found.whole), "founders": _founders(index, found.founders)}
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


def _founders(index: Ancestry, found: Founders | None) -> dict[str, Any] | None:
    if found is None:
        return None
    named = index.nodes(found.top["number"].to_numpy()).with_columns(found.top["share"])
    about = {name: getattr(found, name) for name in ("equivalents", "mass", "opaque", "lost")}
    top = [
        {
            "sample_id": row["sample_id"].hex(),
            **{name: row[name] for name in ("dataset", "round", "row", "share")},
        }
        for row in named.iter_rows(named=True)
    ]
    return {**about, "top": top}


def _rendered(index: Ancestry, found: Statistics) -> Iterable[RenderableType]:
    groups = [(str(each.number), each.own, each.so_far, each.founders) for each in found.rounds]
    groups.append(("all", found.whole, found.whole, found.founders))
    body = [_row(name, own, so_far, _founders(index, each)) for name, own, so_far, each in groups]
    yield table(found.dataset, COLUMNS, body)
    bars = [row for name, own, *_ in groups for row in _histogram(name, own)]
    yield table("generations from real data", ["round", "generation", "accepted", ""], bars)


def _row(name: str, own: Tally, so_far: Tally, founders: dict[str, Any] | None) -> list[object]:
    known = founders or {"equivalents": None, "top": []}
    equivalents, top = known["equivalents"], known["top"][:SHOWN]
    named = ", ".join(f"{each['sample_id'][:PREFIX]} {each['share']:.2%}" for each in top)
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
    counted = [(str(each), rows) for each, rows in tally.generations.items()]
    counted += [("none", tally.rootless)] if tally.rootless else []
    for generation, rows in counted:
        yield [name, generation, rows, bar(rows / tally.accepted)]


def bar(share: float) -> str:
    """A bar of blocks, an eighth of a character at a time; never nothing where there is some."""
    eighths = max(round(share * BAR * 8), 1 if share else 0)
    return "█" * (eighths // 8) + BLOCKS[eighths % 8].strip()
