"""The evidence about a crafted round on disk, so that the guard judges it anew by limits of now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake import files
from lineage import training_mix
from lineage.evidence import Evidence

FRAMES: Final = ("lineage", "copies", "leaks", "warned", "held_out_ancestors")
PLAIN: Final = ("dataset", "round", "counts", "metrics")


def write(folder: Path, evidence: Evidence) -> None:
    """Write the evidence into a folder of its own; what nobody looked for is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = {name: getattr(evidence, name) for name in FRAMES}
    for name, frame in frames.items():
        if frame is not None:
            frame.write_parquet(folder / f"{name}.parquet")
    content = {name: getattr(evidence, name) for name in PLAIN}
    mix = evidence.mix.model_dump(mode="json")
    files.write_json(folder / "evidence.json", {**content, "mix": mix})


def read(folder: Path) -> Evidence:
    """Read the evidence back."""
    content: Mapping[str, Any] = json.loads((folder / "evidence.json").read_text(encoding="utf-8"))
    places = {name: folder / f"{name}.parquet" for name in FRAMES}
    frames = {name: pl.read_parquet(place) for name, place in places.items() if place.exists()}
    return Evidence(
        dataset=content["dataset"],
        round=content["round"],
        lineage=frames["lineage"],
        mix=training_mix.read(content["mix"]),
        counts=content["counts"],
        copies=frames["copies"],
        leaks=frames["leaks"],
        metrics=content["metrics"],
        earlier_leaks=(0, 0),
        warned=frames.get("warned"),
        held_out_ancestors=frames.get("held_out_ancestors"),
    )
