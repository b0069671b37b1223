"""The folder of a fitted generator: its manifest, beside files of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from lake import documents
from lake.documents import DocumentError
from pipelines.common import digests
from pipelines.common.errors import StaleError

MANIFEST: Final = "manifest.json"
MOST: Final = 1 << 26
"""Bytes of a manifest."""


def read_manifest(directory: Path) -> tuple[dict[str, Any], str]:
    """The manifest of the generator in a folder, and its digest (SHA-256 of canonical JSON).

    Raises:
        StaleError: there is none, or it is damaged.
    """
    content = read_json(directory / MANIFEST)
    return content, digests.of_json(content)


def identity(folder: str, maker: str | None) -> str:
    """The digest by which lineage names a generator.

    Args:
        folder: digest of the manifest in its folder.
        maker: digest of what made the candidates besides; None: the folder is all.
    """
    return folder if maker is None else digests.of_json({"folder": folder, "maker": maker})


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a generator's folder.

    Raises:
        StaleError: it is missing, or it is no JSON object.
    """
    try:
        return documents.read_object(path, MOST, strict=False)
    except (FileNotFoundError, DocumentError) as error:
        problem = "is missing" if isinstance(error, FileNotFoundError) else error
        raise StaleError(f"{path} {problem}; run the stage fit again") from error
