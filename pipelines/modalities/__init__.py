"""What the payload of a data set is: images, or texts.

All that a stage needs to know of it stands behind one protocol (`protocol.py`): how a source's
columns are typed, when two rows are near-duplicates, what scorers and suites are shown, how rows
are measured and which figure says what a training mix is worth, and how a round looks in a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.modalities.images import Images
from pipelines.modalities.protocol import Modality
from pipelines.modalities.texts import Texts
from pipelines.params import Dataset

__all__ = ["Modality", "of", "recorded"]


def of(settings: Dataset) -> Modality:
    """The modality of a data set, as its settings have it."""
    return _named(settings.ingest.modality, settings.identity)


def recorded(about: Mapping[str, Any]) -> Modality:
    """The modality of a data set, as the manifest of its real data has it."""
    return _named(about.get("modality", "image"), tuple(about.get("identity", ["image"])))


def _named(kind: str, identity: tuple[str, ...]) -> Modality:
    if kind == "text":
        return Texts(identity)
    return Images(identity)
