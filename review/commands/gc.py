"""`stemma lake gc`: free what nothing in the embedded lake leads to.

A stage that moves a branch leaves the commits of the round before, and receipts in git go on naming
them. Those of this checkout are kept; those in other commits of git are not known here, so what a
branch leaves stays for a while, and for good where a tag is put on it (docs/decisions/0007).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lake import documents, upkeep
from lake.documents import DocumentError
from pipelines.rounds import receipts
from review.cli.output import console, number, print_json
from review.errors import UsageError

SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGE: Final = re.compile(r"(\d{1,6})([smhd]?)")


def run(*, home: Path, keep: str, dry_run: bool, as_json: bool) -> None:
    """Collect garbage and say what was freed, or would be."""
    found = upkeep.collect(
        home.absolute(), keep=seconds(keep), also=named(receipts.ROOT), dry_run=dry_run
    )
    if as_json:
        print_json({"dry_run": dry_run, **found})
    else:
        console().print(told(found, dry_run=dry_run), soft_wrap=True)


def told(found: Mapping[str, int], *, dry_run: bool) -> str:
    """What was freed, in a sentence or two."""
    freed = (
        f"{'would free' if dry_run else 'freed'} {number(found['objects'])} objects "
        f"({number(found['object_bytes'])} bytes), {number(found['commits'])} commits and "
        f"{number(found['blocks'])} tree blocks ({number(found['block_bytes'])} bytes)"
    )
    if not found["spared"]:
        return freed
    return (
        f"{freed}\nkept {number(found['spared'])} commits that no branch or tag leads to any more"
    )


def seconds(text: str) -> int:
    """Read a length of time: `7d`, `12h`, `30m`, `90s`, `0`.

    Raises:
        UsageError: it is none.
    """
    found = _AGE.fullmatch(text)
    if not found:
        raise UsageError(f"--keep {text!r} is no length of time: write 7d, 12h, 30m or 0")
    return int(found[1]) * SECONDS[found[2]]


def named(root: Path) -> set[str]:
    """Commits that the receipts of this checkout name."""
    found = set()
    for place in root.glob("*/*/*.json"):
        try:
            found.add(str(documents.read_json(place)["commit"]))
        except (FileNotFoundError, KeyError, TypeError, DocumentError):
            continue  # another stage's file, or one that `dvc repro` will refuse
    return found
