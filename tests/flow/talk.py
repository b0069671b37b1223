"""A project whose data set is of texts, with the real local model as its generator."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines.sources import dialogue
from tests.flow.projects import HERE, NO_LIMITS, STAGES, Project, checkout

TOPICS = ("emotion", "trivia")
ROWS = 60
"""Real pairs of each topic."""
CANDIDATES = 6


def talk(target: Path, *, labelled: bool = True) -> Project:
    """A project whose only data set is `talk`, from a JSONL file."""
    project = checkout(target)
    shutil.copy2(HERE / "talk_suite.json", target / "expectations" / "suites" / "talk.json")
    rows = dialogue.load()
    chosen = [rows.filter(rows["label"] == topic).head(ROWS) for topic in TOPICS]
    frame = pl.concat(chosen)
    (frame if labelled else frame.drop("label")).write_ndjson(target / "talk.jsonl")
    content = yaml.safe_dump(talk_params(), sort_keys=False)
    (target / "params.yaml").write_text(content, encoding="utf-8")
    return project


def talk_params() -> dict[str, Any]:
    """Two rounds of few short answers, and a guard without limits."""
    text = {"service": {"max_tokens": 40, "concurrency": 2}, "shots": 2, "max_chars": 12}
    return {
        "line": "main",
        "seed": 1,
        "datasets": {
            "talk": {
                "identity": ["prompt", "completion"],
                "ingest": {"source": "talk.jsonl", "modality": "text"},
                "fit": {},
                "generate": {"candidates": CANDIDATES, "shard_rows": 4, "text": text},
                "verify": {"scorers": {"text_duplicates": {}, "text_overlap": {"ngram": 5}}},
                "curate": {},
                "evaluate": {"null_draws": 2, "bootstrap": 20},
                "publish": {"guard": NO_LIMITS},
            }
        },
        "rounds": {
            f"talk-{number}": {
                "dataset": "talk",
                "round": number,
                "previous": number - 1,
                "generator": "text",
                **{name: {} for name in STAGES},
            }
            for number in (1, 2)
        },
    }
