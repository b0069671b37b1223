"""The manifest of a round: one JSON object in the lake that says how the round was made and judged.

`digits/rounds/003.json` grows along the stages: generate writes generator, mix and settings, curate
the counts, evaluate the metrics, publish the guard's answer. It is what `stemma status` reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lake import refs
from lake.client import Lake


def read(lake: Lake, ref: str, dataset: str, number: int) -> dict[str, Any]:
    """Read the manifest of a round at a ref.

    Raises:
        NotFound: the ref does not hold the round.
    """
    content = json.loads(lake.read(ref, refs.manifest(dataset, number)))
    if not isinstance(content, dict):
        raise TypeError(f"the manifest of round {number} of {dataset} is not a mapping")
    return content


def write(lake: Lake, branch: str, dataset: str, number: int, content: Mapping[str, Any]) -> None:
    """Stage the manifest of a round on a branch."""
    data = json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
    lake.write_bytes(branch, refs.manifest(dataset, number), data, "application/json")


def extend(
    lake: Lake,
    branch: str,
    dataset: str,
    number: int,
    **sections: Any,  # noqa: ANN401
) -> None:
    """Add sections to the manifest that a branch holds; `cost` adds up by stage."""
    content = read(lake, branch, dataset, number)
    cost = {**content.get("cost", {}), **sections.pop("cost", {})}
    write(lake, branch, dataset, number, {**content, **sections, "cost": cost})
