"""Scorers by name, by module or by file, and what params.yaml says of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.common.errors import ParamsError
from pipelines.common.plugin_modules import Reference
from pipelines.common.plugins import Registry
from pipelines.common.settings import StrictModel, parse

if TYPE_CHECKING:
    from pipelines.scorers.protocol import Scorer

HERE: Final = "pipelines.scorers"
SCORERS: Final[Registry[Scorer[Any]]] = Registry(
    "scorer",
    f"{HERE}.protocol:Scorer",
    {
        "agreement": f"{HERE}.agreement:Agreement",
        "code": f"{HERE}.code:Code",
        "distance": f"{HERE}.distance:Distance",
        "image_duplicates": f"{HERE}.image_duplicates:ImageDuplicates",
        "json_schema": f"{HERE}.json_schema:JsonSchema",
        "judge": f"{HERE}.judge:Judge",
        "language": f"{HERE}.language:Language",
        "maths": f"{HERE}.maths:Maths",
        "personal_data": f"{HERE}.personal_data:PersonalData",
        "table_agreement": f"{HERE}.table_agreement:TableAgreement",
        "table_distance": f"{HERE}.table_distance:TableDistance",
        "text_agreement": f"{HERE}.text_agreement:TextAgreement",
        "text_duplicates": f"{HERE}.text_duplicates:TextDuplicates",
        "text_meaning": f"{HERE}.text_meaning:TextMeaning",
        "text_overlap": f"{HERE}.text_overlap:TextOverlap",
        "text_shape": f"{HERE}.text_shape:TextShape",
        "toxicity": f"{HERE}.toxicity:Toxicity",
        "vision_judge": f"{HERE}.vision_judge:VisionJudge",
    },
)


def load(reference: str) -> Scorer[Any]:
    """Load a scorer.

    Raises:
        ParamsError: there is no such scorer, or it does not keep the protocol.
    """
    return SCORERS.load(reference)


def settings(reference: str, given: Mapping[str, Any]) -> StrictModel:
    """Parse the settings of a scorer.

    Raises:
        ParamsError: there is no such scorer, or a key is wrong; names the nearest.
    """
    own: StrictModel = parse(load(reference).Settings, given, reference)
    return own


def versions(scorers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the semantic versions of scorers, as `Registry.versions`."""
    return SCORERS.versions(scorers)


def files(scorers: Mapping[str, Mapping[str, Any]]) -> tuple[Path, ...]:
    """Return the user's files that the scores of scorers depend on, as `Registry.files`."""
    return SCORERS.files({name: settings(name, own) for name, own in scorers.items()})


def resolved(given: Mapping[str, Any], *, own: bool = True) -> dict[str, dict[str, Any]]:
    """Resolve all settings of scorers, defaults included; leave out a scorer that is None.

    Args:
        given: settings by reference.
        own: import scorers of the user's own; else theirs stay as they are given.

    Raises:
        ValueError: as `settings`, and two scorers that add the same column.
    """
    named = {name: each for name, each in given.items() if each is not None}
    checked = [name for name in named if own or Reference.of(name).is_name]
    try:
        dumped = {name: settings(name, named[name]).model_dump(mode="json") for name in checked}
    except ParamsError as error:
        raise ValueError(str(error)) from error
    owners: dict[str, str] = {}
    for name in checked:
        for column in load(name).columns:
            if owners.setdefault(column, name) != name:
                raise ValueError(f"{owners[column]} and {name} both add {column!r}")
    return {name: dumped.get(name, each) for name, each in named.items()}
