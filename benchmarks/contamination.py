"""Measure how contamination is found after it was rewritten: `python -m benchmarks.contamination`.

Held-out rows are planted among real ones, and rewritten again and again: English sentences by
template, digits by shifts of a pixel. Content alone (n-grams, distances of pixels) loses them;
lineage finds the leak where it enters and follows it. Every check's answer is compared with what
was planted, and the real guard judges the last generation.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.contaminated import DATASET, Corpus, Flags, Kind, Round, Sizes, grow
from benchmarks.contamination_images import Digits
from benchmarks.contamination_text import Sentences
from benchmarks.measured import machine
from lineage import contamination, guard, training_mix
from lineage.ancestry.index import Ancestry, open_index
from lineage.ancestry.source import Source
from lineage.guard import Check, Evidence
from lineage.limits import Limits
from pipelines.metrics import values

KINDS: Final[Mapping[str, type[Kind]]] = {"text": Sentences, "images": Digits}
LINEAGE: Final = "lineage"
RECALL: Final = 0.95
FALSE: Final = 0.01
QUICK: Final = Sizes(clean=400, contaminated=100, leaked=40)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of samples, with its 95 % interval (Wilson 1927)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, flags: Flags) -> Share:
        """The share of flags that are set."""
        return cls(*values.of_share(flags))

    def __str__(self) -> str:
        """In per cent."""
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"


@dataclass(frozen=True, slots=True)
class Row:
    """What a method finds among the rewritten samples of a generation."""

    kind: str
    generation: int
    method: str
    recall: Share
    """Of the samples that come from held-out rows."""
    false_positives: Share
    """Of the samples that do not."""

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.recall.value >= RECALL and self.false_positives.value <= FALSE


@dataclass(frozen=True, slots=True)
class Answer:
    """What the guard says of the last generation, with the leaks planted and without."""

    kind: str
    planted: bool
    check: Check
    right: bool
    """Whether the samples that the check names come from held-out rows."""


def main() -> None:
    """Parse the command line, measure, and print tables or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contamination", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", choices=KINDS, action="append", help="measure only this kind")
    parser.add_argument("--seed", type=int, default=0, help="of splits, plants and templates")
    asked = parser.parse_args()
    sizes = QUICK if asked.quick else Sizes()
    rows: list[Row] = []
    answers: list[Answer] = []
    for name in asked.only or KINDS:
        sys.stderr.write(f"{name}: {sizes.generations} generations\n")
        found, said = measure(KINDS[name](), sizes, asked.seed)
        rows += found
        answers += said
    if asked.json:
        content = {
            "rows": [asdict(row) for row in rows],
            "guard": [asdict(each) for each in answers],
        }
        print(json.dumps({**machine(), **content}, indent=2))
    else:
        render(rows, answers, Console(width=140))


def measure(kind: Kind, sizes: Sizes, seed: int) -> tuple[list[Row], list[Answer]]:
    """Grow generations with leaks and without, and let every method look at them."""
    corpus = kind.corpus(seed)
    rounds = grow(kind, corpus, sizes, np.random.default_rng(seed))
    tainted = trace(kind, corpus, rounds)
    rows = [row for each in rounds[1:] for row in _compare(kind, corpus, each, tainted)]
    clean = grow(
        kind, corpus, replace(sizes, contaminated=0, leaked=0), np.random.default_rng(seed)
    )
    answers = [
        _judge(kind, rounds, tainted, planted=True),
        _judge(kind, clean, trace(kind, corpus, clean), planted=False),
    ]
    return rows, answers


def trace(kind: Kind, corpus: Corpus, rounds: Sequence[Round]) -> pl.DataFrame:
    """Find leaks in the content of every generation, and what descends from them.

    Returns:
        `contamination.CONTAMINATED`.
    """
    leaks = pl.concat([_leaks(kind, corpus, each) for each in rounds])
    with tempfile.TemporaryDirectory(prefix="stemma-bench-") as scratch:
        return contamination.propagate(index(Path(scratch), rounds), leaks)


def index(directory: Path, rounds: Sequence[Round]) -> Ancestry:
    """The family tree of all generations."""
    sources = [Source(DATASET, each.number, f"{each.number}", each.lineage.lazy) for each in rounds]
    return open_index(directory, sources)


def _leaks(kind: Kind, corpus: Corpus, generation: Round) -> pl.DataFrame:
    found = kind.leaks(generation.contents, corpus.held)
    frame = generation.lineage.select(pl.lit(DATASET).alias("dataset"), "round", "row")
    return frame.with_columns(pl.Series("equal", found.equal)).filter(
        pl.Series(found.equal | found.near)
    )


def _compare(kind: Kind, corpus: Corpus, generation: Round, tainted: pl.DataFrame) -> Iterator[Row]:
    """What each method finds among the rewritten samples of a generation."""
    flagged = kind.baselines(generation.contents, corpus.held)
    ours = tainted.filter(pl.col("round") == generation.number)["row"]
    flagged[LINEAGE] = np.isin(np.arange(len(generation.contents)), ours.to_numpy())
    rewritten, bad = generation.rewritten, generation.contaminated
    for method, flags in flagged.items():
        yield Row(
            kind.name,
            generation.number,
            method,
            Share.of(flags[rewritten & bad]),
            Share.of(flags[rewritten & ~bad]),
        )


def _judge(kind: Kind, rounds: Sequence[Round], tainted: pl.DataFrame, *, planted: bool) -> Answer:
    """What the guard's check of ancestry says of the last generation."""
    last, lineage = rounds[-1], pl.concat([each.lineage for each in rounds])
    none = pl.DataFrame(schema={"row": pl.Int64, "sample_id": pl.Binary, "equal": pl.Boolean})
    about = Evidence(
        dataset=DATASET,
        round=last.number,
        lineage=last.lineage,
        mix=training_mix.build(lineage, dataset=DATASET, commit="", regime="accumulate").manifest,
        counts={},
        copies=none,
        leaks=none,
        metrics={},
        held_out_ancestors=tainted,
    )
    checks = {each.name: each for each in guard.judge(about, Limits()).checks}
    check = checks[contamination.DESCENDS]
    bad = last.lineage.filter(pl.Series(last.contaminated))["sample_id"].bin.encode("hex")
    named = check.evidence.partition(": ")[2].split(", ")
    ids = [each for each in named if each and not each.startswith("and ")]
    return Answer(kind.name, planted, check, all(bad.str.starts_with(each).any() for each in ids))


def render(rows: Sequence[Row], answers: Sequence[Answer], console: Console) -> None:
    """Print what was found as tables."""
    table = Table(title=", ".join(f"{name} {value}" for name, value in machine().items()))
    for head in (
        "content",
        "generation",
        "method",
        "recall (95 %)",
        "false positives (95 %)",
        "goal",
    ):
        table.add_column(head)
    for row in rows:
        word = ("met" if row.met else "missed") if row.method == LINEAGE else ""
        table.add_row(
            row.kind,
            f"{row.generation}",
            row.method,
            f"{row.recall}",
            f"{row.false_positives}",
            word,
        )
    console.print(table)
    for each in answers:
        what = "leaks planted" if each.planted else "no leaks"
        console.print(f"guard, {each.kind}, {what}: {each.check.verdict}; {each.check.evidence}")


if __name__ == "__main__":
    main()
