"""Decisions that differ between two sides are told in words for a person."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from review.diff import candidates, sources

KEYS = {"round": pl.Int32, "row": pl.Int64, "sample_id": pl.Binary}


def table(folder: Path, decided: list[tuple[str, list[str]]]) -> Path:
    """Write decisions on candidates, one for each row."""
    folder.mkdir()
    rows = range(len(decided))
    keys = {
        "round": [1 for _ in rows],
        "row": list(rows),
        "sample_id": [b"%d" % row for row in rows],
    }
    said = {"decision": [each for each, _ in decided], "reasons": [each for _, each in decided]}
    frame = pl.DataFrame(keys | said, KEYS | {"decision": pl.String, "reasons": pl.List(pl.String)})
    frame.write_parquet(folder / "part.parquet")
    return folder


def test_a_reason_is_what_failed_and_not_what_was_found(tmp_path: Path) -> None:
    accepted: tuple[str, list[str]] = ("accepted", [])
    before = [accepted, ("rejected", ["sharp", "bright: unknown"]), accepted, accepted]
    after = [("rejected", ["sharp"]), accepted, ("duplicate", ["duplicate"]), accepted]
    both = sources.on_disk(table(tmp_path / "old", before), table(tmp_path / "new", after))
    changed, decided = candidates.decisions(both)
    assert changed.select("row", "before", "after").rows() == [
        (0, "accepted", "failed: sharp"),
        (1, "failed: sharp; unknown: bright", "accepted"),
        (2, "accepted", "duplicate"),
    ]
    assert len(decided) == len(after)
