"""Modalities by name, by module or by file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pipelines.common.plugins import Registry

if TYPE_CHECKING:
    from pipelines.modalities.protocol import Modality

MODALITIES: Final[Registry[Modality]] = Registry(
    "modality",
    "pipelines.modalities.protocol:Modality",
    {
        "image": "pipelines.modalities.images:Images",
        "text": "pipelines.modalities.texts:Texts",
    },
)


def load(reference: str, identity: tuple[str, ...]) -> Modality:
    """Load the modality of a data set with these identity columns.

    Raises:
        ParamsError: there is no such modality, or it does not keep the protocol.
    """
    return MODALITIES.load(reference, identity)


def recorded(manifest: Mapping[str, Any]) -> Modality:
    """Load the modality that the manifest of real data records.

    Raises:
        ParamsError: as `load`.
    """
    return load(manifest.get("modality", "image"), tuple(manifest.get("identity", ["image"])))
