"""Golden digests: output for a fixed input is pinned beside the version of what makes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

DIGITS: Final = 9
"""Significant digits of a number that count, so that processors and libraries agree."""


def digest_of(output: object) -> str:
    """SHA-256 of an output as JSON, numbers rounded, as 64 hex digits."""
    text = json.dumps(_rounded(output), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def check(output: object, version: str, pinned: Mapping[str, str], *, file: str) -> None:
    """Hold an output against the digest that is pinned for a version.

    Args:
        output: anything that JSON can hold.
        version: of what made it, such as `coverage/1`.
        pinned: digests by version.
        file: where the version stands.

    Raises:
        AssertionError: the digest is another, or none is pinned for this version.
    """
    name, _, number = version.rpartition("/")
    found = digest_of(output)
    if version not in pinned:
        raise AssertionError(f"{version} has no golden digest: put {found!r} here")
    if pinned[version] != found:
        raise AssertionError(
            f"output of {name} changed: raise {version} to {name}/{int(number) + 1} in {file} (or "
            f"the version of a module that it imports, if that one changed), then put {found!r} "
            "here"
        )


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
