"""`stemma du`: what of a project holds the disk, from the lake to answers of services."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lake import settings
from lake.settings import Embedded
from review.cli.output import make_console, number, print_json, table
from review.disk.usage import Held, measure

_REMOTE: Final = "The lake of this project is on a server, whose objects are not counted here."


def run(*, as_json: bool) -> None:
    """Print what holds the disk in the project of this directory."""
    held = list(measure(Path.cwd()))
    rest = "" if isinstance(settings.resolve(Path.cwd()), Embedded) else _REMOTE
    if as_json:
        rows = [
            {
                "part": each.part,
                "place": str(each.place),
                "files": each.files,
                "bytes": each.bytes,
                "note": each.note,
            }
            for each in held
        ]
        print_json({"parts": rows, "bytes": sum(each.bytes for each in held), "note": rest})
        return
    body = [
        (each.part, str(each.place), number(each.files), number(each.bytes), each.note)
        for each in held
    ]
    files, size = _sums(held)
    body.append(("together", "", number(files), number(size), ""))
    out = make_console()
    out.print(table("", ("part", "place", "files", "bytes", ""), body))
    if rest:
        out.print(rest, soft_wrap=True)


def _sums(held: list[Held]) -> tuple[int, int]:
    return sum(each.files for each in held), sum(each.bytes for each in held)
