"""Tests of what optional packages do are left out where a package is not installed."""

from __future__ import annotations

import importlib.util

import pytest


def needs_package(module: str) -> pytest.MarkDecorator:
    """Skip a test where a module is not installed; the last lines of a run say so."""
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"the package {module} is not installed")
