"""Where the pages about a round's verdicts are: in the lake, on the round's branch, and here.

`digits/docs/round=003/` goes wherever the round goes: to main when it is published, away when it is
superseded. The manifest says where the pages are and what they hold, so a local file that is
another round's is found out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lake import files
from lake.client import Lake
from pipelines.rounds import manifest

ROOT: Final = Path("reports")
MOST: Final = 1 << 26
"""Bytes of a page."""


def store(lake: Lake, branch: str, path: str, text: str) -> dict[str, str]:
    """Stage a page on a branch.

    Returns:
        Its path and SHA-256, for the manifest.
    """
    data = text.encode()
    lake.write_bytes(branch, path, data, "text/html; charset=utf-8")
    return {"path": path, "sha256": hashlib.sha256(data).hexdigest()}


def copy(lake: Lake, ref: str, dataset: str, number: int) -> None:
    """Write the pages that a ref holds beside the other reports of this checkout.

    Raises:
        InvalidError: the name of a page would lead out of the folder; none is written.
    """
    held = manifest.read(lake, ref, dataset, number)["verdicts"]["pages"]
    found = {local(dataset, number, name): about["path"] for name, about in held.items()}
    for place, path in found.items():
        files.write_atomic(place, lake.read(ref, path, MOST))


def local(dataset: str, number: int, name: str) -> Path:
    """Where a page stands in this checkout: `reports/digits/3/verdicts.html`.

    Raises:
        InvalidError: the name is not one part of a path.
    """
    return ROOT / dataset / str(number) / files.safe_name(f"{name}.html")


def links(
    lake: Lake, ref: str, dataset: str, number: int, about: Mapping[str, Any]
) -> dict[str, dict[str, str | None]]:
    """Where the pages of a round are.

    Args:
        lake: the lake.
        ref: a branch, tag or commit that holds the round.
        dataset: the data set.
        number: of the round.
        about: the round's manifest.

    Returns:
        By page its address in the lake, and the local file if that is the same.
    """
    held = about.get("verdicts", {}).get("pages", {})
    return {
        name: {
            "lake": f"lakefs://{lake.repository}/{ref}/{each['path']}",
            "file": _same(local(dataset, number, name), each["sha256"]),
        }
        for name, each in held.items()
    }


def _same(place: Path, digest: str) -> str | None:
    """A local file, unless it is missing or not what the lake holds."""
    try:
        data = files.read_bytes(place)
    except OSError:
        return None
    return str(place) if hashlib.sha256(data).hexdigest() == digest else None
