"""A project for one measurement: real rows as a Parquet file, one round, a suite of its kind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.scale.rows import KINDS, SIDE
from lineage.limits import Limits
from pipelines.modalities.registry import MODALITIES
from pipelines.project import suited_scorers

DATASET: Final = "scale"
ROUND: Final = f"{DATASET}-1"
STAGES: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")
"""Stages of the round, in order; `lake` and `ingest` come before."""
SHARD_ROWS: Final = 10_000
NO_LIMITS: Final = {
    name: None for name, field in Limits.model_fields.items() if field.default is not None
} | {"unknown": "warn", "real_share_shallow": 0.0, "calibration_missing": "pass", "style": "warn"}
"""A guard that measures everything and stops nothing."""
ROOT: Final = Path(__file__).resolve().parents[2]
ASKED: Final = "asked"
"""Texts of a service that answers at once, beside the real rows of `texts`."""
DIGITS: Final = "digits"
"""The shipped digits and their diffusion model, as many real rows as there are."""
FILED: Final = "filed"
"""Texts from a file, filtered as a peer filters them, beside the real rows of `texts`."""
ROWS_OF: Final = {**{kind: kind for kind in KINDS}, ASKED: "texts", FILED: "texts"}
"""Kind of the real rows of each kind of project that has rows of the benchmark's own."""
ALL: Final = (*KINDS, ASKED, DIGITS)
CANDIDATES: Final = "candidates.parquet"
AT_ONCE: Final = 16
"""Requests that the service is sent at once."""
IDENTITY: Final = {"texts": "text", "images": "image"}
SCORERS: Final = ("text_agreement", "text_duplicates", "text_overlap", "text_shape", "language")
"""What scores texts: the scorers that a data set of them is given."""
HELD_OUT: Final = 0.1
"""Share of the real rows in either split of the hold-out."""
FILTERS: Final = ("text_duplicates", "text_overlap", "text_shape")
"""The scorers of what a text pipeline filters by: length, near-duplicates, held-out rows."""
PRESENT: Final = "expect_column_values_to_not_be_null"
BETWEEN: Final = "expect_column_values_to_be_between"


def write(
    folder: Path, kind: str, real: int, candidates: int, executor: Mapping[str, Any] | None = None
) -> None:
    """Write a project whose round has this many candidates.

    Args:
        folder: that is empty.
        kind: of `ALL`.
        real: rows of the source, of which a fifth is held out; the shipped digits are as many as
            there are.
        candidates: of the round.
        executor: settings of where shards are made; None: the stage's own process.
    """
    suites = folder / "expectations" / "suites"
    suites.mkdir(parents=True)
    if kind == DIGITS:
        shutil.copy2(ROOT / "expectations" / "suites" / "digits.json", suites / f"{DATASET}.json")
        params = _shipped_digits(candidates)
    else:
        rows = ROWS_OF[kind]
        KINDS[rows](range(real)).write_parquet(folder / "real.parquet")
        shutil.copy2(Path(__file__).with_name("plain.py"), folder / "plain.py")
        suite = {"name": DATASET, "expectations": _expectations(kind)}
        (suites / f"{DATASET}.json").write_text(json.dumps(suite), encoding="utf-8")
        params = _params(kind, real, candidates)
    params["executor"] = dict(executor or {"kind": "local"})
    content = yaml.safe_dump(params, sort_keys=False)
    (folder / "params.yaml").write_text(content, encoding="utf-8")


def _shipped_digits(candidates: int) -> dict[str, Any]:
    """Take the first round of the shipped digits, with as many candidates."""
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    dataset = shipped["datasets"]["digits"]
    dataset["generate"]["candidates"] = candidates
    dataset["publish"] = {"guard": NO_LIMITS}
    return _with_round(dataset, shipped["rounds"]["digits-1"]["generator"])


def _params(kind: str, real: int, candidates: int) -> dict[str, Any]:
    rows = ROWS_OF[kind]
    held_out = {"validation": HELD_OUT, "test": HELD_OUT}
    ingest: dict[str, Any] = {"source": "real.parquet", **held_out}
    if rows == "texts":
        ingest["modality"] = "text"
    made: dict[str, Any] = {"candidates": candidates, "shard_rows": SHARD_ROWS}
    if kind == ASKED:
        service = {"model": "fake-1", "max_tokens": 256, "concurrency": AT_ONCE}
        made["text"] = {"service": service, "shots": 2, "max_chars": 300}
    elif kind == FILED:
        made["file"] = {"path": CANDIDATES}
    else:
        made["settings"] = {"rows": rows, "first": real}
    scorers, evaluate = _suited(kind, real, candidates)
    dataset = {
        "identity": [IDENTITY[rows]],
        "ingest": ingest,
        "fit": {},
        "generate": made,
        "verify": {"scorers": scorers},
        "curate": {},
        "evaluate": evaluate,
        "publish": {"guard": NO_LIMITS},
    }
    return _with_round(dataset, {ASKED: "text", FILED: "file"}.get(kind, "plain.py"))


def _with_round(dataset: dict[str, Any], generator: str) -> dict[str, Any]:
    entry = {"dataset": DATASET, "round": 1, "previous": 0, "generator": generator}
    return {
        "line": "main",
        "seed": 1,
        "datasets": {DATASET: dataset},
        "rounds": {ROUND: {**entry, **{name: {} for name in STAGES}}},
    }


def _suited(
    kind: str, real: int, candidates: int
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Choose scorers, those of images as `stemma dataset add` does, and settings of `evaluate`."""
    rows = ROWS_OF[kind]
    few = min(round(real * (1 - 2 * HELD_OUT)), 2 * suited_scorers.MANY_IMAGES)
    train = KINDS[rows](range(few)).with_row_index("row")
    modality = MODALITIES.load(IDENTITY[rows], (IDENTITY[rows],))
    evaluate = suited_scorers.suited_evaluation(modality, train, candidates)
    if rows == "texts":
        return {name: {} for name in (FILTERS if kind == FILED else SCORERS)}, evaluate
    return suited_scorers.suited(modality, train)[0], evaluate


def _expectations(kind: str) -> list[dict[str, Any]]:
    """Write ten expectations about rows, and two about the round."""
    if ROWS_OF[kind] == "texts":
        topics = _bounded("topic_confidence", "warning", min_value=0.35)
        rules = [
            *_bounded("text_chars", "critical", min_value=6, max_value=600),
            *_bounded("text_real_similarity", "critical", max_value=0.8),
            *_bounded("text_candidate_similarity", "critical", max_value=0.8),
            *_bounded("text_held_out_overlap", "critical", max_value=0.8),
            *([] if kind == FILED else topics),
        ]
        compared = "text_chars"
    else:
        size = {"mode": "L", "width": SIDE, "height": SIDE}
        rules = [
            _rule(PRESENT, "image_bytes", "critical"),
            _rule("expect_column_values_to_be_decodable_images", "image_bytes", "critical", **size),
            *_bounded("confidence", "warning", min_value=0.5),
            *_bounded("real_distance", "critical", min_value=0.01),
            *_bounded("real_ratio", "warning", min_value=0.45),
            *_bounded("candidate_distance", "warning", min_value=0.01),
        ]
        compared = "confidence"
    mean = "expect_column_mean_to_be_between"
    return [
        *rules,
        _rule(mean, compared, "warning", min_value=0, max_value=1e6),
        {
            "type": "expect_table_row_count_to_be_between",
            "kwargs": {"min_value": 1},
            "severity": "critical",
            "meta": {"name": "enough_candidates"},
        },
    ]


def _bounded(column: str, severity: str, **limits: float) -> list[dict[str, Any]]:
    """Ask for the values of a column, and that they are within limits."""
    return [_rule(PRESENT, column, severity), _rule(BETWEEN, column, severity, **limits)]


def _rule(expectation: str, column: str, severity: str, **limits: object) -> dict[str, Any]:
    name = f"{column}_{expectation.removeprefix('expect_column_')}"
    kwargs = {"column": column, **limits}
    return {
        "type": expectation,
        "kwargs": kwargs,
        "severity": severity,
        "meta": {"name": name},
    }
