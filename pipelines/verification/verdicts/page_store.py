"""Store the pages about a round's verdicts in the lake, and copy them into the checkout.

The pages in `digits/docs/round=003/` are part of the round: they are merged into main when it is
published, and removed when it is superseded. The manifest holds their paths and digests, so a local
file that belongs to another round is detected.
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
MAX_BYTES: Final = 1 << 26
"""Greatest size of a page."""


def store(lake: Lake, branch: str, path: str, text: str) -> dict[str, str]:
    """Stage a page on a branch.

    Returns:
        The page's path and SHA-256, for the manifest.
    """
    data = text.encode()
    lake.write_bytes(branch, path, data, "text/html; charset=utf-8")
    return {"path": path, "sha256": hashlib.sha256(data).hexdigest()}


def copy(lake: Lake, ref: str, dataset: str, number: int) -> None:
    """Copy the pages that a ref holds into the reports of this checkout.

    Raises:
        InvalidError: The name of a page leads out of the folder; then no page is written.
    """
    held = manifest.read(lake, ref, dataset, number)["verdicts"]["pages"]
    paths = {local(dataset, number, name): page["path"] for name, page in held.items()}
    for local_path, lake_path in paths.items():
        files.write_atomic(local_path, lake.read(ref, lake_path, MAX_BYTES))


def local(dataset: str, number: int, name: str) -> Path:
    """The path of a page in this checkout, such as `reports/digits/3/verdicts.html`.

    Raises:
        InvalidError: The name is not one part of a path.
    """
    return ROOT / dataset / str(number) / files.safe_name(f"{name}.html")


def links(
    lake: Lake, ref: str, dataset: str, number: int, content: Mapping[str, Any]
) -> dict[str, dict[str, str | None]]:
    """List where the pages of a round are.

    Args:
        lake: The lake.
        ref: A branch, tag or commit that holds the round.
        dataset: The data set.
        number: The round's number.
        content: The round's manifest.

    Returns:
        By page, its address in the lake, and the local file if its content is the same.
    """
    held = content.get("verdicts", {}).get("pages", {})
    return {
        name: {
            "lake": f"lakefs://{lake.repository}/{ref}/{page['path']}",
            "file": _if_equal(local(dataset, number, name), page["sha256"]),
        }
        for name, page in held.items()
    }


def _if_equal(path: Path, digest: str) -> str | None:
    """The path of a local file, unless it is missing or differs from what the lake holds."""
    try:
        data = files.read_bytes(path)
    except OSError:
        return None
    return str(path) if hashlib.sha256(data).hexdigest() == digest else None
