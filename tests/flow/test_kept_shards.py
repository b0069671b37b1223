"""Shards that are kept: a killed stage goes on, lost ones are counted, shares are put together."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from lake.polling import until
from pipelines.common.shards import Shard
from pipelines.generation import round_making
from pipelines.generation.kept_shards import KeptShards
from pipelines.generators.making import MadeShard
from pipelines.generators.protocol import GenerateResult
from pipelines.rounds import manifest, parts, receipts, tables
from tests.flow.executed import KEY, digest, fitted, made_by, opened, shard_folders
from tests.flow.projects import Project

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

SHARDS = 5


def marked(project: Project) -> GenerateResult:
    """A round of five shards, fitted and made once, of which nothing is kept."""
    fitted(project, "./marked.py", candidates=9, shard_rows=2)
    made = made_by("local", project)
    Path("made").unlink()
    return made


def times_made() -> Counter[int]:
    """How often each shard was made."""
    return Counter(map(int, Path("made").read_text(encoding="utf-8").split()))


def committed(project: Project, expected: GenerateResult) -> None:
    """The round is in the lake as it was made before, and nothing else is kept of it."""
    commit = receipts.read("tiny", 3, "generate").commit
    stored = tables.read_round(project.lake(), commit, "tiny", "candidates", 3)
    known = expected.candidates.select("row", "image", "label", "sample_id")
    assert stored.select(known.columns).equals(known)
    lineage = tables.read_round(project.lake(), commit, "tiny", "lineage", 3)
    assert lineage["seed"].equals(expected.candidates["seed"])
    assert expected.parents is not None
    found = lineage["parents"].list.first().struct.field("row")
    assert found.to_list() == expected.parents["parent_row"].to_list()
    assert shard_folders() == []


def kill_at_shard(number: int) -> None:
    """Run the stage as a program, and kill it when it has come to a shard."""
    Path(f"wait-{number}").touch()
    command = [sys.executable, "-m", "review.cli.app", "stage", "generate", KEY]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        assert until(lambda: len(shard_folders()) == number, interval=0.02, timeout=200)
        running.send_signal(signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL
    Path(f"wait-{number}").unlink()


def test_a_killed_stage_goes_on_with_its_shards(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = marked(copied)
    kill_at_shard(3)
    assert not receipts.path("tiny", 3, "generate").is_file()
    damaged = next(Path(".stemma/shards").glob("*/000001/candidates.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-9] + b"unreadable")
    capsys.readouterr()
    copied.run("generate", KEY)
    told = capsys.readouterr().err
    assert "000001 was changed, or is of another generator, and is made again" in told
    assert "generate: 2 of 5 shards are kept from an earlier run" in told
    assert times_made() == {0: 1, 1: 2, 2: 1, 3: 1, 4: 1}
    committed(copied, expected)


def test_shards_of_another_generator_are_not_taken(copied: Project) -> None:
    expected = marked(copied)
    ctx, key = opened()
    own = KeptShards.of(ctx.round, key)
    other = KeptShards(own.folder, "0" * 64, own.round)
    copied.edit(lambda content: content.update(executor={"kind": "local", "retries": 0}))
    Path("fail-4").touch()
    with pytest.raises(RuntimeError, match="no luck"):
        copied.run("generate", KEY)
    for shard in ctx.round.generate_request(Path()).shards()[:4]:
        made = own.read(shard)
        assert made is not None
        own.path(shard).rename(own.folder / "moved")
        other.write(shard, made)
        (own.folder / "moved").rename(own.folder / f"moved-{shard.index}")
    Path("fail-4").unlink()
    copied.run("generate", KEY)
    assert times_made() == {0: 2, 1: 2, 2: 2, 3: 2, 4: 1}
    committed(copied, expected)


def test_a_shard_that_cannot_be_read_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = KeptShards(tmp_path / "key", "0" * 64, {"dataset": "tiny", "round": 3})
    shard = Shard(0, 0, 2, 7)
    kept.write(shard, MadeShard(pl.DataFrame({"row": [0, 1]}), None))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            kept.holds(shard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert kept.holds(shard)
    assert capsys.readouterr().err == ""


def test_what_lies_in_the_place_of_a_kept_shard_is_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = KeptShards(tmp_path / "key", "0" * 64, {"dataset": "tiny", "round": 3})
    shard, elsewhere = Shard(0, 0, 2, 7), tmp_path / "about"
    kept.write(shard, MadeShard(pl.DataFrame({"row": [0, 1]}), None))
    (kept.path(shard) / "shard.json").rename(elsewhere)
    (kept.path(shard) / "shard.json").symlink_to(elsewhere)
    assert not kept.holds(shard)
    assert "was changed" in capsys.readouterr().err
    assert elsewhere.is_file()
    nowhere = KeptShards(elsewhere / "key", "0" * 64, {"dataset": "tiny", "round": 3})
    assert not nowhere.holds(shard)
    assert capsys.readouterr().err == ""


def test_shares_are_made_in_any_order_and_put_together(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = marked(copied)
    for number in (3, 1, 4):
        copied.run("generate", KEY, share=f"{number}/4")
    told = capsys.readouterr().err
    assert "share 4 of 4: shards made 1, kept 4 of 5; when the other runs of 4 have ended" in told
    done = copied.stemma("stage", "generate", KEY, "--shard", "2/4", "--json")
    assert json.loads(done.out)["shards"] == {"made": 1, "kept": 5, "of": 5}
    assert f"kept 5 of 5; `stemma stage generate {KEY}` puts them together" in done.err
    again = copied.stemma("stage", "generate", KEY, "--shard", "2/4", "--json")
    assert json.loads(again.out)["shards"] == {"made": 0, "kept": 5, "of": 5}
    assert not receipts.path("tiny", 3, "generate").is_file()
    copied.run("generate", KEY)
    assert times_made() == dict.fromkeys(range(SHARDS), 1)
    committed(copied, expected)
    late = copied.stemma("stage", "generate", KEY, "--shard", "1/4")
    assert "the lake holds tiny-3 already; no shard was made" in late.err


@pytest.mark.slow
def test_shares_are_made_at_once(copied: Project) -> None:
    expected = marked(copied)
    command = [sys.executable, "-m", "review.cli.app", "stage", "generate", KEY, "--shard"]
    running = [subprocess.Popen([*command, f"{number}/4"]) for number in (4, 2, 1, 3)]
    assert [each.wait() for each in running] == [0, 0, 0, 0]
    assert len(shard_folders()) == SHARDS
    copied.run("generate", KEY)
    assert times_made() == dict.fromkeys(range(SHARDS), 1)
    committed(copied, expected)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("generate", KEY, "--shard", "5/4"), "--shard 5/4 is no share: write i/n with i from 1"),
        (("generate", KEY, "--shard", "half"), "--shard half is no share"),
        (("verify", "tiny-2", "--shard", "1/2"), "the stage verify is not made in shares"),
    ],
)
def test_what_is_no_share_is_said(unchanged: Project, words: tuple[str, ...], said: str) -> None:
    told = unchanged.stemma("stage", *words)
    assert told.code == 2
    assert said in told.err


def test_a_round_that_is_judged_as_it_is_made_has_no_shares(copied: Project) -> None:
    fitted(copied, "./marked.py", candidates=9, shard_rows=2, accepted=3)
    told = copied.stemma("stage", "generate", KEY, "--shard", "1/2")
    assert told.code == 2
    assert "tiny-3 has no shares: generate.accepted judges each shard before the next" in told.err
    assert "run it without --shard" in told.err


def test_lost_shards_are_counted(copied: Project, capsys: pytest.CaptureFixture[str]) -> None:
    expected = marked(copied)
    Path("fail-1").touch()
    bounds = {"kind": "local", "retries": 1, "lost": 0.2}
    copied.edit(lambda content: content.update(executor=bounds))
    copied.run("generate", KEY)
    told = capsys.readouterr().err
    assert "shard 1 of 5 (rows 2 to 3) is lost after 2 tries: RuntimeError: no luck" in told
    assert "1 of 5 shards with 2 rows are lost (executor.lost)" in told
    receipt = receipts.read("tiny", 3, "generate")
    assert receipt.rows == {"candidates": 7, "lost_shards": 1}
    about = manifest.read(copied.lake(), receipt.commit, "tiny", 3)
    assert about["generation"]["lost_shards"] == {"shards": [1], "rows": 2}
    assert about["slots"] == {"planned": 9, "lost": 2, "never_asked": 0, "failed": []}
    stored = tables.read_round(copied.lake(), receipt.commit, "tiny", "candidates", 3)
    assert stored["row"].to_list() == list(range(7))
    known = expected.candidates.filter(~pl.col("row").is_in([2, 3]))
    assert stored["sample_id"].equals(known["sample_id"])
    status = json.loads(copied.stemma("status", "--json").out)
    (round_,) = status["datasets"]["tiny"]["open"]
    assert round_["lost_shards"] == {"shards": [1], "rows": 2}


def test_without_a_bound_a_lost_shard_ends_the_stage(copied: Project) -> None:
    marked(copied)
    Path("fail-1").touch()
    with pytest.raises(RuntimeError, match="no luck"):
        copied.run("generate", KEY)
    assert shard_folders() == ["000000"]


def test_a_round_is_written_block_by_block_and_in_parts(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = marked(copied)
    monkeypatch.setattr(parts, "BLOCK_ROWS", 3)
    monkeypatch.setattr(parts, "PART_ROWS", 4)
    ctx, key = opened()
    made = round_making.make(ctx, key)
    assert "image" not in made.result.candidates.columns
    assert [len(block) for block in made.payload()] == [2, 2, 2, 3]
    assert pl.concat(made.payload())["row"].to_list() == list(range(9))
    copied.run("generate", KEY)
    commit = receipts.read("tiny", 3, "generate").commit
    paths = [item.path for item in copied.lake().objects(commit, "tiny/candidates/round=003/")]
    assert [path[-13:] for path in paths] == ["00000.parquet", "00001.parquet", "00002.parquet"]
    committed(copied, expected)


def test_rows_that_could_not_be_made_leave_no_gap(copied: Project) -> None:
    whole = marked(copied).candidates
    Path("gaps").touch()
    made = made_by("local", copied).candidates
    assert made["row"].to_list() == list(range(len(made)))
    assert made["sample_id"].equals(whole.filter(pl.col("row") % 4 != 0)["sample_id"])


def test_judged_rounds_keep_their_shards_too(copied: Project) -> None:
    fitted(copied, "./marked.py", candidates=9, shard_rows=2, accepted=8)
    expected = digest(made_by("local", copied))
    Path("made").unlink()
    copied.edit(lambda content: content.update(executor={"kind": "local", "retries": 0}))
    Path("fail-2").touch()
    with pytest.raises(RuntimeError, match="no luck"):
        copied.run("generate", KEY)
    assert shard_folders() == ["000000", "000001"]
    Path("fail-2").unlink()
    assert digest(made_by("local", copied)) == expected
    assert set(times_made().values()) == {1}
