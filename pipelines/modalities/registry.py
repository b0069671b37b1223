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
    """The modality of a data set whose identity is these columns.

    Raises:
        ParamsError: there is no such modality, or it does not keep the protocol.
    """
    return MODALITIES.load(reference, identity)


def recorded(manifest: Mapping[str, Any]) -> Modality:
    """The modality of a data set, as the manifest of its real data has it.

    Raises:
        ParamsError: as `load`.
    """
    return load(manifest.get("modality", "image"), tuple(manifest.get("identity", ["image"])))
