r"""Names of branches, tags and objects, so that they are spelled in one place.

lakeFS allows `^\\w[-\\w]*$` for branches (no slash), and a data set's round has one branch per
line: `digits-r003` on the line that publishes, `digits-r003-hot` on the line `hot`.
Published rounds are tags that never move: `digits-v3`, and `digits-v3.1` when the round is
published again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAIN: Final = "main"
ATTESTATIONS: Final = "stemma-attestations"
"""Branch of a lake that holds the attestations of its tags."""
CLEANED: Final = "_cleaned/"
"""Prefix on the branch of purges: objects that are read in the place of purged ones, which are
named by their checksums (MD5), in a lake whose server knows no tombstones."""
CALIBRATION: Final = "calibration"
"""The table of the calibrations of a data set's verifiers."""
DOCS: Final = "docs"
"""Pages about a round, beside its tables."""
MOVED: Final = "stemma-moved"
"""Branch of a lake that holds the map of the commits that were moved there."""
PURGED: Final = "stemma-purged"
"""Branch of a lake that holds the signed records of its purges."""
MODELS: Final = "models"
"""The files of the generator of a round that is not decided yet."""
REVIEWED: Final = "reviewed"
"""The table of what reviewers decided about samples of a round, as it was applied."""
SAMPLE_REVIEWS: Final = "stemma-reviews"
"""Branch of a lake that holds the records of what reviewers decide about samples."""
REVIEWS: Final = "reviews"
"""The table of the rejections of a round."""
TESTS: Final = "stemma-tests"
"""Branch of a lake that holds the records of openings of test splits."""
TAKEDOWNS: Final = "_takedowns"
"""Folder of the records of what was taken down, which no data set can be called like."""
NAME = re.compile(r"^[a-z][a-z0-9_]*\Z")
BRANCH = re.compile(
    r"^(?P<dataset>[a-z][a-z0-9_]*)-r(?P<round>[0-9]{3,9})(?:-(?P<line>[\w][-\w]*))?\Z"
)
TAG = re.compile(
    r"^(?P<dataset>[a-z][a-z0-9_]*)-v(?P<round>[0-9]{1,9})(?:\.(?P<again>[0-9]{1,9}))?\Z"
)
ROUND: Final = re.compile(r"[0-9]{1,9}")
"""The number of a round, which fits 32 bits."""


def branch_name(dataset: str, number: int, line: str = MAIN) -> str:
    """Name the branch of a round: `digits-r003`, or `digits-r003-hot` off the main line."""
    base = f"{dataset}-r{number:03d}"
    return base if line == MAIN else f"{base}-{line}"


def next_tag(dataset: str, number: int, taken: Iterable[str]) -> str:
    """Name the next free tag of a round: `digits-v3`, then `digits-v3.1`, `digits-v3.2`."""
    matches = (TAG.match(tag) for tag in taken)
    used = [
        int(match["again"] or 0)
        for match in matches
        if match and match["dataset"] == dataset and int(match["round"]) == number
    ]
    return f"{dataset}-v{number}" if not used else f"{dataset}-v{number}.{max(used) + 1}"


def partition(dataset: str, table: str, number: int) -> str:
    """Prefix of one round's part of a table: `digits/samples/round=003/`."""
    return f"{dataset}/{table}/round={number:03d}/"


def part(dataset: str, table: str, number: int, index: int = 0) -> str:
    """Path of one Parquet part: `digits/samples/round=003/part-00000.parquet`."""
    return f"{partition(dataset, table, number)}part-{index:05d}.parquet"


def table(dataset: str, name: str) -> str:
    """Prefix of a whole table of a data set: `digits/samples/`."""
    return f"{dataset}/{name}/"


def manifest(dataset: str, number: int) -> str:
    """Path of a round's manifest: `digits/rounds/003.json`."""
    return f"{dataset}/rounds/{number:03d}.json"


def page(dataset: str, number: int, name: str) -> str:
    """Path of a page about a round: `digits/docs/round=003/verdicts.html`."""
    return f"{partition(dataset, DOCS, number)}{name}.html"


def calibration(dataset: str, suite: str) -> str:
    """Prefix of the calibrations of a suite: `digits/calibration/3f2a9c0b1d4e/`."""
    return f"{table(dataset, CALIBRATION)}{suite[:12]}/"


def head(dataset: str) -> str:
    """Path of the file that every merge of a data set writes: `digits/head.json`.

    Two merges that start from the same main both change it, so lakeFS refuses the second one.
    """
    return f"{dataset}/head.json"


def datasets(paths: Iterable[str]) -> list[str]:
    """The data sets that paths belong to, sorted; records and action files belong to none."""
    names = {path.partition("/")[0] for path in paths}
    return sorted(name for name in names if NAME.match(name))


def takedown(name: str, file: str = "") -> str:
    """Path of a file of a take-down: `_takedowns/letter-12/record.json`."""
    return f"{TAKEDOWNS}/{name}/{file}"


def base(ref: str) -> str:
    """The name that a ref expression begins with.

    >>> base("digits-v3~1")
    'digits-v3'
    """
    return re.split(r"[~^@$]", ref, maxsplit=1)[0]


def round_of(path: str) -> int | None:
    """The round that a path of a data set belongs to, or None when it belongs to none.

    >>> round_of("digits/samples/round=003/part-00000.parquet")
    3
    >>> round_of("digits/rounds/012.json")
    12
    """
    match = re.search(r"/round=([0-9]+)/", path) or re.search(r"/rounds/([0-9]+)\.json\Z", path)
    return number(match[1]) if match else None


def number(text: str | None) -> int | None:
    """The number of a round in a text, such as a commit's metadata; None where it is not one."""
    return int(text) if text is not None and ROUND.fullmatch(text) else None
