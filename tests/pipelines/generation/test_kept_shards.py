"""Kept shards are counted without their rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipelines.common.shards import Shard
from pipelines.generation.kept_shards import KeptShards
from pipelines.generators.making import MadeShard

OF = {"dataset": "tiny", "round": 3}
SHARD = Shard(0, 0, 2, 7)


def test_a_shard_lies_there_by_what_it_says_of_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = KeptShards(tmp_path / "key", "0" * 64, OF)
    assert not kept.lies(SHARD)
    kept.write(SHARD, MadeShard(pl.DataFrame({"row": [0, 1]}), None))
    assert kept.lies(SHARD)
    assert not kept.lies(Shard(0, 0, 2, 8))
    assert not KeptShards(tmp_path / "key", "1" * 64, OF).lies(SHARD)
    (kept.path(SHARD) / "candidates.parquet").write_bytes(b"changed")
    assert kept.lies(SHARD)  # nobody has read it; whoever does makes it again
    assert capsys.readouterr().err == ""
    assert not kept.holds(SHARD)
    assert not kept.lies(SHARD)
