"""Tests that need a system which isolates programs: the gate requires one, anybody else skips."""

from __future__ import annotations

import pytest

from tests.needs import SANDBOX

needs_sandbox = pytest.mark.skipif(
    SANDBOX.missing() and not SANDBOX.is_required(), reason=SANDBOX.lacking
)
