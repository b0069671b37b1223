"""Bad luck and bad input: killed stages, lost lakes, full disks, broken images and suites."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from expectations.errors import BatchError
from lake.client import Lake
from pipelines.common.errors import BlockedError, EmptyRound, StaleError
from pipelines.generators.diffusion import model as diffusion
from pipelines.rounds import history, manifest, merging, receipts, tables
from pipelines.rounds.metadata import StageMetadata
from tests.flow.projects import STAGES, Project, content, copy, tiny_round

CHANGES = (
    "write_bytes",
    "delete",
    "commit",
    "cherry_pick",
    "merge",
    "tag",
    "set_branch",
    "delete_branch",
    "ensure",
)
"""Calls of the client that change a lake."""


class Killed(BaseException):
    """The process ends here."""


class Killer:
    """Ends the work at its n-th change of the lake, before it is made or just after."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left = -1
        self.after = False
        self.dead = False
        for name in CHANGES:
            patch.setattr(Lake, name, self._around(getattr(Lake, name)))

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **kwargs: Any) -> Any:
            if self.dead:
                raise Killed  # nothing tidies up after a kill
            self.left -= 1
            if self.left == 0 and self.after:
                call(*args, **kwargs)
            if self.left == 0:
                self.dead = True
                raise Killed
            return call(*args, **kwargs)

        return made

    def deaths(
        self, work: Callable[[], None], sides: tuple[bool, ...] = (False, True)
    ) -> Iterator[int]:
        """Run the work again and again, killed one change later each time, until it is done.

        A kill just after a change leaves the lake as a kill before the next change does; what the
        program writes elsewhere in between may differ.
        """
        for at in range(1, 60):
            for self.after in sides:
                self.left, self.dead = at, False
                try:
                    work()
                except Killed:
                    yield at
                else:
                    return
        raise AssertionError("the work never ends")


@pytest.mark.kill
def test_a_stage_killed_anywhere_runs_again_to_the_same_result(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = copied.lake()
    wanted = content(lake, "main")
    copied.edit(lambda found: found["rounds"]["tiny-2"].update(curate={"max_accepted": 500}))
    copied.edit(
        lambda found: found["rounds"]["tiny-1"].update(
            verify={"scorers": {"distance": {"block_rows": 100}}}
        )
    )
    killer = Killer(monkeypatch)
    died = 0
    for number in (1, 2):
        for name in STAGES:
            died += sum(
                1 for _ in killer.deaths(lambda n=name, k=number: copied.run(n, f"tiny-{k}"))
            )
    assert died > 40
    killer.left = -1
    assert content(lake, "main") == wanted
    assert history.published(lake, "tiny").keys() == {0, 1, 2}
    assert set(lake.tags("tiny")) == {"tiny-v0", "tiny-v1", "tiny-v2", "tiny-v1.1", "tiny-v2.1"}
    merged = [each for each in lake.log("main") if each.metadata.get("stemma.stage") == "publish"]
    assert len(merged) == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("killed", "sides"),
    [
        pytest.param(("curate", "publish"), (False,), id="before each change of two stages"),
        pytest.param(
            STAGES, (False, True), id="before and after each change", marks=pytest.mark.kill
        ),
    ],
)
def test_a_held_round_killed_anywhere_is_made_anew(
    copied: Project,
    monkeypatch: pytest.MonkeyPatch,
    killed: tuple[str, ...],
    sides: tuple[bool, ...],
) -> None:
    copied.edit(lambda found: found["rounds"]["tiny-2"].update(generate={"candidates": 20}))
    killer = Killer(monkeypatch)
    for name in STAGES:
        if name not in killed:
            killer.left = -1
            copied.run(name, "tiny-2")
            continue
        died = list(killer.deaths(lambda n=name: copied.run(n, "tiny-2"), sides))
        assert died or name in ("fit", "evaluate")
    killer.left = -1
    lake = copied.lake()
    assert tables.rounds(lake, "main", "tiny") == [0, 1, 2]
    assert len(tables.read_round(lake, "main", "tiny", "lineage", 2)) == 20
    assert set(lake.tags("tiny")) == {"tiny-v0", "tiny-v1", "tiny-v2", "tiny-v2.1"}
    assert not lake.branches("tmp-")


@pytest.mark.slow
def test_an_ingest_killed_anywhere_runs_again(
    empty: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = Killer(monkeypatch)
    died = sum(1 for _ in killer.deaths(lambda: empty.run("lake", "")))
    died += sum(1 for _ in killer.deaths(lambda: empty.run("ingest", "tiny")))
    assert died > 12
    lake = empty.lake()
    assert tables.rounds(lake, "main", "tiny") == [0]
    assert list(lake.tags()) == ["tiny-v0"]
    held = empty.lake(holdout=True).scan("main", "tiny/fingerprints/").collect()
    assert len(held) + len(tables.read_round(lake, "main", "tiny", "samples", 0)) == 160


@pytest.mark.slow
def test_nan_images_are_unknown_and_refused(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = diffusion.generate

    def with_holes(*args: Any) -> NDArray[np.float32]:
        found = real(*args)
        found[0, 0, 0] = np.nan
        return found

    monkeypatch.setattr(diffusion, "generate", with_holes)
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    copied.round("tiny-3")
    lake = copied.lake()
    lineage = tables.read_round(lake, "main", "tiny", "lineage", 3)
    assert len(lineage) == 24
    holes = lineage.group_by("shard").agg(pl.col("row").min())["row"].to_list()
    verdicts = tables.read_round(lake, "main", "tiny", "verdicts", 3)
    of_holes = verdicts.filter(
        pl.col("row").is_in(holes), pl.col("expectation") != "label_is_given"
    )
    assert of_holes["verdict"].unique().to_list() == ["unknown"]
    decisions = tables.read_round(lake, "main", "tiny", "decisions", 3)
    decided = decisions.filter(pl.col("row").is_in(holes))
    assert decided["decision"].unique().to_list() == ["rejected"]


@pytest.mark.slow
def test_a_round_of_nothing_but_nan_stops_with_its_reasons(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = diffusion.generate
    monkeypatch.setattr(diffusion, "generate", lambda *args: real(*args) * np.float32(np.nan))
    head = copied.lake().head("main")
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    with pytest.raises(BatchError, match=r"none of the 24 candidates has a value") as caught:
        copied.round("tiny-3")
    assert "\n" not in str(caught.value)
    assert copied.lake().head("main") == head


def test_a_strict_suite_leaves_nothing_and_says_why(copied: Project) -> None:
    place = Path("expectations/suites/tiny.json")
    suite = json.loads(place.read_text(encoding="utf-8"))
    suite["expectations"][4]["kwargs"]["min_value"] = 5
    place.write_text(json.dumps(suite), encoding="utf-8")
    copied.run("verify", "tiny-2")
    with pytest.raises(EmptyRound, match=r"no candidate of tiny-2 is accepted; .*no_copy \(\d+\)"):
        copied.run("curate", "tiny-2")


def test_an_unknown_expectation_is_one_sentence(copied: Project) -> None:
    place = Path("expectations/suites/tiny.json")
    text = place.read_text(encoding="utf-8").replace("pair_values_to_be_equal", "pairs_to_be_equal")
    place.write_text(text, encoding="utf-8")
    head = copied.lake().head("main")
    done = copied.stemma("stage", "verify", "tiny-2")
    assert done.code not in (0, None)
    assert "expect_column_pairs_to_be_equal" in done.err
    assert "nearest known is" in done.err
    assert "Traceback" not in done.err
    assert copied.lake().head("main") == head


@pytest.mark.slow
def test_a_blocked_round_stays_on_its_branch_until_a_reason_is_given(copied: Project) -> None:
    lake = copied.lake()
    head = lake.head("main")
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    guard = {"guard": {"real_share_block": 0.99, "real_share_shallow": 0.0}}
    copied.edit(lambda found: found["rounds"]["tiny-3"].update(publish=guard))
    with pytest.raises(BlockedError, match=r"guard blocks tiny-3 \(real_share\).*stemma diff main"):
        copied.round("tiny-3")
    assert lake.head("main") == head
    about = manifest.read(lake, "tiny-r003", "tiny", 3)
    assert about["guard"]["verdict"] == "block"
    copied.edit(
        lambda found: found["rounds"]["tiny-3"]["publish"].update(override="a trial, see minutes")
    )
    copied.run("publish", "tiny-3")
    merge = lake.resolve("main")
    assert merge.metadata["stemma.override"] == "a trial, see minutes"
    assert json.loads(merge.metadata["stemma.guard.checks"])["real_share"] == "block"
    assert merge.metadata["stemma.guard.judged"] == receipts.read("tiny", 3, "evaluate").commit


@pytest.mark.slow
def test_a_main_that_moved_means_run_again(copied: Project) -> None:
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    copied.round("tiny-3", "fit", "generate", "verify", "curate", "evaluate")
    lake = copied.lake()
    lake.set_branch("elsewhere", "main")
    merging.supersede(lake, "elsewhere", StageMetadata("supersede", "tiny", 2))
    merged = lake.resolve("tiny-v2").metadata | {"stemma.input_key": "another"}
    merging.merge(lake, "elsewhere", "another clone published round 2", merged)
    with pytest.raises(StaleError, match=r"main does not hold round 2 .*git pull"):
        copied.run("publish", "tiny-3")


def test_a_lake_that_does_not_answer(copied: Project) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    env = {
        "LAKECTL_SERVER_ENDPOINT_URL": nowhere,
        "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": "key",
        "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": "secret",
    }
    for words in (
        ("stage", "lake"),
        ("stage", "curate", "tiny-2"),
        ("status",),
    ):
        done = copied.stemma(*words, env=env)
        assert done.code == 4, done.said
        assert len(done.err.strip().splitlines()) == 1
        assert nowhere in done.err
    lost = {name: value for name, value in env.items() if "SECRET" not in name}
    done = copied.stemma("stage", "lake", env=lost)
    assert done.code != 0
    assert "needs credentials" in done.err


def test_a_lake_that_cannot_be_written(empty: Project) -> None:
    done = empty.stemma("stage", "lake", env={"STEMMA_LAKE_HOME": "/proc/stemma"})
    assert done.code == 4
    assert len(done.err.strip().splitlines()) == 1
    assert "cannot be written" in done.err


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_no_harm(copied: Project) -> None:
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    copied.lake()  # its server has no limit
    limited = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "sys.argv = ['stemma', 'stage', 'fit', 'tiny-3']\n"
        "runpy.run_module('review.cli.app', run_name='__main__')\n"
    )
    (copied.root / "limited.py").write_text(limited, encoding="utf-8")
    done = copied.command("limited")
    assert done.code == 4, done.said
    assert "Traceback" not in done.err
    assert "File too large" in done.err
    assert not receipts.path("tiny", 3, "fit").exists()
    copied.round("tiny-3")
    assert tables.rounds(copied.lake(), "main", "tiny") == [0, 1, 2, 3]


@pytest.fixture(scope="module")
def unfinished(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that lacks a receipt; what is refused changes nothing in it."""
    project = copy(published, tmp_path_factory.mktemp("unfinished") / "project")
    (project.root / receipts.path("tiny", 2, "generate")).unlink()
    yield project
    project.drop_lake()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("stage", "fit", "tiny-9"),
            2,
            "there is no round 'tiny-9' in params.yaml; did you mean 'tiny-",
        ),
        (("stage", "ingest", "tony"), 4, "there is no data set 'tony'"),
        (
            ("stage", "verify", "tiny-2"),
            4,
            "rounds/tiny/2/generate.json is missing",
        ),
        (("status", "--dataset", "tony"), 2, "there is no data set 'tony'"),
        (("diff", "main", "nowhere"), 2, "nowhere"),
        (("diff", "main", "tiny-r001", "-d", "tony"), 2, "no data set 'tony'"),
        (("round", "add", "tony"), 2, "there is no data set 'tony'"),
        (("audit", "abc"), 2, "8"),
        (("audit", "zzzzzzzzzz"), 2, "hex"),
        (("audit", "0123456789abcdef"), 4, "no sample"),
    ],
)
def test_wrong_words_are_one_sentence(
    unfinished: Project, words: tuple[str, ...], code: int, said: str
) -> None:
    done = unfinished.stemma(*words)
    assert done.code == code, done.said
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
