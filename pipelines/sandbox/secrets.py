"""Texts without the secrets of this process's environment.

A program in the sandbox sees nothing of the environment; this is for what it may know from
elsewhere, and for the day on which the sandbox has a hole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

SECRET: Final = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|SIGNATURE|CONNECTION_STRING|DSN|AUTH", re.IGNORECASE
)
"""Names of environment variables whose values are secret."""
SHORTEST: Final = 8
"""Characters of a secret; a shorter value would be found where it does not stand for itself."""


def scrubbed(text: str, environment: Mapping[str, str] | None = None) -> str:
    """A text in which the names of environment variables stand for their secret values.

    Args:
        text: what a program printed or raised.
        environment: names and values; None: those of this process.
    """
    known = os.environ if environment is None else environment
    found = {value: name for name, value in known.items() if SECRET.search(name)}
    for value in sorted(found, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, f"[{found[value]}]")
    return text
