"""Rows that the split tells apart, and that are near-duplicates for who asks about the hold-out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lake.client import Lake
from pipelines import params
from pipelines.gate import contamination, stored_leaks
from pipelines.rounds import holdout, manifest, tables
from tests.flow.projects import tiny


def _searched(lake: Lake, held_out: Lake) -> pl.DataFrame:
    samples = tables.read_round(lake, "main", "prices", "samples", 0)
    rows = pl.concat(
        held_out.scan("main", f"prices/{split}/").collect() for split in holdout.SPLITS
    )
    settings = params.load().datasets["prices"]
    found = contamination.near_duplicates(
        samples, rows.select(samples.columns[1:]), settings.ingest.near, settings.modality
    )
    return found.select(stored_leaks.STORED)


def test_rows_that_are_near_by_the_widths_of_the_hold_out_are_leaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tiny(tmp_path / "project")
    monkeypatch.chdir(project.root)
    draw = np.random.default_rng(15)
    values = {"price": draw.standard_t(2, 120), "kind": draw.integers(0, 3, 120)}
    pl.DataFrame(values).write_csv("prices.csv")
    own = {"identity": ["price", "kind"], "ingest": {"source": "prices.csv", "modality": "table"}}
    project.edit(lambda content: content.update(datasets={"prices": own}, rounds={}))
    project.run("lake", "")
    try:
        project.run("ingest", "prices")
        lake = project.lake()
        stored = tables.read_round(lake, "main", "prices", stored_leaks.LEAKS, 0)
        expected = _searched(lake, project.lake(holdout=True))
        about = manifest.read(lake, "main", "prices", 0)["leaks"]
    finally:
        project.drop_lake()
    assert len(expected) > 0
    assert stored.equals(expected)
    assert about["rows"] == len(expected)
    assert about["split_by_groups"]["torn"] == 0
