"""The manifest of a round: one JSON object in the lake about how the round was made and judged.

`digits/rounds/003.json` grows from stage to stage: generate writes generator, mix and settings,
curate the counts, evaluate the metrics, publish the guard's answer. `stemma status` reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from lake import documents, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import NotFoundError
from pipelines.common.errors import DataError
from pipelines.rounds.manifest_schema import Manifest, Section, fits

ARRIVALS: Final = "arrivals"
"""Section of a round after round 0 that brings real rows, and of no other round."""
MAX_BYTES: Final = 1 << 26
"""Limit of the size of a manifest, in bytes."""


def read(lake: Lake, ref: str, dataset: str, number: int) -> dict[str, Any]:
    """Read the manifest of a round at a ref.

    Raises:
        NotFoundError: the ref does not hold the round.
        TooLargeError: the manifest is larger than `MAX_BYTES`.
        DataError: it is not a JSON object, or a section is not what a stage writes.
    """
    path = refs.manifest(dataset, number)
    try:
        content = documents.parse_json(lake.read(ref, path, MAX_BYTES), strict=False)
    except DocumentError as error:
        raise DataError(f"{path} at {ref} {error}; it was not written by a stage") from error
    return checked(content, f"{path} at {ref}")


def checked(content: object, where: str) -> dict[str, Any]:
    """Validate a manifest; reading a missing section later raises `MissingError`.

    Args:
        content: the parsed JSON.
        where: path and ref, for error messages.

    Raises:
        DataError: the content is not a manifest.
    """
    if not isinstance(content, dict):
        raise DataError(f"{where} is no JSON object; it was not written by a stage")
    if not fits(content):
        raise DataError(f"{where} holds a number that fits no 64 bits; no stage writes one")
    try:
        Manifest.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        location = ".".join(str(part) for part in problem["loc"])
        raise DataError(
            f"{where} was not written by a stage: {location}: {problem['msg']}"
        ) from error
    return Section.of(content, where)


def write(lake: Lake, branch: str, dataset: str, number: int, content: Mapping[str, Any]) -> None:
    """Stage the manifest of a round on a branch."""
    data = json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
    lake.write_bytes(branch, refs.manifest(dataset, number), data, "application/json")


def read_if_there(lake: Lake, ref: str, dataset: str, number: int) -> dict[str, Any]:
    """Read the manifest of a round at a ref; empty where the ref does not hold the round."""
    try:
        return read(lake, ref, dataset, number)
    except NotFoundError:
        return {}


def extend(
    lake: Lake,
    branch: str,
    dataset: str,
    number: int,
    **sections: Any,  # noqa: ANN401
) -> None:
    """Add sections to the manifest on a branch; `cost` is merged stage by stage."""
    content = read(lake, branch, dataset, number)
    cost = {**content.get("cost", {}), **sections.pop("cost", {})}
    write(lake, branch, dataset, number, {**content, **sections, "cost": cost})
