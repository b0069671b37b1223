"""`stemma init`: make a project of a folder."""

from __future__ import annotations

from pathlib import Path

from pipelines.project import scaffold
from review.cli.output import make_console, print_json, sentence


def run(*, directory: Path, as_json: bool) -> None:
    """Make the project, and say what was made and what comes first."""
    made = scaffold.create(directory)
    if as_json:
        print_json(
            {
                "project": str(made.root),
                "made": list(made.made),
                "extended": list(made.extended),
                "kept": list(made.kept),
                "key": made.key,
            }
        )
        return
    lines = [f"made {', '.join(made.made)} in {made.root.resolve()}"]
    if made.extended:
        lines.append(f"added what was missing to {', '.join(made.extended)}")
    if made.kept:
        lines.append(f"kept as they were: {', '.join(made.kept)}")
    here = made.root.resolve() == Path.cwd()
    lines.append(
        f"next: {'' if here else f'`cd {made.root}`, then '}`stemma dataset add NAME SOURCE`, "
        "where SOURCE is a file or folder of your data"
    )
    out = make_console()
    for line in lines:
        out.print(sentence(line), soft_wrap=True)
