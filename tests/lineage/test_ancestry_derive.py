"""Derived columns and founders: closed forms, and agreement with what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numba
import numpy as np
import polars as pl
import pytest

from lineage import record, training_mix
from lineage.ancestry import compiling, kernels
from lineage.ancestry import derive as derive_module
from lineage.ancestry import founders as founders_module
from lineage.ancestry.derive import derive, mix_figures, rounds
from lineage.ancestry.founders import founders
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.source import Source
from lineage.ancestry.walks import descendants
from lineage.errors import MixError
from tests.examples import few_and_many, holds
from tests.lineage.conftest import derived, real_rows
from tests.lineage.forest import Forest, Node, Row, content, mixed
from tests.lineage.worlds import World, worlds

DERIVED = ("real_inputs", "real_roots", "depth_mean", "depth_min", "depth_max")
KEY = {"round": pl.Int32, "row": pl.Int64, "decision": pl.String}


def row(kind: str, *parents: tuple[Node, float], trained_on: str | None = None) -> Row:
    edges = [(node, "seed", Fraction(weight)) for node, weight in parents]
    return Row(content(kind), kind, edges, trained_on, "accepted")


def real(count: int) -> dict[int, Row]:
    return {at: row("real") for at in range(count)}


def columns(index: Ancestry) -> list[list[dict[str, float | None]]]:
    return [frame.drop("row").to_dicts() for _, frame in derive(index)]


def test_a_chain_is_as_deep_as_it_is_long(tmp_path: Path) -> None:
    chain = {("d", n): {0: row("synthetic", (("d", n - 1, 0), 1.0))} for n in range(1, 40)}
    index = open_index(tmp_path, Forest({("d", 0): real(1), **chain}).sources())
    for depth, [found] in enumerate(columns(index)):
        assert list(found.values()) == [float(depth < 2), 1.0, depth, depth, depth]
    assert founders(index, np.array([39])).equivalents == 1


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_star_has_as_many_founders_as_points(tmp_path: Path, count: int) -> None:
    star = row("synthetic", *((("d", 0, at), 1 / count) for at in range(count)))
    index = open_index(tmp_path, Forest({("d", 0): real(9), ("d", 1): {0: star}}).sources())
    assert columns(index)[1] == [dict(zip(DERIVED, (1, 1, 1, 1, 1), strict=True))]
    found = founders(index, np.array([9]))
    assert found.equivalents == pytest.approx(count)
    assert found.top["number"].to_list() == list(range(count))
    assert found.top["share"].to_list() == pytest.approx([1 / count] * count)


def test_a_heavy_founder_counts_for_more(tmp_path: Path) -> None:
    child = row("synthetic", (("d", 0, 1), 0.75), (("d", 0, 0), 0.25))
    index = open_index(tmp_path, Forest({("d", 0): real(2), ("d", 1): {0: child}}).sources())
    found = founders(index, np.array([2]))
    assert found.equivalents == pytest.approx(1 / (9 / 16 + 1 / 16))
    assert found.top.rows() == [(1, 0.75), (0, 0.25)]
    assert founders(index, np.array([2, 1])).mass == 1


def accumulated(regime: str, rounds_: int, size: int = 6) -> list[Source]:
    """Rounds of equal size, all accepted, each of a generator fitted on what was there before."""
    lake, found = real_rows(size), []
    for number in range(rounds_ + 1):
        mix = None
        if number:
            mix = training_mix.build(lake, dataset="d", commit="c", regime=regime).manifest
            lake = pl.concat([lake, derived(size, number, mix)])
        frame = lake.filter(pl.col("round") == number)
        decided = frame.select("round", "row", decision=pl.lit("accepted"))
        mixes = {mix.digest: mix} if mix else {}
        found.append(Source("d", number, f"{regime}{number}", frame.lazy, decided.lazy, mixes))
    return found


def test_accumulate_deepens_by_harmonic_numbers(tmp_path: Path) -> None:
    """With d(n) = 1 + mean of d(0) to d(n-1), d(n) is the n-th harmonic number."""
    index = open_index(tmp_path, accumulated("accumulate", 12))
    for number, found in enumerate(columns(index)):
        harmonic = sum(1 / k for k in range(1, number + 1))
        share = 1 / number if number else 1.0
        wanted = (share, 1.0, harmonic, min(number, 1), number)
        assert found == [pytest.approx(dict(zip(DERIVED, wanted, strict=True)))] * 6
    assert founders(index, np.arange(index.rows)).equivalents == pytest.approx(6)


def test_replace_deepens_by_one_each_round(tmp_path: Path) -> None:
    index = open_index(tmp_path, accumulated("replace", 12))
    for number, found in enumerate(columns(index)):
        wanted = (float(number < 2), 1.0, number, number, number)
        assert found == [pytest.approx(dict(zip(DERIVED, wanted, strict=True)))] * 6
    assert founders(index, np.arange(72, 78)).equivalents == pytest.approx(6)


def test_what_rounding_leaves_is_no_weight(tmp_path: Path) -> None:
    """0.9 and 0.1 in single precision sum to less than 1; the generator gets nothing of that."""
    forest = Forest({("d", 0): real(2), ("d", 1): {0: row("synthetic", (("d", 0, 0), 1.0))}})
    parents = (("d", 0, 0), 0.9), (("d", 0, 1), 0.1)
    deep = mixed(forest, "d", [], regime="replace")
    forest.rounds["d", 2] = {0: row("synthetic", *parents, trained_on=deep)}
    index = open_index(tmp_path, forest.sources())
    assert columns(index)[2] == [pytest.approx(dict(zip(DERIVED, (1, 1, 1, 1, 1), strict=True)))]
    assert index.nodes(np.array([3]))["rest"].to_list() == [0.0]
    assert descendants(index, np.array([2])).indirect.tolist() == []
    assert founders(index, np.array([3])).top.height == 2


def test_weights_over_one_are_clipped(tmp_path: Path) -> None:
    child = row("synthetic", (("d", 0, 0), 1.0), (("d", 0, 1), 0.5))
    below = row("synthetic", (("d", 1, 0), 1.0))
    forest = Forest({("d", 0): real(2), ("d", 1): {0: child}, ("d", 2): {0: below}})
    index = open_index(tmp_path, forest.sources())
    assert [each["real_roots"] for [each] in columns(index)[1:]] == [1.0, 1.0]
    assert [each["real_inputs"] for [each] in columns(index)[1:]] == [1.0, 0.0]


def test_rows_without_a_way_to_real_data_have_no_depth(tmp_path: Path) -> None:
    forest = Forest({("d", 0): real(1), ("d", 1): {at: row("synthetic") for at in range(9)}})
    index = open_index(tmp_path, forest.sources())
    assert columns(index)[1] == [dict(zip(DERIVED, (0, 0, None, None, None), strict=True))] * 9
    found = founders(index, np.arange(1, 10))
    assert (found.equivalents, found.mass, found.lost) == (None, 0, 0)
    assert found.opaque == pytest.approx(1)
    assert found.top.is_empty()


def test_an_empty_lake_derives_nothing(tmp_path: Path) -> None:
    index = open_index(tmp_path, [])
    assert (index.rows, index.edges, index.segments, list(derive(index))) == (0, 0, (), [])
    assert mix_figures(index).is_empty()
    assert founders(index, np.empty(0, dtype=np.int64)).equivalents is None


def test_an_unknown_subsample_is_refused(tmp_path: Path) -> None:
    sources = accumulated("accumulate-subsample", 1)
    [mix] = sources[1].mixes.values()
    other = mix.model_copy(update={"subsample": "other/1"})
    again = Source("d", 1, "other", sources[1].lineage, None, {mix.digest: other})
    index = open_index(tmp_path, [sources[0], again])
    with pytest.raises(MixError, match="drawn by the rule 'other/1', which is not known"):
        index.members(index.segments[1], mix.digest)


@few_and_many(5, 30)
def test_the_graph_gives_what_was_recorded(
    tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    holds(examples, partial(check_graph, tmp_path_factory), worlds())


def check_graph(
    tmp_path_factory: pytest.TempPathFactory, built: tuple[World, dict[str, pl.DataFrame]]
) -> None:
    world, lake = built
    index = open_index(tmp_path_factory.mktemp("index"), recorded(world, lake))
    derived = list(rounds(index))
    assert len(derived) == len(index.segments)
    for each in derived:
        dataset, number = each.segment.dataset, each.segment.round
        stored = lake[dataset].filter(pl.col("round") == number).sort("row")
        assert each.rows["row"].equals(stored["row"])
        for name in DERIVED:
            wanted = stored[name].to_list()
            assert each.rows[name].to_list() == pytest.approx(wanted, abs=2e-6), (number, name)
        for figures in each.mixes.to_dicts():
            mix = world.mixes[dataset, number].model_dump()
            wanted = {name: mix[name] for name in ("rows", "real_share", *DERIVED[1:])}
            assert {name: figures[name] for name in wanted} == pytest.approx(wanted, abs=2e-6)
            assert figures["held"] == mix["rows"]


def recorded(world: World, lake: dict[str, pl.DataFrame]) -> list[Source]:
    """The rounds of a world as sources."""
    found = []
    for name, frame in lake.items():
        for number in frame["round"].unique():
            rows = frame.filter(pl.col("round") == number)
            decided = pl.DataFrame(
                [
                    (at, row_, "accepted")
                    for of, at, row_ in world.accepted
                    if (of, at) == (name, number)
                ],
                schema=KEY,
                orient="row",
            )
            mix = world.mixes.get((name, number))
            mixes = {mix.digest: mix} if mix else {}
            found.append(Source(name, number, "1", rows.lazy, decided.lazy, mixes))
    return found


def test_real_rows_are_what_record_makes_of_them(tmp_path: Path) -> None:
    frame = record.real(real_rows(3).select("row", "sample_id", "source", "licence"))
    index = open_index(tmp_path, [Source("d", 0, "x", frame.lazy)])
    [(_, found)] = derive(index)
    assert found.drop("row").rows() == frame.select(DERIVED).rows()


def test_the_kernels_do_the_same_in_plain_python(tmp_path: Path) -> None:
    index = open_index(tmp_path, accumulated("accumulate-subsample", 4))
    found = []
    for way in (lambda kernel, _: kernel, lambda kernel, _: compiling.compiled(kernel)):
        with (
            patch.object(derive_module, "suited", way),
            patch.object(founders_module, "suited", way),
        ):
            walked = founders(index, np.arange(24, 30))
            found.append((columns(index), walked.equivalents, walked.mass))
    assert found[0] == found[1]


def test_small_lakes_need_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = open_index(tmp_path, accumulated("accumulate-subsample", 4)).layout
    work = int(layout.bases[-1]) + sum(len(view.arrays["parent"]) for view in layout.views)
    monkeypatch.setattr(compiling, "FEW", work)
    assert compiling.suited(kernels.flow, layout) is kernels.flow
    monkeypatch.setattr(compiling, "FEW", work - 1)
    assert compiling.suited(kernels.flow, layout) is compiling.compiled(kernels.flow)


def test_where_nothing_can_be_kept_each_process_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_ = numba.njit

    def refuse(**settings: bool) -> Callable[..., object]:
        if settings.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return compile_(**settings)

    monkeypatch.setattr(numba, "njit", refuse)
    values = np.ones(3)
    compiling.compiled(double)(values)
    assert values.tolist() == [2, 2, 2]


def test_few_and_many_values_are_null_in_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    values, validity = np.arange(11, dtype=np.int64), np.array([0b10100101, 0b110], dtype=np.uint8)
    few = derive_module._nullable(values, validity)
    monkeypatch.setattr(derive_module, "FEW", 0)
    assert few.equals(derive_module._nullable(values, validity), check_dtypes=True)
    assert few.to_list() == [0, None, 2, None, None, 5, None, 7, None, 9, 10]


def double(values: np.ndarray) -> None:
    for at in range(len(values)):
        kernels.prefetch(values, at)
        values[at] *= 2
