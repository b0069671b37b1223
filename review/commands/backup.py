"""`stemma lake backup` and `stemma lake restore`: a whole lake, copied and put back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from lake.home import LakeHome
from lake.server.maintenance import backup
from lake.server.maintenance.backup import Copied
from review.cli.byte_bar import byte_bar
from review.cli.output import make_console, number, print_json


def run(*, target: Path, home: Path, as_json: bool) -> None:
    """Make or renew a backup, and print what it holds."""
    with byte_bar("copying") as tell:
        copied = backup.take(LakeHome(home.absolute()), target, tell)
    _print(copied, f"the backup in {target} holds", as_json=as_json)


def put_back(*, source: Path, home: Path, as_json: bool) -> None:
    """Put a backup back, and print what the lake holds."""
    with byte_bar("copying") as tell:
        copied = backup.restore(source, LakeHome(home.absolute()), tell)
    _print(copied, f"the lake in {home} holds", as_json=as_json)


def sentence(copied: Copied, subject: str) -> str:
    """What there is now, and what was copied for it."""
    gone = f", and {number(copied.removed)} objects removed" if copied.removed else ""
    return (
        f"{subject} {number(copied.commits)} commits, {number(copied.refs)} branches and tags, and "
        f"{number(copied.objects)} objects ({number(copied.object_bytes)} bytes): "
        f"{number(copied.copied)} ({number(copied.copied_bytes)} bytes) were copied{gone}"
    )


def _print(copied: Copied, subject: str, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(copied))
    else:
        make_console().print(sentence(copied, subject), soft_wrap=True)
