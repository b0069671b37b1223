"""Modalities by name, by module or by file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pipelines.common.plugins import NoSettings, Registry
from pipelines.common.settings import StrictModel, parse

if TYPE_CHECKING:
    from pipelines.modalities.protocol import Modality

MODALITIES: Final[Registry[Modality]] = Registry(
    "modality",
    "pipelines.modalities.protocol:Modality",
    {
        "image": "pipelines.modalities.images:Images",
        "table": "pipelines.modalities.tables:Tables",
        "text": "pipelines.modalities.texts:Texts",
    },
)


NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def load(
    reference: str, identity: tuple[str, ...], settings: Mapping[str, Any] = NOTHING
) -> Modality:
    """Load the modality of a data set with these identity columns.

    Args:
        reference: its name, module or file.
        identity: columns that are the content of a sample.
        settings: its own, as `ingest.modality_settings` in params.yaml has them.

    Raises:
        ParamsError: there is no such modality, or it does not keep the protocol; or a key of the
            settings is wrong.
    """
    return MODALITIES.load(reference, *arguments(reference, identity, settings))


def arguments(
    reference: str, identity: tuple[str, ...], settings: Mapping[str, Any]
) -> tuple[object, ...]:
    """Return what an instance is made with: the identity, and settings where the class has some.

    Raises:
        ParamsError: as `load`.
    """
    own = parsed(MODALITIES.find(reference), settings)
    return (identity,) if isinstance(own, NoSettings) else (identity, own)


def parsed(modality: type[Modality], settings: Mapping[str, Any]) -> StrictModel:
    """Parse the settings of a modality.

    Raises:
        ParamsError: a key is wrong.
    """
    return parse(modality.Settings, dict(settings), "ingest")


def files(
    reference: str, identity: tuple[str, ...], settings: Mapping[str, Any]
) -> tuple[Path, ...]:
    """List the user's files that a modality depends on.

    Raises:
        ParamsError: as `load`.
    """
    own = parsed(MODALITIES.find(reference), settings)
    return MODALITIES.files({reference: own}, *arguments(reference, identity, settings))


def measured_digests(
    reference: str, identity: tuple[str, ...], settings: Mapping[str, Any]
) -> Mapping[str, str]:
    """Return digests of what the points of a modality's rows depend on besides rows and settings.

    Raises:
        ParamsError: as `load`.
        LibraryError: an optional library is not installed.
        DataError: a file that settings name cannot be read.
    """
    modality = load(reference, identity, settings)
    return modality.measured_digests(parsed(type(modality), settings))


def recorded(manifest: Mapping[str, Any]) -> Modality:
    """Load the modality that the manifest of real data records.

    Raises:
        ParamsError: as `load`.
    """
    return load(
        manifest.get("modality", "image"),
        tuple(manifest.get("identity", ["image"])),
        manifest.get("modality_settings", {}),
    )
