"""What happens where another client cannot be tried: the gate fails, anybody else skips."""

from __future__ import annotations

import os

import pytest

REQUIRED = "STEMMA_REQUIRE_CLIENT_SUITES"
"""Environment variable that makes a client that cannot be tried a failure; the gate sets it."""


def cannot(reason: str) -> None:
    (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(reason)
