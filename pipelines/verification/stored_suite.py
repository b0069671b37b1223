"""The suite of a round in the lake: what its verdicts follow from, beside candidates and scores.

`digits/suite/round=003/suite.json` is the suite as Great Expectations' JSON. Where it compares
candidates with real rows, `real.parquet` beside it holds the scores of these rows that it compares.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from expectations import suite as suites
from expectations.suite import Suite
from lake import documents, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import NotFoundError
from pipelines.common.errors import DataError
from pipelines.rounds import tables

if TYPE_CHECKING:
    import polars as pl

TABLE: Final = "suite"
MAX_BYTES: Final = 1 << 24
"""Limit of the size of a stored suite, in bytes."""


def path(dataset: str, number: int) -> str:
    """Path of a round's suite in the lake."""
    return f"{refs.partition(dataset, TABLE, number)}suite.json"


def real_path(dataset: str, number: int) -> str:
    """Path of the scores of real rows that a round's suite compares."""
    return f"{refs.partition(dataset, TABLE, number)}real.parquet"


def encoded(suite: Suite) -> bytes:
    """Encode a suite as JSON.

    Arguments keep their order, because the details of verdicts name them in it.
    """
    return json.dumps(suite.document(), indent=2, ensure_ascii=False).encode() + b"\n"


def write(
    lake: Lake,
    branch: str,
    suite: Suite,
    compared: pl.DataFrame | None,
    *,
    dataset: str,
    number: int,
) -> None:
    """Stage the suite of a round on a branch, and the scores of real rows if it compares any.

    Args:
        lake: The lake.
        branch: The branch to write on.
        suite: What the candidates were verified with.
        compared: Real rows' round, row and scores; None if the suite compares no real rows.
        dataset: The data set.
        number: The round.
    """
    lake.write_bytes(branch, path(dataset, number), encoded(suite), "application/json")
    if compared is not None:
        lake.write(branch, real_path(dataset, number), compared)


def read(lake: Lake, ref: str, dataset: str, number: int) -> Suite | None:
    """Read the suite of a round at a ref; None if it holds none, as in earlier releases.

    Raises:
        DataError: it is not JSON.
        SuiteError: it is not a suite.
        TooLargeError: it is larger than `MAX_BYTES`.
    """
    stored = path(dataset, number)
    try:
        content = documents.parse_json(lake.read(ref, stored, MAX_BYTES))
    except NotFoundError:
        return None
    except DocumentError as error:
        raise DataError(f"{stored} at {ref} {error}; no stage wrote it") from error
    return suites.parse(content, f"{stored} at {ref}")


def real_scores(lake: Lake, ref: str, dataset: str, number: int) -> pl.DataFrame | None:
    """Read the scores of real rows that a round's suite compares; None if it compares none.

    Raises:
        SchemaError: they cannot be read.
    """
    try:
        scanned = lake.scan(ref, real_path(dataset, number))
    except NotFoundError:
        return None
    return tables.collected(scanned, f"{real_path(dataset, number)} at {ref}")
