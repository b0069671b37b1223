"""A fitted generator on disk: a folder of `weights.safetensors` and `manifest.json`.

Each is written in one step, the manifest last: a folder with a manifest holds a whole generator,
whenever the writer was killed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lake import documents, files
from lake.documents import DocumentError
from pipelines.common.errors import GeneratorError

if TYPE_CHECKING:
    import torch

WEIGHTS: Final = "weights.safetensors"
MANIFEST: Final = "manifest.json"


def save(
    directory: Path, weights: Mapping[str, torch.Tensor], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Write weights and manifest; returns the manifest with `weights_sha256` added."""
    from safetensors.torch import save as to_bytes  # noqa: PLC0415  imports torch

    (directory / MANIFEST).unlink(missing_ok=True)
    data = to_bytes({name: value.cpu().contiguous() for name, value in weights.items()})
    content = {**manifest, "weights_sha256": hashlib.sha256(data).hexdigest()}
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n"
    files.write_atomic(directory / WEIGHTS, data)
    files.write_text(directory / MANIFEST, text)
    return content


def read_manifest(directory: Path, kind: str) -> dict[str, Any]:
    """Read the manifest of a fitted generator.

    Raises:
        GeneratorError: it is missing or unreadable, or it is of another kind.
    """
    try:
        content = documents.read_json(directory / MANIFEST, strict=False)
    except (OSError, DocumentError) as error:
        raise GeneratorError(f"{directory} holds no readable generator; fit it again") from error
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise GeneratorError(f"{directory} holds no generator of kind {kind}; fit it again")
    return content


def read_weights(directory: Path, manifest: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Read the weights that the manifest names.

    Raises:
        GeneratorError: they are missing, or not the ones that the manifest names.
    """
    from safetensors.torch import load as from_bytes  # noqa: PLC0415  imports torch

    try:
        data = (directory / WEIGHTS).read_bytes()
    except OSError as error:
        raise GeneratorError(f"{directory} holds no weights; fit the generator again") from error
    if hashlib.sha256(data).hexdigest() != manifest.get("weights_sha256"):
        raise GeneratorError(
            f"the weights in {directory} are not those of its manifest; fit the generator again"
        )
    try:
        weights: dict[str, torch.Tensor] = from_bytes(data)
    except Exception as error:  # hostile bytes break a reader in any way
        raise GeneratorError(
            f"the weights in {directory} cannot be read; fit the generator again"
        ) from error
    return weights
