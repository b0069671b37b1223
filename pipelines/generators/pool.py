"""The rows of a training mix, kept by a generator that makes each candidate of one or two of them.

Such a generator learns nothing: its folder holds the rows, and the rows that a candidate is made of
are its exact parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake import files
from lineage import schema
from lineage.errors import SchemaError
from pipelines.common import parquet
from pipelines.common.errors import DataError, GeneratorError
from pipelines.generators import model_folder
from pipelines.generators.protocol import (
    GenerateBatch,
    GenerateReport,
    GenerateRequest,
    GenerateResult,
)

FILE: Final = "pool.parquet"
LABEL: Final = "label"
KNOWN: Final = pl.Schema({**schema.SAMPLE_KEY, "weight": pl.Float64()})

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The rows of the mix."""

    keys: pl.DataFrame
    """round, row, sample_id and weight, [m]."""
    payload: pl.DataFrame
    """Content and answer, [m]."""
    others: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Columns that travel with the rows, [m]."""

    @property
    def features(self) -> tuple[str, ...]:
        """Columns by which rows are near: all but the label."""
        return tuple(each for each in self.payload.columns if each != LABEL)

    @property
    def label(self) -> NDArray[Any]:
        """The label of each row as a number, [m]; all the same where there are no labels."""
        if LABEL not in self.payload.columns:
            return np.zeros(len(self.payload), dtype=np.int64)
        return self.payload[LABEL].rank("dense").cast(pl.Int64).to_numpy()

    @property
    def has_neighbour(self) -> NDArray[np.bool_]:
        """Whether another row has the same label, [m]."""
        _, group, counts = np.unique(self.label, return_inverse=True, return_counts=True)
        return np.asarray(counts[group] > 1)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weight of each row in the mix, not normalised, [m]."""
        return self.keys["weight"].to_numpy()


def write(
    samples: pl.DataFrame, directory: Path, kind: str, more: Mapping[str, Any] | None = None
) -> None:
    """Keep the rows of a mix in a generator's folder.

    Args:
        samples: as `Generator.fit` gets them.
        directory: the folder.
        kind: version of the generator.
        more: what else its manifest says.
    """
    directory.mkdir(parents=True, exist_ok=True)
    samples.sort("round", "row").write_parquet(directory / FILE)
    about = {"kind": kind, "rows": len(samples), **(more or {})}
    files.write_json(directory / model_folder.MANIFEST, about)


def read(request: GenerateRequest[Any]) -> Pool:
    """Read the rows of the mix from a generator's folder.

    Raises:
        GeneratorError: they are not there or damaged.
    """
    path = request.directory / FILE
    try:
        rows = parquet.read(path)
        keys = schema.conform(rows.select(*KNOWN), KNOWN, required=tuple(KNOWN))
        payload = payload_of(rows, request)
    except (OSError, DataError, SchemaError, *schema.UNREADABLE) as error:
        raise GeneratorError(f"{path} cannot be read; run the stage fit again") from error
    weights = keys["weight"]
    if not len(rows) or not weights.is_finite().all() or not (weights > 0).all():
        raise GeneratorError(f"{path} holds no weights to draw by; run the stage fit again")
    return Pool(keys, payload, rows.drop(*KNOWN, *payload.columns))


def payload_of(rows: pl.DataFrame, request: GenerateRequest[Any]) -> pl.DataFrame:
    """Select content and answers of rows."""
    columns = [*request.identity, *(each for each in request.answers if each in rows.columns)]
    return rows.select(*dict.fromkeys(columns))


def parents(
    dataset: str,
    rows: pl.Series,
    keys: pl.DataFrame,
    weights: NDArray[np.float64],
    relation: str = "edited",
) -> pl.DataFrame:
    """Build an edge from each candidate to one of the rows that it is made of.

    Args:
        dataset: of candidates and parents.
        rows: the candidates, [n].
        keys: round and row of the parents, [n].
        weights: [n].
        relation: of the candidates to these parents.

    Returns:
        As `lineage.edges.PARENT`.
    """
    return keys.select(
        rows,
        pl.lit(dataset).alias("dataset"),
        "round",
        pl.col("row").alias("parent_row"),
        pl.lit(relation).alias("relation"),
        pl.Series("weight", weights),
    )


def environment() -> Mapping[str, str]:
    """Return the libraries that every such generator needs, with their versions."""
    return {"polars": pl.__version__, "numpy": np.__version__}


def result(batches: Iterable[GenerateBatch], report: GenerateReport) -> GenerateResult:
    """Put the batches of one shard together, as a replay returns them."""
    made = list(batches)
    parents_ = pl.concat(each.parents for each in made if each.parents is not None)
    return GenerateResult(pl.concat(each.candidates for each in made), parents_, report)
