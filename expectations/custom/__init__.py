"""The project's own expectation types; importing them makes them known to any suite."""

from __future__ import annotations

from typing import Final

from expectations.custom.class_support import ExpectColumnClassesToHaveSupport
from expectations.custom.decodable_images import ExpectColumnValuesToBeDecodableImages

TYPES: Final = (
    ExpectColumnClassesToHaveSupport.expectation_type,
    ExpectColumnValuesToBeDecodableImages.expectation_type,
)
"""Their names in a suite."""
