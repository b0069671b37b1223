"""`stemma diff LEFT RIGHT`: what a round would change, before it is merged."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lake import files
from lake.client import Lake
from lineage import schema
from pipelines.common import console as say
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli import round_refs
from review.cli.datasets import wanted_dataset
from review.cli.output import console, print_json, sentence
from review.diff import build, checks, markdown, page, sources, terminal
from review.diff.values import DataDiff
from review.errors import Findings, UsageError

SHOWN: Final = 60
"""Rows that `--rows` prints, where nothing else is asked for."""
CARDS: Final = 24
"""The same, of each change on a page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be compared, and how it is shown."""

    left: str
    right: str
    two_dot: bool
    dataset: str | None
    path: str | None
    key: tuple[str, ...]
    columns: bool

    @property
    def title(self) -> str:
        """As it is typed."""
        return f"{self.left}{'..' if self.two_dot else '...'}{self.right}"


def run(
    *,
    left: str,
    right: str | None,
    dataset: str | None,
    path: str | None,
    key: Sequence[str],
    two_dot: bool,
    rows: bool,
    limit: int | None,
    columns: bool,
    fail_on: Sequence[str],
    html: Path | None,
    as_markdown: bool,
    as_json: bool,
) -> None:
    """Compare two versions, print what differs, and fail if a check says so.

    Raises:
        Findings: a check of `fail_on` found something.
        UsageError: the arguments do not fit.
        SchemaError: a table cannot be read.
    """
    checks.named(fail_on)
    ours, theirs, dots = _sides(left, right)
    asked = Asked(ours, theirs, two_dot or dots, dataset, path, tuple(key), columns)
    with schema.readable(f"a table of {asked.title}"):
        found = _found(asked)
        if html is not None:
            files.write_text(html, page.rendered(found, asked.title, limit or CARDS))
        if as_json:
            print_json(_content(asked, found, rows=rows))
        else:
            _show(asked, found, (limit or SHOWN) if rows else 0, as_markdown=as_markdown)
    said = [each for one in found for each in checks.failed(one, fail_on)]
    if said:
        raise Findings("; ".join(said))


def _show(asked: Asked, found: Sequence[DataDiff], listed: int, *, as_markdown: bool) -> None:
    """Print what differs for a person."""
    if not as_markdown:
        _print(asked, found, listed)
        return
    lines = [line for each in found for line in markdown.rendered(each, asked.title, listed)]
    lines = lines or [markdown.escaped(f"{asked.title}: no difference")]
    sys.stdout.write("\n".join(lines) + "\n")


def _found(asked: Asked) -> list[DataDiff]:
    """What differs, by data set; a table of its own is one."""
    options: dict[str, Any] = {"columns": asked.columns}
    on_disk = [each for each in (asked.left, asked.right) if sources.is_on_disk(each)]
    if len(on_disk) == 2 and asked.path is None and asked.dataset is None:  # noqa: PLR2004  sides
        pair = Path(asked.left), Path(asked.right)
        return _differing([build.diff_files(*pair, asked.key, **options)])
    params = load()
    lake = open_lake(params)
    options["two_dot"] = asked.two_dot
    if asked.path is not None:
        where = (asked.left, asked.right, asked.path, asked.key)
        return _differing([build.diff_table(lake, *where, **options)])
    named = build.datasets(lake, asked.left, asked.right, two_dot=asked.two_dot)
    if asked.dataset is not None:
        wanted_dataset(params, asked.dataset, also=named)
    own = asked.dataset or round_refs.shared_dataset(asked.left, asked.right)
    wanted = [name for name in named if own in (None, name)]
    others = [name for name in named if name not in wanted]
    if others and asked.dataset is None:
        say.line(f"{', '.join(others)} differ too; --dataset shows one of them")
    return [_of_dataset(lake, asked, name, options) for name in wanted]


def _of_dataset(lake: Lake, asked: Asked, name: str, options: dict[str, Any]) -> DataDiff:
    return build.diff(lake, asked.left, asked.right, name, key=asked.key or None, **options)


def _differing(found: list[DataDiff]) -> list[DataDiff]:
    return [each for each in found if not each.identical]


def _sides(left: str, right: str | None) -> tuple[str, str, bool]:
    """The two sides, and whether two dots stand between them: LEFT RIGHT, L..R or L...R."""
    if right is not None:
        return left, right, False
    for dots in ("...", ".."):
        ours, found, theirs = left.partition(dots)
        if found and ours and theirs:
            return ours, theirs, dots == ".."
    raise UsageError(f"name two sides, LEFT RIGHT or LEFT...RIGHT; there is only {left!r}")


def _content(asked: Asked, found: Sequence[DataDiff], *, rows: bool) -> dict[str, Any]:
    """As JSON; what the checks would say of it too."""
    return {
        "left": asked.left,
        "right": asked.right,
        "three_dot": not asked.two_dot,
        "datasets": {each.dataset: each.to_dict(rows=rows) for each in found},
        "checks": {
            name: [said for each in found if (said := check.found(each))]
            for name, check in checks.CHECKS.items()
        },
    }


def _print(asked: Asked, found: Sequence[DataDiff], rows: int) -> None:
    out = console()
    if not found:
        out.print(sentence(f"{asked.title}: no difference"), soft_wrap=True)
    for each in found:
        for part in terminal.rendered(each, asked.title, rows):
            out.print(part)
