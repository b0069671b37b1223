"""`stemma lake gc`: free what no reference in the embedded lake reaches.

A stage that moves a branch leaves the commits of the round before, and receipts in git still name
them. Those of this checkout are kept; those in other commits of git are not known here, so what a
branch leaves is kept for a while, and for good where a tag is put on it (docs/decisions/0007).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lake import garbage_collection
from pipelines.rounds import receipts
from review.cli.output import make_console, number, print_json
from review.errors import UsageError

SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGE: Final = re.compile(r"(\d{1,6})([smhd]?)")


def run(*, home: Path, keep: str, dry_run: bool, as_json: bool) -> None:
    """Collect garbage and print what was freed, or would be freed."""
    freed = garbage_collection.collect(
        home.absolute(), keep=seconds(keep), also=named(receipts.ROOT), dry_run=dry_run
    )
    if as_json:
        print_json({"dry_run": dry_run, **freed})
    else:
        make_console().print(report(freed, dry_run=dry_run), soft_wrap=True)


def report(freed: Mapping[str, int], *, dry_run: bool) -> str:
    """One or two sentences on what was freed."""
    text = (
        f"{'would free' if dry_run else 'freed'} {number(freed['objects'])} objects "
        f"({number(freed['object_bytes'])} bytes), {number(freed['commits'])} commits and "
        f"{number(freed['blocks'])} tree blocks ({number(freed['block_bytes'])} bytes)"
    )
    if not freed["spared"]:
        return text
    return f"{text}\nkept {number(freed['spared'])} commits that no branch or tag leads to any more"


def seconds(text: str) -> int:
    """Parse a length of time such as `7d`, `12h`, `30m`, `90s` or `0`, in seconds.

    Raises:
        UsageError: the text is no length of time.
    """
    match = _AGE.fullmatch(text)
    if not match:
        raise UsageError(f"--keep {text!r} is no length of time: write 7d, 12h, 30m or 0")
    return int(match[1]) * SECONDS[match[2]]


def named(root: Path) -> set[str]:
    """Commits that the receipts of this checkout name."""
    return receipts.named_commits(root)
