"""Pictures of another data set, which candidates are written about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from lineage import edges
from pipelines.common.errors import GeneratorError
from pipelines.features.images import IMAGE
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.text.attribution import SHARE
from pipelines.generators.text.exemplars import LABEL, Pool
from pipelines.generators.text.settings import Pictures, TextGenerate


@dataclass(frozen=True, eq=False)
class Gallery:
    """The accepted rows of a round of images, in order of ids."""

    dataset: str
    commit: str
    """At which they were read."""
    keys: pl.DataFrame
    """round and row, [n]."""
    files: Sequence[bytes]
    """The pictures as files, [n]."""
    names: Sequence[str] | None
    """Labels, [n]; None where texts have none."""

    def labels(self, count: int) -> list[str | None]:
        """Label of each candidate."""
        names = self.names
        return [None if names is None else names[row % len(names)] for row in range(count)]

    def parents(
        self, rows: Sequence[int], pictures: Sequence[int], shown: Sequence[int]
    ) -> pl.DataFrame:
        """Return the edges from candidates to their pictures, as `GenerateBatch.parents`.

        Args:
            rows: of the candidates.
            pictures: number of the picture of each.
            shown: how many exemplars its prompt shows besides, which share the weight.
        """
        edge = {
            "row": pl.Series(rows, dtype=pl.Int64),
            "dataset": pl.Series([self.dataset] * len(rows), dtype=pl.String),
            "relation": pl.Series(["seed"] * len(rows)).cast(edges.PARENT["relation"]),
            "weight": pl.Series([SHARE / (1 + each) for each in shown], dtype=pl.Float32),
            "commit": pl.Series([self.commit] * len(rows), dtype=pl.String),
        }
        where = self.keys[list(pictures)].rename({"row": "parent_row"})
        columns = where.with_columns(series.alias(name) for name, series in edge.items())
        return columns.select(
            *(pl.col(name).cast(kind) for name, kind in edges.PARENT.items()), "commit"
        )


def of(request: GenerateRequest[TextGenerate], pool: Pool) -> Gallery | None:
    """Read the pictures of a round; None if it has none.

    Raises:
        GeneratorError: there are none, or they have no labels where the texts have.
        StaleError: the round of pictures is not published.
    """
    wanted = request.settings.pictures
    if wanted is None:
        return None
    if request.samples is None:
        raise GeneratorError("pictures are read from the project's lake, which is not there")
    commit, rows = request.samples(wanted.dataset, wanted.round)
    ordered = rows.sort("sample_id")
    files = _files(wanted, ordered)
    names = None
    if pool.labels is not None:
        if LABEL not in ordered.columns:
            raise GeneratorError(
                f"pictures: {wanted.dataset} has no labels, and the texts have; use a data set of "
                "texts without labels"
            )
        names = [str(each) for each in ordered[LABEL].to_list()]
    return Gallery(wanted.dataset, commit, ordered.select("round", "row"), files, names)


def _files(wanted: Pictures, rows: pl.DataFrame) -> list[bytes]:
    """The files of the column of pictures."""
    where = f"pictures: round {wanted.round} of {wanted.dataset}"
    if wanted.column not in rows.columns or rows.schema[wanted.column] != IMAGE:
        raise GeneratorError(f"{where} has no images in column {wanted.column!r}; name another")
    files = rows[wanted.column].struct.field("bytes")
    if not len(files) or files.null_count():
        raise GeneratorError(f"{where} has rows without a picture; name another round")
    return files.to_list()
