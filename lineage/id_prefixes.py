"""Prefixes of sample ids, by which people refer to samples."""

from __future__ import annotations

import re
from typing import Final

from lineage import schema
from lineage.errors import QueryError

SHORTEST: Final = 8
LONGEST: Final = 2 * schema.ID_BYTES


def parse(prefix: str) -> str:
    """Check an id prefix and return it in lower case.

    Raises:
        QueryError: it cannot be one.
    """
    digits = prefix.strip().lower()
    if not re.fullmatch("[0-9a-f]+", digits):
        raise QueryError(
            f"{prefix!r} is not a sample id; give {SHORTEST} or more hex digits of one"
        )
    if len(digits) < SHORTEST:
        raise QueryError(
            f"{prefix!r} has {len(digits)} hex digits; give at least {SHORTEST}, so that it names "
            "few samples"
        )
    if len(digits) > LONGEST:
        raise QueryError(
            f"{prefix!r} has {len(digits)} hex digits; a sample id has {LONGEST} at most"
        )
    return digits
