"""Copy a published version out of the lake, with its attestation, for whoever has no lake."""

from __future__ import annotations

from pathlib import Path

from lake import files
from lake.client import Lake, browsing
from pipelines.common import progress
from pipelines.common.errors import DataError
from pipelines.gate.attestations.making import Attested


def copy(lake: Lake, attested: Attested, folder: Path) -> None:
    """Copy the objects of a version and its attestation into a new or empty folder.

    Objects keep their names in the lake (`digits/samples/…`), and so does the attestation
    (`attestations/digits-v3/1/…`); `stemma attest verify FOLDER` reads them so.

    Args:
        lake: the lake.
        attested: the version and its attestation.
        folder: where to.

    Raises:
        DataError: the folder holds something already, or cannot be written.
    """
    version = attested.version
    ref = lake.on_server(version.commit.id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise DataError(f"{folder} holds something already; name a new folder")
        for name, data in attested.stored.files.items():
            _place(folder, f"{attested.stored.folder}/{name}").write_bytes(data)
        objects = lake.objects(version.commit.id, version.folder)
        for item in progress.track(objects, "copied"):
            with _place(folder, item.path).open("xb") as out:
                pieces = browsing.pieces(lake.connection, lake.repository, ref, item.path)
                out.writelines(pieces)
    except OSError as error:
        raise DataError(f"{error.filename or folder}: {error.strerror}; name another") from error


def _place(folder: Path, name: str) -> Path:
    """Path of a file in the folder, whose own folder is made.

    Raises:
        InvalidError: the name cannot be a path below the folder.
    """
    parts = [files.safe_name(part) for part in name.split("/")]
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
