"""The section `ingest` of params.yaml: where real data is, and how much of it is held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, model_validator

from pipelines.common.errors import ParamsError
from pipelines.common.plugin_modules import Reference
from pipelines.common.settings import StrictModel, key_content, operational
from pipelines.modalities import registry
from pipelines.modalities.registry import MODALITIES
from pipelines.sources.marks import MarkedPolicy
from pipelines.sources.personal_data import Policy

if TYPE_CHECKING:
    from pipelines.modalities import Modality

IMAGE: Final = "image"
"""Modality of a data set that names none."""


def modality_of(ingest: object) -> type[Modality] | None:
    """Return the modality that a section `ingest` names; None if it is no such section.

    A user's own modality that cannot be imported is None too: the stages of its data set say so,
    and other data sets are not affected.

    Raises:
        ValueError: There is no modality of this name.
    """
    if not isinstance(ingest, Mapping) or not isinstance(ingest.get("modality", IMAGE), str):
        return None
    reference = ingest.get("modality", IMAGE)
    try:
        return MODALITIES.find(reference)
    except ParamsError as error:
        if not Reference.of(reference).is_name:
            return None
        raise ValueError(str(error)) from error


def _settings_of(modality: type[Modality], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check the settings of a modality; those at their default are left out.

    Raises:
        ValueError: A key is wrong.
    """
    try:
        return key_content(registry.parsed(modality, given))
    except ParamsError as error:
        raise ValueError(str(error)) from error


class Ingest(StrictModel):
    """Real data: where it is, and how much of it no generator ever sees."""

    source: str
    """One of Stemma's own sources, a Python module with `load()` or a class, a table, or a folder
    of images in class folders."""
    settings: Mapping[str, Any] = {}
    """The source's own, where it has any."""
    label: str | None = None
    """Column of the labels, where it is not called `label`."""
    image: str | None = None
    """Column of the images, where it is not called `image`."""
    text: str | None = None
    """Column of the texts, where it is not called `text`."""
    id: str | None = None
    """Column with a key of one's own for each row, which is kept."""
    keep: tuple[str, ...] = ()
    """Further columns that travel with the samples; candidates have null there, unless their
    generator makes them."""
    pinned: Mapping[str, str] = operational({})
    """SHA-256 by path of the files that round 0 read, where the source has changed since; `stemma
    dataset update` writes it."""
    seen: Mapping[str, str] = operational({})
    """Digest by source of a state that had nothing new for training; `stemma dataset update` writes
    it."""
    pii: Policy = "report"
    """What becomes of personal data: it is counted, replaced by its kind, or refused."""
    marked: MarkedPolicy = "warn"
    """What becomes of images with marks of generators: a warning counts them, they are meant, or
    they are refused."""
    licence: str | None = None
    """Licence of the real rows; None: what the source module says."""
    validation: float = Field(0.25, gt=0, lt=0.5)
    """Share of the rows that gates rounds."""
    test: float = Field(0.15, ge=0, lt=0.5)
    """Share of the rows that no gate reads."""
    split_key: str = "stemma"
    """Key of the hash that assigns rows to splits."""
    modality: str = IMAGE
    """What a sample is: `image`, `text` (in the columns of the data set's identity), or a modality
    of one's own."""
    modality_settings: Mapping[str, Any] = {}
    """The modality's own. Each of its settings can stand under `ingest` by itself."""
    near: float = Field(MODALITIES.find(IMAGE).default_near, ge=0)
    """Distance at or below which two rows are near-duplicates: RMS of pixels, or 1 less the Jaccard
    similarity of texts. Not given: what suits the modality."""

    @model_validator(mode="before")
    @classmethod
    def _with_modality(cls, given: Any) -> Any:  # noqa: ANN401  whatever params.yaml holds
        """Take the modality's settings from among the others, and its distance if none is given."""
        modality = modality_of(given)
        if modality is None:
            return given
        names = modality.Settings.model_fields.keys() & given.keys()
        own = {name: given[name] for name in names}
        rest = {name: value for name, value in given.items() if name not in own}
        settings = given.get("modality_settings", {})
        if not isinstance(settings, Mapping):
            return given
        return {
            "near": modality.default_near,
            **rest,
            "modality_settings": _settings_of(modality, {**settings, **own}),
        }
