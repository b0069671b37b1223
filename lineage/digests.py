"""Canonical JSON and its digest: the one form in which this package hashes a value.

Other forms exist where a digest was stored before: the lake's commits and trees, answers of a
language model, and the header of a segment's file keep their bytes, since a digest that is stored
must be found again.
"""

from __future__ import annotations

import hashlib
import json


def canonical(value: object, *, ascii_only: bool = True) -> bytes:
    """Encode a value as canonical JSON: names sorted, no spaces.

    Args:
        value: mappings, lists, texts, numbers, booleans and None.
        ascii_only: write what is not ASCII as escapes; otherwise as UTF-8.

    Raises:
        TypeError: the value holds something else.
        UnicodeEncodeError: a text holds half of a surrogate pair, and is to be written as UTF-8.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only)
    return text.encode()


def of_json(value: object, *, ascii_only: bool = True) -> str:
    """Digest a value's canonical JSON by SHA-256, as 64 hex digits; arguments as `canonical`."""
    return hashlib.sha256(canonical(value, ascii_only=ascii_only)).hexdigest()
