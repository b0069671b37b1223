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

from lake import documents, files, refs, tables
from lake.client import Lake
from lake.documents import DocumentError
from pipelines import parquet, receipts
from pipelines.errors import StaleError

ROOT: Final = Path("models")
TABLE: Final = "models"
MANIFEST: Final = "manifest.json"
MIX: Final = "mix.json"
LEFT_OUT: Final = "left_out.parquet"
COST: Final = "cost.json"
MOST: Final = 1 << 26
"""Bytes of a manifest."""


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
    """The manifest of the generator in a folder, and its digest (SHA-256 of canonical JSON).

    Raises:
        StaleError: there is none, or it is damaged.
    """
    content = _read(place / MANIFEST)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return content, hashlib.sha256(canonical).hexdigest()


def cost(dataset: str, number: int) -> dict[str, Any]:
    """What the fit took: seconds.

    Raises:
        StaleError: the generator's folder does not say.
    """
    return _read(directory(dataset, number) / COST)


def _read(place: Path) -> dict[str, Any]:
    """Read a JSON file of a generator."""
    try:
        content = documents.read_json(place, MOST, strict=False)
    except FileNotFoundError as error:
        raise StaleError(f"{place} is missing; run the stage fit again") from error
    except DocumentError as error:
        raise StaleError(f"{place} {error}; run the stage fit again") from error
    if not isinstance(content, dict):
        raise StaleError(f"{place} is no JSON object; run the stage fit again")
    return content
