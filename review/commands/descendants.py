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
from pipelines.common import console
from pipelines.params import load
from pipelines.rounds import ancestry_index
from pipelines.rounds.context import open_lake
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, plural, print_json, print_json_rows, sentence, table
from review.commands import made_by
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
class Selection:
    """The samples whose descendants are wanted."""

    numbers: Numbers
    """Index numbers of their occurrences, each once."""
    samples: Mapping[str, int]
    """Number of samples that each id matches, by the id as it was given."""

    @property
    def unmatched(self) -> list[str]:
        """Ids that match nothing."""
        return [sample_id for sample_id, count in self.samples.items() if not count]

    @property
    def ambiguous(self) -> dict[str, int]:
        """Number of samples by id, of ids that match several."""
        return {sample_id: count for sample_id, count in self.samples.items() if count > 1}


def run(
    *,
    samples: Sequence[str] | None,
    from_file: Path | None,
    ref: str,
    dataset: str | None,
    rows: bool,
    as_json: bool,
    model: str | None = None,
) -> None:
    """Find the descendants of samples, and print how many there are, or list them all."""
    origins = {**_given(samples or ()), **_listed(from_file)}
    if bool(origins) == (model is not None):
        raise UsageError("give ids, or a file with --from-file, or a model with --model")
    params = load()
    lake = open_lake(params)
    commit = lake.resolve(ref).id
    index = ancestry_index.open_at(lake, commit)
    if dataset is not None:
        wanted_dataset(params, dataset, also=ancestry_index.datasets(index))
    if model is None:
        selection = find(index, origins)
    else:
        made = made_by.rows(lake, commit, index, model)
        selection = Selection(made, {model: index.nodes(made)["sample_id"].n_unique()})
    descendants = _only(index, walks.descendants(index, selection.numbers), dataset)
    if as_json:
        _print_json(index, {"ref": ref, "commit": commit}, selection, descendants, rows=rows)
    elif selection.numbers.size:
        _print(index, selection, descendants, rows=rows)
    if model is None:
        _complain(ref, selection)


def find(index: Ancestry, origins: Mapping[str, str]) -> Selection:
    """Find the occurrences of samples.

    Args:
        index: the family tree.
        origins: by id the words for where it was given, which an error message begins with.

    Raises:
        QueryError: a text cannot be the beginning of an id.
    """
    numbers_found, counts = [np.empty(0, dtype=np.int64)], {}
    for prefix, where in origins.items():
        try:
            numbers = index.find(prefix)
        except QueryError as error:
            raise QueryError(f"{where}{error}") from error
        counts[prefix] = index.nodes(numbers)["sample_id"].n_unique() if numbers.size else 0
        numbers_found.append(numbers)
    return Selection(np.unique(np.concatenate(numbers_found)), counts)


def _given(samples: Iterable[str]) -> dict[str, str]:
    return {sample.strip().lower(): "" for sample in samples}


def _listed(path: Path | None) -> dict[str, str]:
    """The ids in a file, one per line; `-` is standard input, `#` begins a comment.

    Raises:
        UsageError: the file cannot be read.
    """
    if path is None:
        return {}
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{path} cannot be read: {why}") from error
    lines = enumerate((line.partition("#")[0].strip().lower() for line in text.splitlines()), 1)
    return {sample: f"{path}, line {number}: " for number, sample in lines if sample}


def _only(index: Ancestry, descendants: Descendants, dataset: str | None) -> Descendants:
    """The descendants that belong to one data set."""
    if dataset is None:
        return descendants
    own = np.array([segment.dataset == dataset for segment in index.segments], dtype=np.bool_)
    direct, indirect = (
        own[family.segments_of(index, numbers)]
        for numbers in (descendants.direct, descendants.indirect)
    )
    return Descendants(
        descendants.direct[direct], descendants.steps[direct], descendants.indirect[indirect]
    )


def _counts(index: Ancestry, descendants: Descendants) -> pl.DataFrame:
    """Count descendants per round: dataset, round, direct, indirect, of rounds that have any."""
    direct, indirect = (
        family.by_round(index, numbers).rename({"rows": name})
        for name, numbers in (("direct", descendants.direct), ("indirect", descendants.indirect))
    )
    both = direct.join(indirect, on=["dataset", "round"], how="full", coalesce=True)
    return both.with_columns(pl.col("direct", "indirect").fill_null(0)).sort("dataset", "round")


def _print(index: Ancestry, selection: Selection, descendants: Descendants, *, rows: bool) -> None:
    out = make_console()
    samples = sum(selection.samples.values())
    out.print(
        sentence(
            f"{samples:,} {plural('sample', samples)} "
            f"({selection.numbers.size:,} {plural('occurrence', selection.numbers.size)}): "
            f"{descendants.direct.size:,} direct and "
            f"{descendants.indirect.size:,} indirect descendants"
        )
    )
    body = [
        [name, str(number), direct, indirect]
        for name, number, direct, indirect in _counts(index, descendants).rows()
    ]
    if body:
        out.print(table("", ["data set", "round", "direct", "indirect"], body))
    if not rows or not body:
        return
    first = next(_blocks(index, descendants, SHOWN)).head(SHOWN)
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
    more = descendants.direct.size + descendants.indirect.size - SHOWN
    if more > 0:
        out.print(sentence(f"… {more:,} more rows; --rows --json prints them all"))


def _blocks(index: Ancestry, descendants: Descendants, size: int = BLOCK) -> Iterator[pl.DataFrame]:
    """Give the descendants in blocks: direct ones by steps, then indirect ones.

    Each has dataset, round, row, sample_id (hex), kind, decision, steps (null for indirect ones),
    descent (direct or indirect) and relation (the same by its earlier name: hard or weak).
    """
    order = np.argsort(descendants.steps, kind="stable")
    for descent, numbers, steps in (
        ("direct", descendants.direct[order], descendants.steps[order]),
        ("indirect", descendants.indirect, None),
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
    index: Ancestry,
    head: Mapping[str, Any],
    selection: Selection,
    descendants: Descendants,
    *,
    rows: bool,
) -> None:
    """Print JSON; rows are written block by block, however many there are."""
    content = {
        **head,
        "samples": selection.samples,
        "unmatched": selection.unmatched,
        "occurrences": int(selection.numbers.size),
        "hard": int(descendants.direct.size),
        "weak": int(descendants.indirect.size),
        "direct": int(descendants.direct.size),
        "indirect": int(descendants.indirect.size),
        "rounds": _counts(index, descendants)
        .with_columns(pl.col(name).alias(earlier) for name, earlier in EARLIER_NAMES.items())
        .to_dicts(),
    }
    if rows:
        print_json_rows(content, "rows", _blocks(index, descendants))
    else:
        print_json(content)


def _complain(ref: str, selection: Selection) -> None:
    """Report ids that match several samples, and ids that match none.

    Raises:
        NotFoundError: no id matches a sample.
    """
    for sample_id, count in list(selection.ambiguous.items())[:NAMED]:
        console.line(f"stemma: {sample_id} matches {count:,} samples; all of them were followed")
    unmatched = selection.unmatched
    if not unmatched:
        return
    shown = ", ".join(unmatched[:NAMED])
    more = f" and {len(unmatched) - NAMED:,} more" if len(unmatched) > NAMED else ""
    matched = len(selection.samples) - len(unmatched)
    if not matched:
        raise NotFoundError(f"no sample at {ref} matches {shown}{more}")
    console.line(
        f"stemma: {matched:,} of {len(selection.samples):,} ids match; at {ref} nothing matches "
        f"{shown}{more}"
    )
