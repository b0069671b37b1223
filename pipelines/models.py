"""Fitted generators as files: where they stand, and how they travel with the lake.

DVC tracks `models/<dataset>/<round>/`. The generate commit of a round carries the same files, so a
second clone on the same lake needs neither DVC's cache nor a fit of its own (docs/decisions/0004).
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any, Final

from lake import files, refs, tables
from lake.client import Lake
from pipelines import parquet, receipts

ROOT: Final = Path("models")
TABLE: Final = "models"
MANIFEST: Final = "manifest.json"
MIX: Final = "mix.json"
LEFT_OUT: Final = "left_out.parquet"
COST: Final = "cost.json"


def directory(dataset: str, number: int) -> Path:
    """Folder of a round's generator: `models/digits/3`."""
    return ROOT / dataset / str(number)


def upload(lake: Lake, branch: str, dataset: str, number: int) -> None:
    """Stage the files of a round's generator on a branch."""
    for place in sorted(directory(dataset, number).iterdir()):
        path = refs.partition(dataset, TABLE, number) + files.part(place.name)
        with files.opened(place) as file:
            lake.write_bytes(branch, path, file.read())


def download(
    lake: Lake, ref: str, dataset: str, number: int, target: Path | None = None
) -> list[str]:
    """Write the files of a round's generator as a commit holds them.

    Args:
        lake: the lake.
        ref: a generate commit of the round.
        dataset: the data set.
        number: the round.
        target: where to; None: the round's own folder.

    Returns:
        Names of the files; none where the commit holds no generator.

    Raises:
        Invalid: a name would lead out of the folder; nothing is written.
        DataError: a table would take far more memory than it has bytes; nothing is written.
    """
    prefix = refs.partition(dataset, TABLE, number)
    place = directory(dataset, number) if target is None else target
    paths = [item.path for item in lake.objects(ref, prefix)]
    found = {files.part(path.removeprefix(prefix)): path for path in paths}
    contents = {name: lake.read(ref, path) for name, path in found.items()}
    for name, data in contents.items():
        if name.endswith(tables.SUFFIX):
            parquet.check(found[name], io.BytesIO(data))
    for name, data in contents.items():
        receipts.write_bytes(place / name, data)
    return list(found)


def generator_manifest(dataset: str, number: int) -> tuple[dict[str, Any], str]:
    """The manifest of a round's generator, and its digest."""
    return manifest_in(directory(dataset, number))


def manifest_in(place: Path) -> tuple[dict[str, Any], str]:
    """The manifest of the generator in a folder, and its digest (SHA-256 of canonical JSON)."""
    content: dict[str, Any] = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return content, hashlib.sha256(canonical).hexdigest()


def cost(dataset: str, number: int) -> dict[str, Any]:
    """What the fit took: seconds."""
    text = (directory(dataset, number) / COST).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
