from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.common import plugin_protocols
from pipelines.common.errors import DataError, ParamsError
from pipelines.common.settings import StrictModel
from pipelines.modalities.images import Images
from pipelines.scorers import cache, digests, protocol, registry, scoring
from pipelines.scorers.cache import Cache
from pipelines.scorers.protocol import Given, Scorer
from tests.pipelines.kinds import Split

ROOT = Path(__file__).resolve().parents[3]
NEEDS_NO_MORE = re.compile(r"\bgiven\.(earlier|held_out)\b")


class LengthSettings(StrictModel):
    text: str = "text"
    scale: float = 1.0


class Lengths(Scorer[LengthSettings]):
    """A scorer of rows that counts the rows it is asked for."""

    name = "lengths"
    version = "lengths/1"
    Settings = LengthSettings
    columns: ClassVar = {"length": pl.Int64, "share": pl.Float64}
    needs = ("text",)
    rowwise = True
    asked = 0
    model = "m"

    def model_digest(self, given: Given, settings: StrictModel) -> str:
        assert isinstance(given, Given)
        assert isinstance(settings, self.Settings)
        return self.model

    def score(self, candidates: pl.DataFrame, given: Given, settings: StrictModel) -> pl.DataFrame:
        assert given.real.columns
        self.asked += len(candidates)
        length = pl.col(settings.text).str.len_chars().cast(pl.Int64)
        return candidates.select(
            "round", "row", length=length, share=length.cast(pl.Float64) * settings.scale
        )


class Ranks(Lengths):
    """A scorer of whole frames, which can score real rows too."""

    name = "ranks"
    version = "ranks/1"
    columns: ClassVar = {"rank": pl.Int64}
    rowwise = False

    def score(self, candidates: pl.DataFrame, given: Given, settings: StrictModel) -> pl.DataFrame:
        assert given.real.columns
        self.asked += len(candidates)
        rank = pl.col(settings.text).rank("ordinal").cast(pl.Int64)
        return candidates.select("round", "row", rank=rank)

    def score_real(self, given: Given, settings: StrictModel) -> pl.DataFrame:
        return self.score(given.real, given, settings).with_columns(rank=-pl.col("rank"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def plant(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Lengths]:
    """Two scorers besides the project's own."""
    found = {"lengths": Lengths(), "ranks": Ranks()}
    real_load = registry.load
    monkeypatch.setattr(registry, "load", lambda name: found.get(name) or real_load(name))
    assert project.exists()
    return found


def texts(*values: str | None, start: int = 0) -> pl.DataFrame:
    rows = range(start, start + len(values))
    return pl.DataFrame(
        {"round": [2] * len(values), "row": list(rows), "text": list(values)},
        schema={"round": pl.Int32, "row": pl.Int64, "text": pl.String},
    )


REAL = texts("real", "rows")


@pytest.mark.parametrize("name", registry.SCORERS.names())
def test_every_scorer_keeps_the_protocol(name: str) -> None:
    found = registry.load(name)
    assert not plugin_protocols.faults(type(found), Scorer)
    assert (found.name, found.version.partition("/")[0]) == (name, name)
    assert found.__doc__
    assert set(found.reads) <= set(protocol.READABLE)
    source = Path(str(sys.modules[type(found).__module__].__file__)).read_text(encoding="utf-8")
    assert set(NEEDS_NO_MORE.findall(source)) <= set(found.reads)
    settings = found.Settings()
    assert settings.model_config["frozen"]
    assert settings.model_config["extra"] == "forbid"
    left_out = [need for need in found.needs if getattr(settings, need, need) is None]
    columns = protocol.columns_read(found, settings)
    assert len(set(columns)) == len(columns) == len(found.needs) - len(left_out)
    assert left_out == ["entry_point"] if name == "code" else not left_out
    assert pl.Schema(dict(found.columns)).names() == list(found.columns)
    assert not set(found.columns) & {"round", "row", *found.needs}


def test_the_columns_of_all_scorers_are_their_own() -> None:
    columns = [each for name in registry.SCORERS.names() for each in registry.load(name).columns]
    assert len(set(columns)) == len(columns)
    assert {"agreement", "distance"} <= set(registry.SCORERS.names())


def test_a_scorer_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(ParamsError, match=r"no scorer 'distanc'; did you mean 'distance'"):
        registry.load("distanc")


def test_settings_are_resolved_and_a_scorer_can_be_left_out() -> None:
    found = registry.resolved({"distance": {"block_rows": 5}, "agreement": None})
    assert found == {"distance": {"image": "image", "block_rows": 5, "search": "exact"}}
    with pytest.raises(ValueError, match=r"unknown key block_row; did you mean 'block_rows'"):
        registry.resolved({"distance": {"block_row": 5}})


def test_no_two_scorers_add_the_same_column(plant: dict[str, Lengths]) -> None:
    plant["ranks"].columns = plant["lengths"].columns
    with pytest.raises(ValueError, match="lengths and ranks both add 'length'"):
        registry.resolved({"lengths": {}, "ranks": {}})


def test_scores_stand_beside_the_candidates(project: Path, split: Split) -> None:
    candidates = split.validation[:20].with_columns(round=pl.lit(3, pl.Int32))
    found = scoring.score_all(Images.scorers, candidates, Given(split.real))
    names = [name for each in Images.scorers for name in registry.load(each).columns]
    assert found.columns == ["round", "row", *names]
    assert found.select("round", "row").equals(candidates.select("round", "row"))
    again = scoring.score_all(Images.scorers, candidates, Given(split.real))
    assert_frame_equal(found, again)
    assert len(list(project.glob(".stemma/scores/*/*.parquet"))) == 2


def test_a_row_is_scored_once(plant: dict[str, Lengths]) -> None:
    mine = plant["lengths"]
    first = scoring.score_all({"lengths": {}}, texts("a", "bb", "a"), Given(REAL))
    assert first["length"].to_list() == [1, 2, 1]
    assert mine.asked == 2
    second = scoring.score_all({"lengths": {}}, texts("ccc", "bb", start=7), Given(REAL))
    assert second.rows() == [(2, 7, 3, 3.0), (2, 8, 2, 2.0)]
    assert mine.asked == 3
    scoring.score_all({"lengths": {"scale": 2.0}}, texts("bb"), Given(REAL))
    assert mine.asked == 4
    mine.model = "another"
    scoring.score_all({"lengths": {}}, texts("bb"), Given(REAL))
    assert mine.asked == 5


def test_a_row_without_a_score_is_tried_again(plant: dict[str, Lengths]) -> None:
    for _ in range(2):
        found = scoring.score_all({"lengths": {}}, texts(None, "b"), Given(REAL))
        assert found["length"].to_list() == [None, 1]
    assert plant["lengths"].asked == 3


def test_a_frame_is_scored_once_and_by_its_order(plant: dict[str, Lengths]) -> None:
    mine = plant["ranks"]
    for _ in range(2):
        found = scoring.score_all({"ranks": {}}, texts("b", "a"), Given(REAL))
        assert found["rank"].to_list() == [2, 1]
    assert mine.asked == 2
    assert scoring.score_all({"ranks": {}}, texts("a", "b"), Given(REAL))["rank"].to_list() == [
        1,
        2,
    ]
    assert mine.asked == 4


def test_only_those_that_can_score_real_rows(plant: dict[str, Lengths]) -> None:
    both = {"lengths": {}, "ranks": {}}
    assert scoring.score_real(both, ["rank", "length"], Given(REAL)).columns == [
        "round",
        "row",
        "rank",
    ]
    assert scoring.score_real(both, ["rank"], Given(REAL))["rank"].to_list() == [-1, -2]
    assert scoring.score_real(both, ["length"], Given(REAL)).columns == ["round", "row"]
    assert plant["ranks"].asked == 2


def test_a_column_may_have_another_name(plant: dict[str, Lengths]) -> None:
    frame, real = (each.rename({"text": "story"}) for each in (texts("abc"), REAL))
    settings = {"lengths": {"text": "story"}}
    assert scoring.score_all(settings, frame, Given(real))["length"].to_list() == [3]
    with pytest.raises(DataError, match=r"reads column 'story', which the candidates do not have"):
        scoring.score_all(settings, texts("abc"), Given(real))
    assert plant["lengths"].asked == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop("share"), "it promises"),
        (lambda frame: frame.reverse(), "other rows"),
        (lambda frame: frame.clear(), "other rows"),
        (lambda frame: frame.cast({"length": pl.Int32}), "it promises"),
    ],
)
def test_a_scorer_that_gives_another_frame_is_refused(
    plant: dict[str, Lengths], monkeypatch: pytest.MonkeyPatch, change: object, said: str
) -> None:
    mine = plant["lengths"]
    score = mine.score
    monkeypatch.setattr(mine, "score", lambda *given: change(score(*given)))
    with pytest.raises(DataError, match=said):
        scoring.score_all({"lengths": {}}, texts("a", "b"), Given(REAL))


def test_nan_is_no_score(plant: dict[str, Lengths], monkeypatch: pytest.MonkeyPatch) -> None:
    mine = plant["lengths"]
    score = mine.score
    nan = pl.lit(float("nan")).alias("share")
    monkeypatch.setattr(mine, "score", lambda *given: score(*given).with_columns(nan))
    found = scoring.score_all({"lengths": {}}, texts("a"), Given(REAL))
    assert found["share"].to_list() == [None]


def test_a_scorer_can_tell_how_far_it_is(
    plant: dict[str, Lengths], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = plant["lengths"]
    score = mine.score

    def slow(rows: pl.DataFrame, given: Given, settings: StrictModel) -> pl.DataFrame:
        given.progress(len(rows), len(rows))
        return score(rows, given, settings)

    monkeypatch.setattr(mine, "score", slow)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    scoring.score_all({"lengths": {}}, texts("a", "b"), Given(REAL))
    assert "lengths" in capsys.readouterr().err


SCHEMA = pl.Schema({"length": pl.Int64})


def kept(root: Path, **change: object) -> Cache:
    return Cache("m", SCHEMA, root, **change)


def rows(*values: int) -> pl.DataFrame:
    return pl.DataFrame({"digest": [bytes([each]) for each in values], "length": list(values)})


def test_a_file_that_is_broken_counts_as_not_there(tmp_path: Path) -> None:
    found = kept(tmp_path)
    found.keep_rows(rows(1, 2))
    found.keep_whole("w", rows(3))
    assert sorted(found.rows()["length"]) == [1, 2]
    for place in found.folder.iterdir():
        place.write_bytes(place.read_bytes()[:40])
    assert found.rows().is_empty()
    assert found.whole("w") is None
    assert found.whole("never") is None


def test_many_parts_become_one(tmp_path: Path) -> None:
    found = kept(tmp_path)
    for value in range(cache.MAX_PARTS + 1):
        found.keep_rows(rows(value, 200))
    assert len(list(found.folder.iterdir())) == 1
    assert sorted(found.rows()["length"]) == [*range(cache.MAX_PARTS + 1), 200]


def test_the_folder_is_bounded(tmp_path: Path) -> None:
    found = kept(tmp_path)
    found.keep_whole("a", rows(1))
    size = (found.folder / "a.parquet").stat().st_size
    bounded = kept(tmp_path, max_bytes=2 * size + size // 2)
    for name in "bcd":
        bounded.keep_whole(name, rows(1))
        assert bounded.whole("b") is not None  # used again, so another goes
    assert [bounded.whole(name) is not None for name in "abcd"] == [False, True, False, True]


WRITER = """
import sys
import time
from pathlib import Path
import polars as pl
from pipelines.scorers.cache import Cache
kept = Cache("m", pl.Schema({"length": pl.Int64}), Path(sys.argv[1]))
for value in range(int(sys.argv[2]), int(sys.argv[2]) + 30):
    frame = pl.DataFrame({"digest": [bytes([value])], "length": [value]})
    kept.keep_rows(frame)
    kept.keep_whole("w", frame.with_columns(length=pl.lit(7, pl.Int64)))
"""


def test_writers_at_once_leave_whole_files(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(start)], cwd=ROOT)
        for start in (0, 100)
    ]
    assert [each.wait(60) for each in workers] == [0, 0]
    assert set(kept(tmp_path).rows()["length"]) <= {*range(30), *range(100, 130)}
    whole = kept(tmp_path).whole("w")
    assert whole is not None
    assert whole["length"].to_list() == [7]
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".parquet"}


@pytest.mark.parametrize("name", [".a.0123", "a.0123.tmp"])
def test_a_file_that_a_killed_run_left_goes_after_an_hour(tmp_path: Path, name: str) -> None:
    found = kept(tmp_path)
    found.folder.mkdir(parents=True)
    left, fresh = found.folder / name, found.folder / f"{name[:-4]}9999.tmp"
    left.touch()
    fresh.touch()
    hour_ago = time.time() - cache.STALE_SECONDS - 60
    os.utime(left, (hour_ago, hour_ago))
    found.keep_whole("b", rows(1))
    assert not left.exists()
    assert fresh.exists()


def test_code_is_the_module_and_what_it_imports() -> None:
    found = digests._imported("pipelines.scorers.agreement")
    assert {
        "pipelines.features.image_classifier",
        "pipelines.features.images",
        "lineage.identity",
    } <= found
    assert digests.of_code("pipelines.scorers.agreement") != digests.of_code(
        "pipelines.scorers.distance"
    )


def test_rows_are_digested_by_content() -> None:
    image = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    frame = pl.DataFrame(
        {
            "image": [{"bytes": b"a", "path": None}, {"bytes": None, "path": None}, None],
            "tests": [["x", "y"], ["x,y"], None],
            "meta": [{"a": [1], "b": None}] * 3,
        },
        schema_overrides={"image": image},
    )
    for column in ("image", "tests"):
        assert digests.of_rows(frame, [column]).n_unique() == 3
    assert digests.of_rows(frame, ["meta"]).n_unique() == 1
    assert digests.of_rows(frame, []).n_unique() == 1
    assert digests.of_frame(frame, ["tests"]) != digests.of_frame(frame.reverse(), ["tests"])


def blocks_of(frame: pl.DataFrame, size: int) -> Callable[[Sequence[str]], Iterator[pl.DataFrame]]:
    """Read a frame in blocks of so many rows."""

    def read(names: Sequence[str]) -> Iterator[pl.DataFrame]:
        yield from frame.select("round", "row", *names).iter_slices(size)

    return read


def test_scores_of_blocks_are_those_of_all_rows(plant: dict[str, Lengths]) -> None:
    candidates = texts("a", "bb", None, "a", "dddd", "bb", "ccc")
    scorers: dict[str, dict[str, object]] = {"lengths": {"scale": 2.0}, "ranks": {}}
    found = scoring.score_blocks(scorers, blocks_of(candidates, 3), Given(REAL))
    assert (plant["lengths"].asked, plant["ranks"].asked) == (5, 7), "equal rows once"
    assert_frame_equal(found, scoring.score_all(scorers, candidates, Given(REAL)))
    assert (plant["lengths"].asked, plant["ranks"].asked) == (6, 7), "only what has no score again"


def test_blocks_that_were_scored_before_a_failure_are_kept(
    plant: dict[str, Lengths], monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates = texts("a", "bb", "ccc", "dddd", "eeeee")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    whole = blocks_of(candidates, 2)

    def until_the_second(names: Sequence[str]) -> Iterator[pl.DataFrame]:
        for number, block in enumerate(whole(names)):
            if number and names:
                monkeypatch.setattr(Lengths, "score", killed)
            yield block

    score = Lengths.score
    with pytest.raises(KeyboardInterrupt):
        scoring.score_blocks({"lengths": {}}, until_the_second, Given(REAL))
    monkeypatch.setattr(Lengths, "score", score)
    assert plant["lengths"].asked == 2
    found = scoring.score_blocks({"lengths": {}}, whole, Given(REAL))
    assert found["length"].to_list() == [1, 2, 3, 4, 5]
    assert plant["lengths"].asked == len(candidates)


def test_what_is_prepared_of_real_rows_is_made_once_for_them() -> None:
    given, made = Given(REAL), []
    for number in (1, 2):
        assert given.once("key", lambda number=number: made.append(number) or "first") == "first"
    other = dataclasses.replace(given, real=texts("other"))
    assert other.once("key", lambda: "second") == "second"
    assert made == [1]
