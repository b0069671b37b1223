"""The tables of a lake as a page: read from the schemas that frames must conform to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from docs.site.markdown import table
from lineage import schema

TABLES: Final[Mapping[str, tuple[str, pl.Schema, Mapping[str, str]]]] = {
    "samples, candidates": (
        "Accepted rows, and all that were generated; the payload stands beside these columns.",
        schema.SAMPLE_KEY,
        {
            "round": "Round in which the row was made; 0 is real data.",
            "row": "Number of the row in its round.",
            "sample_id": "SHA-256 of the canonical form of its content.",
        },
    ),
    "lineage": (
        "One row for each real row and each candidate.",
        schema.LINEAGE,
        {
            "kind": "Real, synthetic, or edited from parents that are named.",
            "parents": "Rows that it was made from: data set, round, row, relation, weight.",
            "generator": "Digest of the generator's files.",
            "attribution": "Rule by which inputs are weighed.",
            "trained_on": "Commit of the training mix that the generator learned from.",
            "seed": "Seed of the shard.",
            "shard": "Number of the shard, which can be replayed alone.",
            "prompt_digest": "SHA-256 of the prompt, where a model was asked.",
            "source": "Source of a real row.",
            "licence": "Licence of a real row.",
            "real_inputs": "Share of its direct inputs that are real, by weight.",
            "real_roots": "Share of its ultimate origins that are known real rows, by weight.",
            "depth_mean": "Generations from real data, on average over lines of descent.",
            "depth_min": "Fewest generations.",
            "depth_max": "Most generations.",
        },
    ),
    "verdicts": (
        "One row for each candidate and expectation; `row` is null where a whole round is judged.",
        schema.VERDICTS,
        {
            "expectation": "Name of the expectation.",
            "severity": "`critical` rejects a row, `warning` flags it, `info` says so.",
            "verdict": "Passed, failed or unknown.",
            "observed": "The value that was judged, where it is a number.",
            "detail": "What was seen, in words.",
        },
    ),
    "decisions": (
        "What `curate` decided on each candidate.",
        schema.DECISIONS,
        {
            "decision": "Accepted, rejected, duplicate or surplus.",
            "reasons": "Expectations that failed.",
            "warnings": "Expectations that flagged it.",
            "duplicate_of": "The row that it repeats.",
            "columns_digest": "Digest of the payload's columns.",
        },
    ),
}
"""Each table: what it holds, its columns, and what those mean that no table before has."""


def page() -> str:
    """Write the page."""
    layout = (
        "A data set `NAME` lies at `NAME/TABLE/round=NNN/part-00000.parquet` on its branches and "
        "on main. Scores have the columns that the suite's scorers make; beside the tables lie "
        "`NAME/rounds/NNN.json`, the manifest of each round, models, suites and pages."
    )
    parts = ["# Tables of the lake", layout]
    known: dict[str, str] = {}
    for name, (about, columns, meanings) in TABLES.items():
        known |= meanings
        rows = [(f"`{one}`", f"`{_type(dtype)}`", known[one]) for one, dtype in columns.items()]
        parts += [f"## {name}", about, table(("Column", "Type", "What it is"), rows)]
    return "\n\n".join(parts) + "\n"


def _type(dtype: object) -> str:
    if isinstance(dtype, pl.List):
        return f"list of {_type(dtype.inner)}"
    if isinstance(dtype, pl.Struct):
        return "struct of " + ", ".join(field.name for field in dtype.fields)
    return "Enum" if isinstance(dtype, pl.Enum) else str(dtype)
