"""Family trees as they are drawn, without a lake."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
from rich.console import Console

from lineage import edges, record, schema
from lineage import family as families
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.source import Source
from lineage.audit import describe
from review.commands import descendants
from review.provenance import tree
from review.provenance.origins import SampleProvenance

Edge = tuple[int, str, int, int, str, float]


def test_a_prefix_of_several_samples_is_said_so(tmp_path: Path) -> None:
    rows = pl.DataFrame({"row": [0, 1], "source": "s", "licence": None}).with_columns(
        pl.Series("sample_id", [bytes(4) + bytes([byte]) * 28 for byte in (1, 2)])
    )
    index = opened(tmp_path, {("d", 0): record.real(rows)})
    selection = descendants.find(index, {"00000000": "", "0" * 8 + "01": ""})
    assert selection.samples == {"00000000": 2, "0000000001": 1}
    assert (selection.ambiguous, selection.unmatched) == ({"00000000": 2}, [])
    assert selection.numbers.tolist() == [0, 1]


def opened(directory: Path, rounds: dict[tuple[str, int], pl.DataFrame]) -> Ancestry:
    return open_index(
        directory,
        [
            Source(dataset, number, f"{dataset} {number}", lineage=frame.lazy)
            for (dataset, number), frame in rounds.items()
        ],
    )


def drawn(
    directory: Path,
    rounds: list[pl.DataFrame],
    row: int,
    environment: dict[str, str] | None = None,
) -> str:
    """The drawing of a row of the last round of one data set."""
    index = opened(directory, {("d", at): frame for at, frame in enumerate(rounds)})
    lineage = pl.concat(rounds).with_columns(pl.lit("d").alias("dataset"))
    start = index.rows - len(rounds[-1]) + row
    provenance = SampleProvenance(
        occurrence=describe(
            lineage.row(start, named=True),
            pl.DataFrame(schema=schema.VERDICTS),
            pl.DataFrame(schema=schema.DECISIONS),
            lineage,
        ),
        family=families.trace(index, start).with_facts(lineage),
        mixes={},
        kinds={},
        commit="c",
        tag=None,
        generator=None,
        environment=environment,
        texts={},
        lost=None,
    )
    console = Console(width=400, record=True, file=io.StringIO())
    drawing, left_out = tree.draw(provenance)
    console.print(drawing)
    return console.export_text() + (left_out or "")


def rounds_of(sizes: list[int], links: list[list[Edge]]) -> list[pl.DataFrame]:
    made = [record.real(_candidates(0, sizes[0]).with_columns(source=None, licence=None))]
    for number, edged in enumerate(links, 1):
        parents = pl.DataFrame(edged, schema=edges.PARENT, orient="row")
        stored = pl.concat(made).with_columns(pl.lit("d").alias("dataset"))
        made.append(
            record.derive(
                _candidates(number, sizes[number]).with_columns(seed=pl.lit(1), shard=pl.lit(0)),
                round_number=number, dataset="d", generator="g", attribution="r", mix=None,
                parents=parents, stored=stored,
            )
        )  # fmt: skip
    return made


def _candidates(number: int, rows: int) -> pl.DataFrame:
    ids = [bytes([number, row // 256, row % 256]) + bytes(29) for row in range(rows)]
    return pl.DataFrame({"row": range(rows), "sample_id": ids})


def test_a_model_is_named_with_its_licence(tmp_path: Path) -> None:
    rounds = rounds_of([1, 1], [[(0, "d", 0, 0, "seed", 0.5)]])
    about = {"model": "m", "licence": "MIT"}
    shown = drawn(tmp_path / "index", rounds, 0, about)
    assert "shard 0, seed 1, model m, licence MIT, rule r" in shown


def test_a_deep_tree_is_cut_and_says_so(tmp_path: Path) -> None:
    links: list[list[Edge]] = [[(0, "d", number, 0, "seed", 1.0)] for number in range(30)]
    shown = drawn(tmp_path / "index", rounds_of([1] * 31, links), 0)
    assert shown.count("seed 1.000") == tree.MOST_DEPTH
    assert "… 20 more ancestors, up to 30 steps away; --json has them all" in shown


def test_a_wide_tree_is_cut_and_says_so(tmp_path: Path) -> None:
    links: list[Edge] = [(0, "d", 0, row, "seed", 0.01) for row in range(100)]
    shown = drawn(tmp_path / "index", rounds_of([100, 1], [links]), 0)
    assert shown.count("seed 0.010") == tree.MOST_NODES
    assert "… 40 more parents" in shown
    assert "… 40 more ancestors, up to 1 step away" in shown
    assert "generator" in shown
    assert "opaque" not in shown  # no weight is left


def test_a_parent_that_the_lake_does_not_hold_is_named(tmp_path: Path) -> None:
    rounds = rounds_of([2, 1], [[(0, "d", 0, 1, "seed", 0.5)]])
    rounds[0] = rounds[0].head(1)
    shown = drawn(tmp_path / "index", rounds, 0)
    assert "seed 0.500, d, round 0, row 1: not in the lake at this commit" in shown
