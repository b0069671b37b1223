"""Fitted generators as files: their folder, upload to the lake and download from it.

DVC tracks `models/<dataset>/<round>/`. The generate commit of a round holds the same files, so a
second clone on the same lake needs neither DVC's cache nor another fit (docs/decisions/0004).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

from lake import files, refs, tables
from lake.client import Lake
from pipelines.common import parquet
from pipelines.generators import model_folder

ROOT: Final = Path("models")
TABLE: Final = refs.MODELS
MIX: Final = "mix.json"
LEFT_OUT: Final = "left_out.parquet"
COST: Final = "cost.json"


def directory(dataset: str, number: int) -> Path:
    """Folder of a round's generator: `models/digits/3`."""
    return ROOT / dataset / str(number)


def upload(lake: Lake, branch: str, dataset: str, number: int) -> None:
    """Stage the files of a round's generator on a branch."""
    for source in sorted(directory(dataset, number).iterdir()):
        path = refs.partition(dataset, TABLE, number) + files.safe_name(source.name)
        with files.open_regular(source) as file:
            lake.write_bytes(branch, path, file.read())


def download(
    lake: Lake, ref: str, dataset: str, number: int, target: Path | None = None
) -> list[str]:
    """Download the files of a round's generator from a commit.

    Args:
        lake: the lake.
        ref: a generate commit of the round.
        dataset: the data set.
        number: the round.
        target: the folder to write to; None: the round's folder.

    Returns:
        Names of the files; empty if the commit holds no generator.

    Raises:
        InvalidError: a name would lead out of the folder; nothing is written.
        DataError: a table would take far more memory than it has bytes; nothing is written.
    """
    prefix = refs.partition(dataset, TABLE, number)
    folder = directory(dataset, number) if target is None else target
    paths = [item.path for item in lake.objects(ref, prefix)]
    paths_by_name = {files.safe_name(path.removeprefix(prefix)): path for path in paths}
    contents = {name: lake.read(ref, path) for name, path in paths_by_name.items()}
    for name, data in contents.items():
        if name.endswith(tables.SUFFIX):
            parquet.check(paths_by_name[name], io.BytesIO(data))
    for name, data in contents.items():
        files.write_atomic(folder / name, data)
    return list(paths_by_name)


def generator_manifest(dataset: str, number: int) -> tuple[dict[str, Any], str]:
    """Read the manifest of a round's generator; return it with its digest."""
    return model_folder.read_manifest(directory(dataset, number))


def cost(dataset: str, number: int) -> dict[str, Any]:
    """Read the cost of the fit, in seconds.

    Raises:
        StaleError: the generator's folder lacks the cost file.
    """
    return model_folder.read_json(directory(dataset, number) / COST)
