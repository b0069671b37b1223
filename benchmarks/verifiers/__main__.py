"""How good is each verifier? φ and ψ of every scorer and expectation on planted data.

φ is the share of right rows that a rule keeps, ψ that of the planted rows; a good rule has φ near 1
and ψ near 0. Real scorers and suites judge digits, sentences, talk, programs, answers and documents
with planted errors; expectations of a whole round judge right and planted batches.

    python -m benchmarks.verifiers
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measured import machine
from benchmarks.verifiers import measure
from benchmarks.verifiers.measure import Kept, Passed


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifiers")
    parser.add_argument("--rows", type=int, default=200, help="right rows of each data set")
    parser.add_argument("--batch", type=int, default=300, help="rows of a batch")
    parser.add_argument("--batches", type=int, default=20, help="right and planted ones of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows, left_out = measure.rows(measure.CASES, asked.rows, asked.seed)
    seeds = range(asked.seed, asked.seed + asked.batches)
    tables = measure.tables(measure.TABLE_CASES, asked.batch, seeds)
    if asked.json:
        found = {
            "rows": [each.record() for each in rows],
            "batches": [each.record() for each in tables],
            "left_out": left_out,
            "machine": machine(),
        }
        print(json.dumps(found, indent=2))
    else:
        print(table(rows, tables, left_out))


def table(rows: Sequence[Kept], tables: Sequence[Passed], left_out: Sequence[str]) -> str:
    """All as Markdown; of the rows, what each rule is meant to refuse, and what it cannot see."""
    parts = [
        _rows("rule, scorer", [each for each in rows if each.meant == "refuses"]),
        _rows("rule, scorer, blind to", [each for each in rows if each.meant == "misses"]),
        _batches(tables),
        *(f"Not judged: {each}" for each in left_out),
    ]
    return "\n\n".join(parts)


def _rows(head: str, rows: Sequence[Kept]) -> str:
    lines = [
        f"| data | {head} | planted | right rows | φ | planted rows | ψ |",
        "|---|---|---|---:|---|---:|---|",
    ]
    for each in rows:
        found = each.record()
        rule = f"{each.rule}, {each.scorer}" if each.scorer else f"`{each.type}`"
        lines.append(
            f"| {each.data} | {rule} | {each.kind} | {each.right} | {_interval(found['phi'])} "
            f"| {each.planted} | {_interval(found['psi'])} |"
        )
    return "\n".join(lines)


def _batches(tables: Sequence[Passed]) -> str:
    lines = [
        "| expectation of a batch | planted | right passed | planted passed |",
        "|---|---|---|---|",
    ]
    for each in tables:
        planted = f"{each.kind} (blind to)" if each.blind else each.kind
        lines.append(
            f"| `{each.type}` | {planted} | {each.right_passed} of {each.batches} "
            f"| {each.planted_passed} of {each.batches} |"
        )
    return "\n".join(lines)


def _interval(found: Mapping[str, Any]) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f}–{found['high']:.3f})"


if __name__ == "__main__":
    main()
