"""What `stemma dataset update` writes, and that it leaves what it has nothing to say about."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
import yaml

from pipelines.project import dataset_update
from pipelines.project.dataset_update import STAGES, Update

SOURCE = "plugins/mine.py"


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """Settings of a data set whose source is a plug-in that was looked at before."""
    path = tmp_path / "params.yaml"
    own = {"ingest": {"source": SOURCE, "seen": {SOURCE: "a" * 64}}} | {name: {} for name in STAGES}
    path.write_text(yaml.safe_dump({"datasets": {"birds": own}, "rounds": {}}))
    return path


def update(rows: int, **seen: str) -> Update:
    arrivals = cast("Any", SimpleNamespace(train=pl.DataFrame({"row": range(rows)})))
    entry = {"dataset": "birds", "round": 1, "generate": {"real": {"source": SOURCE}}}
    return Update("birds", "birds-1", entry, {}, arrivals, seen, None)


def test_a_source_that_is_as_it_was_seen_changes_nothing(params: Path) -> None:
    assert dataset_update.text(update(0, **{SOURCE: "a" * 64}), params) is None
    assert dataset_update.text(update(0), params) is None
    changed = dataset_update.text(update(0, **{SOURCE: "b" * 64}), params)
    assert yaml.safe_load(changed or "")["datasets"]["birds"]["ingest"]["seen"] == {
        SOURCE: "b" * 64
    }


def test_new_rows_are_a_round_and_nothing_is_only_seen(params: Path) -> None:
    content = yaml.safe_load(dataset_update.text(update(2), params) or "")
    assert content["datasets"]["birds"]["ingest"]["seen"] == {}
    assert list(content["rounds"]) == ["birds-1"]
