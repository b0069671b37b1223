"""What the payload of a data set is: images, or texts.

All that a stage needs to know of it stands behind one protocol (`protocol`): how a source's columns
are typed, when two rows are near-duplicates, what scorers and suites are shown, how rows are
measured, and how a round looks in a picture. `registry` finds a modality by its name.
"""

from __future__ import annotations

from pipelines.modalities.protocol import Modality
from pipelines.modalities.registry import load, recorded

__all__ = ["Modality", "load", "recorded"]
