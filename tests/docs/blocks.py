"""The blocks of README and docs that say what a program does: which are run, and which are not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
)
BLOCK: Final = re.compile(r"^( *)```(console|python|pycon)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
FOLLOWED: Final = ("docs/lineage.md", "docs/plugins.md")
"""Pages beside the tutorials of which every block is run, by a test of their own."""
OWN_DATA: Final = ("stemma init", "stemma dataset add penguins penguins.csv", "stemma run penguins")
"""Commands of docs/own-data.md that are run; later ones are of data that has grown."""
ON_TINY: Final = {
    "docs/attestations.md": (
        "stemma attest tiny-v2 --output copy",
        "stemma attest verify tiny-v2               # in the lake",
    ),
    "docs/exports.md": (
        "stemma export tiny-v2 --format hf --output tiny-hf",
        "stemma report eu-summary tiny-v2 -o summary.md",
        "stemma export tiny-v2 --format spdx -o spdx.json",
    ),
}
"""Blocks, by their first command, that are run on a project with two published rounds of `tiny`."""
SHIPPED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "digits": {
        "docs/diff.md": ("stemma diff digits-v1...digits-v2",),
        "docs/foresight.md": (
            "stemma forecast digits --rounds 3",
            "stemma test digits-v3",
            "stemma advise digits",
        ),
        "docs/sql.md": ('stemma sql "SELECT label, verdict, count(*) AS rows',),
        "docs/team.md": ("stemma audit --history main",),
        "docs/tour.md": (
            "stemma diff digits-v2 digits-v3 --rows --limit 6",
            "stemma audit 6d9fb93cd4",
            "stemma audit 6d9fb93cd4 --replay",
            "stemma descendants bfb76984ee",
            "stemma lineage stats main --dataset digits",
            "stemma lineage export digits-v3 --format prov -o digits.prov.json",
            "stemma round add digits",
        ),
        "docs/verifiers.md": ("stemma verdicts digits-r001",),
    },
    "all": {
        "docs/tour.md": (
            "source .venv/bin/activate",
            "stemma audit fc06c9fbe717",
            "stemma audit --recompute main",
        ),
    },
    "six": {
        "docs/foresight.md": (
            "stemma forecast digits --after 3",
            "stemma scaling digits --picture scaling.svg",
        ),
    },
}
"""Blocks, by run and page, whose output `tests/docs/outputs.py` writes from a project that was run.

`digits` has three published rounds of digits, as it is shipped; `all` is what `make run` leaves,
with three rounds of dialogues; `six` has three more rounds of digits."""
ON_PROJECTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "blocked": {
        "docs/diff.md": (
            (
                "stemma diff main tiny-r003 --fail-on guard --fail-on removed-rows"
                ' --markdown >> "$GITHUB_STEP_SUMMARY"'
            ),
        ),
    },
    "two_files": {
        "docs/diff.md": ("stemma diff old.parquet new.parquet --key id --rows --limit 8",),
    },
    "made_again": {
        "docs/losses.md": (
            "stemma losses tiny-v2.1",
            "stemma losses tiny",
            "stemma quarantine tiny-v2.1 -o refused.parquet",
        ),
    },
    "decided": {
        "docs/sample-reviews.md": ('stemma round reject tiny-1 0 --reason "a smear"',),
    },
    "published_again": {
        "docs/sample-reviews.md": ("stemma audit d4dacdc5dd4a",),
    },
    "approved": {
        "docs/sample-reviews.md": ("stemma stage publish tiny-3",),
    },
    "letter": {
        "docs/takedown.md": (
            "stemma takedown --from-file letter.txt --dry-run",
            'stemma takedown --from-file letter.txt --reason "they asked" --name letter-1',
            "stemma takedown purge letter-1 --yes",
            "stemma takedown verify letter-1",
            "stemma takedown certificate letter-1",
        ),
    },
    "law": {
        "docs/takedown.md": (
            (
                'stemma takedown --where "label = 0" --dataset tiny --reason "they asked"'
                ' --override "the law" --name letter-2'
            ),
        ),
    },
    "held_out": {
        "docs/takedown.md": (
            'stemma takedown 2ae1679ecd68 8d2eca5d88e3 --reason "they asked" --name letter',
        ),
    },
    "killed": {"docs/scale.md": ("stemma stage generate tiny-3",)},
    "failing": {"docs/scale.md": ("STEMMA_EXECUTOR=processes stemma stage generate tiny-3",)},
    "shared": {"docs/scale.md": ("stemma stage generate tiny-3 --shard 3/4",)},
    "fresh_lake": {
        "docs/lake.md": (
            "stemma lake keys add ada --role writer",
            "stemma lake ls quickstart/main",
            "stemma du",
        ),
    },
    "left_behind": {"docs/lake.md": ("stemma clean --dry-run",)},
    "backed_up": {"docs/lake.md": ("stemma lake backup ../backup",)},
}
"""Blocks, by project and page, that are run on a small project by the test of that name in
`tests/docs/test_blocks_on_projects.py`."""
ON_SERVERS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "page_of_reviews": {
        "docs/review.md": (
            "stemma ui",
            "stemma ui --share Ada --share Bob --readers --address https://review.example.org",
        ),
    },
    "gate": {"docs/hooks.md": ("stemma lake log quick/main -n 3",)},
    "elsewhere": {"docs/takedown.md": ("stemma takedown purge letter --dry-run",)},
    "without_scorer": {
        "docs/own-data.md": (
            (
                "stemma suite check penguins      # after table_agreement was taken out"
                " of verify.scorers"
            ),
        ),
    },
}
"""The same of `tests/docs/test_blocks_on_servers.py`."""
SESSIONS: Final = ("docs/hooks.md",)
"""Pages whose Python sessions are run there."""
PYTHON_ON_TINY: Final = ("docs/training.md",)
"""Pages whose Python blocks are run there, one after the other."""
PYTHON_ALONE: Final = {
    "docs/attestations.md": "import json",
    "docs/diff.md": "from pathlib import Path",
    "docs/lake.md": "import polars as pl",
    "docs/hooks.md": "import json",
    "docs/generators.md": "# simulators/dice.py",
}
"""Python blocks, by their first line, that are run by a test of their own."""
NOTEBOOK: Final = ROOT / "docs" / "notebook.md"
"""Page whose cells are run in the folder that the tutorial own-table leaves."""
NOT_RUN: Final = Path(__file__).with_name("not_run.toml")


def first_line(block: str) -> str:
    """What a block is known by: its first command, or its first line."""
    command = re.search(r"^\$ (.*)$", block, re.MULTILINE)
    return command[1] if command else block.splitlines()[0].strip()


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """Language, first line and content of the blocks that say what a program does."""
    for _, language, content in BLOCK.findall(page.read_text(encoding="utf-8")):
        yield language, first_line(content), content


def is_run(page: Path, language: str, line: str) -> bool:
    """Whether a test runs a block."""
    name = page.relative_to(ROOT).as_posix()
    if name.startswith("docs/tutorials/") or name in FOLLOWED:
        return True
    if page == NOTEBOOK:
        return True
    if name == "docs/own-data.md" and line in OWN_DATA:
        return True
    if language == "pycon":
        return name in SESSIONS
    if language == "python":
        return name in PYTHON_ON_TINY or line == PYTHON_ALONE.get(name)
    runs = (*SHIPPED.values(), *ON_PROJECTS.values(), *ON_SERVERS.values(), ON_TINY)
    return any(line in run.get(name, ()) for run in runs)


def python_alone(name: str) -> str:
    """The Python block of a page that a test of its own runs."""
    wanted = ("python", PYTHON_ALONE[name])
    return next(text for *known, text in blocks(ROOT / name) if tuple(known) == wanted)


def listed() -> dict[str, list[str]]:
    """The first lines of the blocks that are not run, by page; the file says why."""
    pages = tomllib.loads(NOT_RUN.read_text(encoding="utf-8"))
    return {name: sorted(page["blocks"]) for name, page in pages.items()}
