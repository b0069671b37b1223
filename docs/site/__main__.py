"""Assemble the pages of the site: those that people wrote, and those that are read from the code.

    python -m docs.site FOLDER

writes them into a folder, from which Zensical builds the site (`make docs`). Links that leave
`docs/` lead to a copy of the page, or become plain words where there is none.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from docs.site import commands, environment, exit_codes, settings, tables

ROOT: Final = Path(__file__).resolve().parents[2]
GENERATED: Final = {
    "reference/commands.md": commands.page,
    "reference/exit-codes.md": exit_codes.page,
    "reference/settings.md": settings.page,
    "reference/environment.md": environment.page,
    "reference/tables.md": tables.page,
}
BESIDE: Final = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Pages that stand elsewhere in the repository, and what they are called on the site."""
LINK: Final = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)([^()\s]+)\)")


def assemble(target: Path) -> None:
    """Write all pages into a folder; pages that were assembled there before are removed.

    It ends the program with a sentence where the folder holds anything else.
    """
    if target.exists() and not (target / next(iter(GENERATED))).is_file():
        sys.exit(f"{target} holds no assembled pages, and would be removed; name another folder")
    shutil.rmtree(target, ignore_errors=True)
    docs = ROOT / "docs"
    skipped = shutil.ignore_patterns("site", "__pycache__", "*.py")
    shutil.copytree(docs, target, ignore=skipped)
    for page in target.rglob("*.md"):
        where = page.relative_to(target)
        page.write_text(_linked(page.read_text("utf-8"), Path("docs") / where, where), "utf-8")
    for source, name in BESIDE.items():
        text = (ROOT / source).read_text("utf-8")
        (target / name).write_text(_linked(text, Path(source), Path(name)), "utf-8")
    for name, make in GENERATED.items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(make(), "utf-8")


def _linked(text: str, source: Path, place: Path) -> str:
    """Turn the links of a page of the repository into links of the site.

    Args:
        text: the page.
        source: its path in the repository.
        place: its path on the site.
    """

    def turned(found: re.Match[str]) -> str:
        mark, words, link = found.groups()
        path, _, anchor = link.partition("#")
        aim = _normal(source.parent / path) if path else source
        where = _on_site(aim)
        if where is None:
            return words if not mark else ""
        up = "../" * (len(place.parts) - 1)
        return f"{mark}[{words}]({up}{where.as_posix()}{'#' + anchor if anchor else ''})"

    return LINK.sub(turned, text)


def _on_site(path: Path) -> Path | None:
    """The place of a file of the repository on the site; None if it is not there."""
    if path.as_posix() in BESIDE:
        return Path(BESIDE[path.as_posix()])
    inside = path.parts[:1] == ("docs",) and (ROOT / path).is_file()
    return path.relative_to("docs") if inside else None


def _normal(path: Path) -> Path:
    """A path without `..`, which may not leave the repository."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    return Path(*parts)


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program's name and one argument
        sys.exit("name one folder: python -m docs.site FOLDER")
    assemble(Path(sys.argv[1]))
