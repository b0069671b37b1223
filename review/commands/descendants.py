"""`stemma descendants ID…`: what came from samples.

A direct descendant was made from a sample: it names it, or another direct descendant, as a parent.
An indirect one was made by a model that learned from the sample or from one of its descendants.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from lake.errors import NotFoundError
from lineage import family
from lineage.ancestry import walks
from lineage.ancestry.index import Ancestry
from lineage.ancestry.walks import Descendants
from lineage.errors import QueryError
from lineage.family import Numbers
from pipelines.common import console as say
from pipelines.params import load
from pipelines.rounds import ancestry_index
from pipelines.rounds.context import open_lake
from review.cli.datasets import wanted_dataset
from review.cli.output import console, plural, print_json, print_json_rows, sentence, table
from review.errors import UsageError

SHOWN: Final = 60
"""Rows that `--rows` prints; `--json` has them all."""
NAMED: Final = 20
"""Ids that are named in a sentence."""
BLOCK: Final = 65_536
"""Rows that JSON is written of at once."""
EARLIER_NAMES: Final = {"direct": "hard", "indirect": "weak"}
"""What JSON called the two kinds of descent before; programs that read these names still can."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """The samples that were asked about."""

    numbers: Numbers
    """Their occurrences, each once."""
    samples: Mapping[str, int]
    """Each id as it was given, to the number of samples that it matches."""

    @property
    def unmatched(self) -> list[str]:
        """Ids that match nothing."""
        return [each for each, count in self.samples.items() if not count]

    @property
    def ambiguous(self) -> dict[str, int]:
        """Ids that match several samples, with how many."""
        return {each: count for each, count in self.samples.items() if count > 1}


def run(
    *,
    samples: Sequence[str],
    from_file: Path | None,
    ref: str,
    dataset: str | None,
    rows: bool,
    as_json: bool,
) -> None:
    """Find what came from samples, and print how much, or all of it."""
    wanted = {**_given(samples), **_listed(from_file)}
    if not wanted:
        raise UsageError("no sample is named; give an id, or a file with --from-file")
    params = load()
    lake = open_lake(params)
    commit = lake.resolve(ref).id
    index = ancestry_index.open_at(lake, commit)
    if dataset is not None:
        wanted_dataset(params, dataset, also=ancestry_index.datasets(index))
    asked = find(index, wanted)
    found = _only(index, walks.descendants(index, asked.numbers), dataset)
    if as_json:
        _print_json(index, {"ref": ref, "commit": commit}, asked, found, rows=rows)
    elif asked.numbers.size:
        _print(index, asked, found, rows=rows)
    _complain(ref, asked)


def find(index: Ancestry, wanted: Mapping[str, str]) -> Asked:
    """Find the occurrences of samples.

    Args:
        index: the family tree.
        wanted: each id, to where it was given.

    Raises:
        QueryError: one cannot be an id; the message says where it was given.
    """
    found, counts = [np.empty(0, dtype=np.int64)], {}
    for prefix, where in wanted.items():
        try:
            numbers = index.find(prefix)
        except QueryError as error:
            raise QueryError(f"{where}{error}") from error
        counts[prefix] = index.nodes(numbers)["sample_id"].n_unique() if numbers.size else 0
        found.append(numbers)
    return Asked(np.unique(np.concatenate(found)), counts)


def _given(samples: Iterable[str]) -> dict[str, str]:
    return {each.strip().lower(): "" for each in samples}


def _listed(place: Path | None) -> dict[str, str]:
    """The ids in a file, one a line; `-` is standard input, `#` begins a comment.

    Raises:
        UsageError: it cannot be read.
    """
    if place is None:
        return {}
    try:
        text = sys.stdin.read() if str(place) == "-" else place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{place} cannot be read: {why}") from error
    lines = enumerate((line.partition("#")[0].strip().lower() for line in text.splitlines()), 1)
    return {each: f"{place}, line {number}: " for number, each in lines if each}


def _only(index: Ancestry, found: Descendants, dataset: str | None) -> Descendants:
    """Those of one data set."""
    if dataset is None:
        return found
    own = np.array([each.dataset == dataset for each in index.segments], dtype=np.bool_)
    direct, indirect = (
        own[family.segments_of(index, numbers)] for numbers in (found.direct, found.indirect)
    )
    return Descendants(found.direct[direct], found.steps[direct], found.indirect[indirect])


def _counts(index: Ancestry, found: Descendants) -> pl.DataFrame:
    """Count descendants per round: dataset, round, direct, indirect, of rounds that have any."""
    direct, indirect = (
        family.by_round(index, numbers).rename({"rows": name})
        for name, numbers in (("direct", found.direct), ("indirect", found.indirect))
    )
    both = direct.join(indirect, on=["dataset", "round"], how="full", coalesce=True)
    return both.with_columns(pl.col("direct", "indirect").fill_null(0)).sort("dataset", "round")


def _print(index: Ancestry, asked: Asked, found: Descendants, *, rows: bool) -> None:
    out = console()
    samples = sum(asked.samples.values())
    out.print(
        sentence(
            f"{samples:,} {plural('sample', samples)} "
            f"({asked.numbers.size:,} {plural('occurrence', asked.numbers.size)}): "
            f"{found.direct.size:,} direct and {found.indirect.size:,} indirect descendants"
        )
    )
    body = [
        [name, str(number), direct, indirect]
        for name, number, direct, indirect in _counts(index, found).rows()
    ]
    if body:
        out.print(table("", ["data set", "round", "direct", "indirect"], body))
    if not rows or not body:
        return
    first = next(_blocks(index, found, SHOWN)).head(SHOWN)
    listed = [
        [
            str(number),
            row["sample_id"][:12],
            row["dataset"],
            str(row["round"]),
            str(row["row"]),
            row["decision"] or "–",
            "–" if row["steps"] is None else str(row["steps"]),
            row["descent"],
        ]
        for number, row in enumerate(first.iter_rows(named=True), 1)
    ]
    columns = ["", "sample", "data set", "round", "row", "decision", "steps", ""]
    out.print(table("", columns, listed))
    more = found.direct.size + found.indirect.size - SHOWN
    if more > 0:
        out.print(sentence(f"… {more:,} more rows; --rows --json prints them all"))


def _blocks(index: Ancestry, found: Descendants, size: int = BLOCK) -> Iterator[pl.DataFrame]:
    """Give the descendants in blocks: direct ones by steps, then indirect ones.

    Each has dataset, round, row, sample_id (hex), kind, decision, steps (null for indirect ones),
    descent (direct or indirect) and relation (the same by its earlier name: hard or weak).
    """
    order = np.argsort(found.steps, kind="stable")
    for descent, numbers, steps in (
        ("direct", found.direct[order], found.steps[order]),
        ("indirect", found.indirect, None),
    ):
        for start in range(0, numbers.size, size):
            part = slice(start, start + size)
            nodes = index.nodes(numbers[part])
            away = pl.lit(None, pl.Int32) if steps is None else pl.Series(steps[part])
            yield nodes.select(
                "dataset",
                "round",
                "row",
                pl.col("sample_id").bin.encode("hex"),
                pl.col("kind").cast(pl.String),
                "decision",
                away.alias("steps"),
                pl.lit(EARLIER_NAMES[descent]).alias("relation"),
                pl.lit(descent).alias("descent"),
            )


def _print_json(
    index: Ancestry, head: Mapping[str, Any], asked: Asked, found: Descendants, *, rows: bool
) -> None:
    """Print JSON; rows are written block by block, however many there are."""
    content = {
        **head,
        "samples": asked.samples,
        "unmatched": asked.unmatched,
        "occurrences": int(asked.numbers.size),
        "hard": int(found.direct.size),
        "weak": int(found.indirect.size),
        "direct": int(found.direct.size),
        "indirect": int(found.indirect.size),
        "rounds": _counts(index, found)
        .with_columns(pl.col(name).alias(earlier) for name, earlier in EARLIER_NAMES.items())
        .to_dicts(),
    }
    if rows:
        print_json_rows(content, "rows", _blocks(index, found))
    else:
        print_json(content)


def _complain(ref: str, asked: Asked) -> None:
    """Say which ids match several samples, and which none.

    Raises:
        NotFoundError: none matches anything.
    """
    for each, count in list(asked.ambiguous.items())[:NAMED]:
        say.line(f"stemma: {each} matches {count:,} samples; all of them were followed")
    unmatched = asked.unmatched
    if not unmatched:
        return
    shown = ", ".join(unmatched[:NAMED])
    more = f" and {len(unmatched) - NAMED:,} more" if len(unmatched) > NAMED else ""
    matched = len(asked.samples) - len(unmatched)
    if not matched:
        raise NotFoundError(f"no sample at {ref} matches {shown}{more}")
    say.line(
        f"stemma: {matched:,} of {len(asked.samples):,} ids match; at {ref} nothing matches "
        f"{shown}{more}"
    )
