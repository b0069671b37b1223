"""`stemma diff LEFT RIGHT`: what a round would change, before it is merged."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lake import files
from lake.client import Lake
from lineage import schema
from pipelines.common import console
from pipelines.common.markdown import escaped
from pipelines.gate import reviewed_head
from pipelines.params import Params, load
from pipelines.rounds.context import RoundContext, open_for_command
from review.cli import round_refs
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, print_json, sentence
from review.diff import build, checks, markdown, page, sources, terminal
from review.diff.values import DataDiff
from review.errors import Findings, UsageError

SHOWN: Final = 60
"""Rows that `--rows` prints without `--limit`."""
CARDS: Final = 24
"""Rows of each kind of change that a page shows without `--limit`."""


@dataclass(frozen=True, slots=True)
class DiffRequest:
    """What is to be compared with what, and how."""

    left: str
    right: str
    two_dot: bool
    dataset: str | None
    path: str | None
    key: tuple[str, ...]
    columns: bool

    @property
    def title(self) -> str:
        """The two sides as they are typed on the command line."""
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
        Findings: a check of `fail_on` failed.
        UsageError: the arguments do not fit what the lake holds.
        SchemaError: a table cannot be read.
    """
    checks.named(fail_on)
    ours, theirs, dots = _sides(left, right)
    request = DiffRequest(ours, theirs, two_dot or dots, dataset, path, tuple(key), columns)
    with schema.readable(f"a table of {request.title}"):
        diffs = _compare(request)
        if html is not None:
            files.write_text(html, page.rendered(diffs, request.title, limit or CARDS))
        if as_json:
            print_json(_content(request, diffs, rows=rows))
        else:
            _show(request, diffs, (limit or SHOWN) if rows else 0, as_markdown=as_markdown)
    failures = [failure for diff in diffs for failure in checks.failed(diff, fail_on)]
    if failures:
        raise Findings("; ".join(failures))


def _show(
    request: DiffRequest, diffs: Sequence[DataDiff], listed: int, *, as_markdown: bool
) -> None:
    """Print what differs for a person."""
    if not as_markdown:
        _print(request, diffs, listed)
        return
    lines = [line for diff in diffs for line in markdown.rendered(diff, request.title, listed)]
    lines = lines or [escaped(f"{request.title}: no difference")]
    sys.stdout.write("\n".join(lines) + "\n")


def _compare(request: DiffRequest) -> list[DataDiff]:
    """The differences by data set; a table outside of the lake counts as one."""
    options: dict[str, Any] = {"columns": request.columns}
    on_disk = [ref for ref in (request.left, request.right) if sources.is_on_disk(ref)]
    if len(on_disk) == 2 and request.path is None and request.dataset is None:  # noqa: PLR2004  sides
        pair = Path(request.left), Path(request.right)
        return _differing([build.diff_files(*pair, request.key, **options)])
    params = load()
    lake = open_for_command(params)
    options["two_dot"] = request.two_dot
    if request.path is not None:
        table = (request.left, request.right, request.path, request.key)
        return _differing([build.diff_table(lake, *table, **options)])
    named = build.datasets(lake, request.left, request.right, two_dot=request.two_dot)
    if request.dataset is not None:
        wanted_dataset(params, request.dataset, also=named)
    dataset = request.dataset or round_refs.shared_dataset(request.left, request.right)
    names = [name for name in named if dataset in (None, name)]
    others = [name for name in named if name not in names]
    if others and request.dataset is None:
        console.line(f"{', '.join(others)} differ too; --dataset shows one of them")
    return [_of_dataset(params, lake, request, name, options) for name in names]


def _of_dataset(
    params: Params, lake: Lake, request: DiffRequest, name: str, options: dict[str, Any]
) -> DataDiff:
    """The difference of a data set; of a round's branch, with what would be published of it."""
    sides = request.left, request.right
    diff = build.diff(lake, *sides, name, key=request.key or None, **options)
    round_ref = round_refs.of_branch(lake, request.right)
    if round_ref is None or round_ref.dataset != name:
        return diff
    ctx = RoundContext(params, round_refs.settings(params, round_ref)[0], lake)
    return replace(diff, head=reviewed_head.of_branch(ctx, round_ref.commit))


def _differing(diffs: list[DataDiff]) -> list[DataDiff]:
    return [diff for diff in diffs if not diff.identical]


def _sides(left: str, right: str | None) -> tuple[str, str, bool]:
    """Split LEFT RIGHT, L..R or L...R into two sides, and whether two dots stand between them."""
    if right is not None:
        return left, right, False
    for dots in ("...", ".."):
        ours, separator, theirs = left.partition(dots)
        if separator and ours and theirs:
            return ours, theirs, dots == ".."
    raise UsageError(f"name two sides, LEFT RIGHT or LEFT...RIGHT; there is only {left!r}")


def _content(request: DiffRequest, diffs: Sequence[DataDiff], *, rows: bool) -> dict[str, Any]:
    """The content of `--json`, with what each check finds."""
    return {
        "left": request.left,
        "right": request.right,
        "three_dot": not request.two_dot,
        "datasets": {diff.dataset: diff.to_dict(rows=rows) for diff in diffs},
        "checks": {
            name: [finding for diff in diffs if (finding := check.find(diff))]
            for name, check in checks.CHECKS.items()
        },
    }


def _print(request: DiffRequest, diffs: Sequence[DataDiff], rows: int) -> None:
    out = make_console()
    if not diffs:
        out.print(sentence(f"{request.title}: no difference"), soft_wrap=True)
    for diff in diffs:
        for part in terminal.rendered(diff, request.title, rows):
            out.print(part)
