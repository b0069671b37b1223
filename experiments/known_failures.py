"""Criteria that fail for a reason that is known and committed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from experiments.registry import MODULES
from experiments.running import Outcome
from lake import files

FILE: Final = Path(__file__).with_name("known_failures.toml")
KEYS: Final = {"experiment", "finding", "reason"}
Known = Mapping[tuple[str, str], str]
"""Reasons, by experiment and finding."""


def read(place: Path = FILE) -> Known:
    """Read the list; it ends the program with a sentence where the list is not as it must be."""
    try:
        content = tomllib.loads(files.read_text(place))
    except tomllib.TOMLDecodeError as error:
        sys.exit(f"{place.name} is no TOML ({error}); correct it")
    found: dict[tuple[str, str], str] = {}
    for entry in content.get("failure", []):
        if set(entry) != KEYS or not all(isinstance(each, str) and each for each in entry.values()):
            sys.exit(
                f"each failure of {place.name} needs {', '.join(sorted(KEYS))}; correct {entry}"
            )
        if entry["experiment"] not in MODULES:
            sys.exit(
                f"{place.name} lists {entry['experiment']}, which is no experiment; correct it"
            )
        found[entry["experiment"], entry["finding"]] = entry["reason"]
    return found


def unexpected(outcomes: Iterable[Outcome], known: Known) -> list[str]:
    """Say of each criterion that fails and is not listed, and of each entry that is no failure."""
    said = []
    for outcome in outcomes:
        name = outcome.experiment.name
        holds = {finding.name: finding.holds for finding in outcome.findings}
        said += [
            f"{name}: the criterion of '{finding}' fails; find out why, or list it in {FILE.name}"
            for finding, held in holds.items()
            if not held and (name, finding) not in known
        ]
        said += [
            f"{name}: {FILE.name} lists '{finding}', which does not fail; take it from there"
            for experiment, finding in known
            if experiment == name and holds.get(finding, True)
        ]
    return said
