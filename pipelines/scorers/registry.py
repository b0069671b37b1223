"""Scorers by name, which is that of the file.

A file of this folder that has a `model_digest` is a scorer: nothing else needs to be told of it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from pipelines.common.errors import ParamsError
from pipelines.common.settings import StrictModel, nearest, parse
from pipelines.scorers.protocol import Scorer

FOLDER: Final = Path(__file__).parent
MARK: Final = re.compile(r"^def model_digest\(", re.MULTILINE)
IMAGES: Final[Mapping[str, Mapping[str, Any]]] = {"agreement": {}, "distance": {}}
"""What suits labelled images, with the settings that it has by itself."""
TEXTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "text_duplicates": {},
    "text_overlap": {},
    "text_shape": {},
    "language": {},
}
"""What suits texts; topics need labels, so their agreement is asked for by name."""


@cache
def names() -> tuple[str, ...]:
    """All scorers, in order of their names."""
    files = sorted(FOLDER.glob("*.py"))
    return tuple(each.stem for each in files if MARK.search(each.read_text(encoding="utf-8")))


def load(name: str) -> Scorer:
    """Import a scorer.

    Raises:
        ParamsError: there is no such scorer; names the nearest.
    """
    if name not in names():
        raise ParamsError(f"there is no scorer {name!r}{nearest(name, names())}")
    return cast("Scorer", importlib.import_module(f"pipelines.scorers.{name}"))


def settings(name: str, given: Mapping[str, Any]) -> StrictModel:
    """The settings of a scorer.

    Raises:
        ParamsError: there is no such scorer, or a key is wrong; names the nearest.
    """
    return parse(load(name).Settings, given, name)


def files(scorers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Files outside of this folder on which the scores of these scorers depend."""
    found: list[str] = []
    for name, asked in scorers.items():
        own = getattr(load(name), "files", None)
        found += own(settings(name, asked)) if own is not None else ()
    return found


def resolved(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every setting of these scorers, whether given or not; a scorer that is None is left out.

    Raises:
        ValueError: as `settings`, and two scorers that add the same column.
    """
    asked = {name: own for name, own in given.items() if own is not None}
    try:
        found = {name: settings(name, own).model_dump(mode="json") for name, own in asked.items()}
    except ParamsError as error:
        raise ValueError(str(error)) from error
    owners: dict[str, str] = {}
    for name in asked:
        for column in load(name).COLUMNS:
            if owners.setdefault(column, name) != name:
                raise ValueError(f"{owners[column]} and {name} both add {column!r}")
    return found
