"""Tests that need a system which isolates programs: the gate requires one, anybody else skips."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRED = "STEMMA_REQUIRE_SANDBOX"
"""Environment variable that makes a missing bubblewrap a failure; the gate sets it."""

needs_sandbox = pytest.mark.skipif(
    shutil.which("bwrap") is None and not os.environ.get(REQUIRED),
    reason="bubblewrap is not installed, so no program is run",
)
