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

__all__ = ["Modality", "load", "recorded"]


def recorded(about: Mapping[str, Any]) -> Modality:
    """The modality of a data set, as the manifest of its real data has it."""
    return load(about.get("modality", "image"), tuple(about.get("identity", ["image"])))


def load(kind: str, identity: tuple[str, ...]) -> Modality:
    """The modality of a name, for a data set whose identity is these columns."""
    if kind == "text":
        return Texts(identity)
    return Images(identity)
