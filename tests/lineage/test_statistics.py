from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lineage import edges, statistics, training_mix
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.source import Source
from lineage.statistics import Statistics
from lineage.training_mix import MixManifest
from tests.lineage.conftest import derived, real_rows
from tests.lineage.healthy import healthy

SIZE = 6


def source(number: int, lineage: pl.DataFrame, mix: MixManifest | None, accepted: int) -> Source:
    """A round of `d` whose first rows are accepted."""
    word = pl.when(pl.col("row") < accepted).then(pl.lit("accepted")).otherwise(pl.lit("rejected"))
    decisions = lineage.select("round", "row", word.alias("decision"))
    return Source(
        "d",
        number,
        f"{number} {accepted} {mix.digest if mix else None}",
        lineage.lazy,
        decisions.lazy if number else None,
        {mix.digest: mix} if mix else {},
    )


def collected(sources: list[Source], directory: Path) -> tuple[Ancestry, Statistics]:
    index = open_index(directory, sources)
    return index, statistics.collect(index, sources, "d", top=3)


def accumulated(rounds: int) -> list[Source]:
    """Rounds of equal size, each learned from all before; one candidate of each is rejected."""
    lineage = [real_rows(SIZE)]
    sources = [source(0, lineage[0], None, SIZE)]
    for number in range(1, rounds + 1):
        mix = training_mix.build(
            pl.concat(lineage), dataset="d", commit="c", regime="accumulate"
        ).manifest
        rows = derived(SIZE + 1, number, mix)
        sources.append(source(number, rows, mix, SIZE))
        lineage.append(rows.filter(pl.col("row") < SIZE))
    return sources


def test_accumulate_has_closed_forms(tmp_path: Path) -> None:
    index, found = collected(accumulated(4), tmp_path)
    harmonic = [sum(1 / k for k in range(1, n + 1)) for n in range(5)]
    for each in found.rounds:
        assert (each.own.candidates, each.own.accepted) == (SIZE + (each.number > 0), SIZE)
        assert each.own.mean("real") == (each.number == 0)
        assert each.so_far.mean("real") == pytest.approx(1 / (each.number + 1))
        share = 1 / max(each.number, 1)
        assert each.own.mix_share == (pytest.approx(share) if each.number else None)
        assert each.own.mean("real_inputs") == pytest.approx(share)
        assert each.own.mean("real_inputs_low") == pytest.approx(share)
        assert each.own.opaque == 0
        assert each.own.generations == {int(harmonic[each.number] + 0.5): SIZE}
        assert each.founders is not None
        assert each.founders.equivalents == pytest.approx(SIZE)  # each real row the same
        assert (each.founders.mass, each.founders.opaque) == (pytest.approx(1), 0)
    assert found.whole == found.rounds[-1].so_far
    assert found.whole.generations == {0: SIZE, 1: SIZE, 2: 3 * SIZE}
    assert found.whole.accepted == 5 * SIZE
    assert found.founders is not None
    assert found.founders.equivalents == pytest.approx(SIZE)
    assert index.nodes(found.founders.top["number"].to_numpy())["row"].to_list() == [0, 1, 2]


def test_a_star_has_one_founder(tmp_path: Path) -> None:
    real = real_rows(SIZE)
    mix = training_mix.build(real, dataset="d", commit="c", regime="accumulate").manifest
    seeds = pl.DataFrame(
        [(row, "d", 0, 4, "seed", 1.0) for row in range(SIZE)], schema=edges.PARENT, orient="row"
    )
    stored = real.with_columns(pl.lit("d").alias("dataset"))
    rows = derived(SIZE, 1, mix, parents=seeds, stored=stored)
    sources = [source(0, real, None, SIZE), source(1, rows, mix, SIZE)]
    index, found = collected(sources, tmp_path)
    first, second = found.rounds
    assert second.founders is not None
    assert second.founders.equivalents == pytest.approx(1)
    assert second.founders.top["share"].to_list() == [1]
    assert index.nodes(second.founders.top["number"].to_numpy())["row"].to_list() == [4]
    assert (second.own.mean("real_inputs"), second.own.mean("real_inputs_low")) == (1, 0)
    assert first.founders is not None
    assert first.founders.equivalents == pytest.approx(SIZE)
    assert found.founders is not None  # the exemplar weighs 7 walks, the other real rows one each
    assert found.founders.equivalents == pytest.approx(12**2 / (7**2 + 5))


def test_opaque_and_undecided_rounds(tmp_path: Path) -> None:
    sources = [source(0, real_rows(SIZE), None, SIZE), source(1, derived(4, 1, None), None, 2)]
    undecided = Source("d", 2, "u", derived(3, 2, None).lazy)
    index, found = collected([*sources, undecided], tmp_path)
    _, opaque, last = found.rounds
    assert (opaque.own.opaque, opaque.own.mix_share, opaque.own.rootless) == (1, 0, 2)
    assert opaque.own.generations == {}
    assert opaque.founders is not None
    assert (opaque.founders.equivalents, opaque.founders.opaque) == (None, 1)
    assert (last.decided, last.own.candidates, last.own.accepted) == (False, 3, 0)
    assert (last.own.mean("real"), last.own.opaque, last.founders) == (None, None, None)
    assert last.so_far.mean("real") == SIZE / (SIZE + 2)
    assert index.rows == SIZE + 7


def test_every_data_set_is_summed_up_by_itself(tmp_path: Path) -> None:
    lake = healthy()
    sources = [each.source for each in lake.rounds() if each.source]
    index = open_index(tmp_path, sources)
    for name in ("d", "e"):
        found = statistics.collect(index, sources, name, top=3)
        held = [tables for (dataset, _), tables in lake.tables.items() if dataset == name]
        rows = pl.concat(
            each["lineage"].join(each["samples"], on="row", how="semi")
            for each in held
            if "samples" in each
        )
        assert found.whole.accepted == len(rows)
        assert found.whole.candidates == sum(len(each["lineage"]) for each in held)
        for column in ("real_inputs", "real_roots"):
            assert found.whole.mean(column) == pytest.approx(rows[column].cast(pl.Float64).mean())
        counted = rows["depth_mean"].drop_nulls().map_elements(lambda value: int(value + 0.5))
        assert found.whole.generations == dict(counted.value_counts().iter_rows())
        low = found.whole.mean("real_inputs_low")
        assert low is not None
        assert low < (found.whole.mean("real_inputs") or 0)
