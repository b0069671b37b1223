"""Run scorers over candidates: what is kept is taken from the cache, the rest computed and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import polars as pl
from polars import selectors as cs

from pipelines.common import progress
from pipelines.common.errors import DataError
from pipelines.common.settings import StrictModel
from pipelines.scorers import digests, protocol, registry
from pipelines.scorers.cache import DIGEST, Cache
from pipelines.scorers.protocol import KEY, Given, Scorer, ScoresReal

ROW_TYPES = {"round": pl.Int32, "row": pl.Int64}


def score_all(
    scorers: Mapping[str, Mapping[str, Any]], candidates: pl.DataFrame, given: Given
) -> pl.DataFrame:
    """Compute all scores of the candidates.

    Args:
        scorers: settings by name, as in params.yaml.
        candidates: round, row and payload.
        given: the rest.

    Returns:
        round, row and the columns of all scorers, one row per candidate, in their order.

    Raises:
        ParamsError: there is no such scorer or setting.
        DataError: a scorer reads a column that is not there, or gives another frame than it says.
    """
    scores_of_all = candidates.select(pl.col(name).cast(kind) for name, kind in ROW_TYPES.items())
    for name, given_settings in scorers.items():
        scores = score(name, registry.settings(name, given_settings), candidates, given)
        scores_of_all = scores_of_all.hstack(scores.drop(KEY))
    return scores_of_all


def score_blocks(
    scorers: Mapping[str, Mapping[str, Any]],
    read: Callable[[Sequence[str]], Iterator[pl.DataFrame]],
    given: Given,
    known: Mapping[str, pl.DataFrame] = MappingProxyType({}),
) -> pl.DataFrame:
    """Compute all scores of the candidates of a round, whose payload is read in blocks.

    A scorer that scores row by row sees one block at a time; any other one sees all rows, and of
    their payload the columns that it reads. Scores are the same as those of `score_all`.

    Args:
        scorers: settings by name, as in params.yaml.
        read: reads round, row and columns of these names, as far as they are there, block by block.
        given: the rest.
        known: scores that others computed, by scorer: round, row and its columns.

    Returns:
        As `score_all`.

    Raises:
        ParamsError, DataError: as `score_all`.
    """
    keys = pl.concat(list(read([])))
    scores_of_all = keys.select(pl.col(name).cast(kind) for name, kind in ROW_TYPES.items())
    for name, given_settings in scorers.items():
        settings = registry.settings(name, given_settings)
        configured = ConfiguredScorer(name, registry.load(name), settings, given)
        scores = known[name] if name in known else _of_blocks(configured, read)
        scores_of_all = scores_of_all.hstack(scores.drop(KEY))
    return scores_of_all


def _of_blocks(
    configured: ConfiguredScorer, read: Callable[[Sequence[str]], Iterator[pl.DataFrame]]
) -> pl.DataFrame:
    """Compute the scores of one scorer."""
    columns = protocol.columns_read(
        configured.scorer, configured.settings, configured.given.content
    )
    configured.shown(configured.given.real, "real rows")
    shown = (configured.shown(block, "candidates") for block in read(columns))
    cache = configured.cache("candidates")
    if configured.scorer.rowwise:
        return pl.concat([_rows(configured, block, cache) for block in shown])
    rows = pl.concat(list(shown))
    return _whole(rows, cache, lambda: configured.score(rows))


def score_shards(
    scorers: Mapping[str, Mapping[str, Any]],
    candidates: pl.DataFrame,
    shards: pl.Series,
    given: Given,
    before: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Compute all scores of candidates that are judged shard by shard.

    The scores of a shard are those that its rows have beside earlier shards alone, so what is made
    later does not change them.

    Args:
        scorers: settings by name, as in params.yaml.
        candidates: round, row and payload, in order of shards.
        shards: of each candidate, ascending.
        given: the rest.
        before: scores of the first shards, where they are known.

    Returns:
        As `score_all`.

    Raises:
        ParamsError, DataError: as `score_all`.
    """
    parts = [] if before is None else [before]
    done = sum(len(each) for each in parts)
    for last in shards[done:].unique(maintain_order=True):
        stop = len(shards) - int((shards > last).sum())
        parts.append(score_all(scorers, candidates[:stop], given)[done:])
        done = stop
    return pl.concat(parts) if parts else score_all(scorers, candidates, given)


def score_real(
    scorers: Mapping[str, Mapping[str, Any]], columns: Iterable[str], given: Given
) -> pl.DataFrame:
    """Compute scores of the real rows, by those scorers that can.

    Args:
        scorers: settings by name, as in params.yaml.
        columns: the scores that are wanted; a scorer of none of them does not run.
        given: the real rows and the rest.

    Returns:
        round, row and all columns of the scorers that ran, one row per real row, in their order.
    """
    wanted_columns = set(columns)
    scores_of_all = given.real.select(pl.col(name).cast(kind) for name, kind in ROW_TYPES.items())
    for name, given_settings in scorers.items():
        configured = ConfiguredScorer(
            name, registry.load(name), registry.settings(name, given_settings), given
        )
        if isinstance(configured.scorer, ScoresReal) and wanted_columns & set(
            configured.scorer.columns
        ):
            scores_of_all = scores_of_all.hstack(_real(configured, configured.scorer).drop(KEY))
    return scores_of_all


@dataclass(frozen=True, slots=True)
class ConfiguredScorer:
    """A scorer with its settings and its data."""

    name: str
    scorer: Scorer[Any]
    settings: StrictModel
    given: Given

    def shown(self, rows: pl.DataFrame, what: str) -> pl.DataFrame:
        """Select the columns that the scorer reads.

        Raises:
            DataError: one is not there.
        """
        columns = protocol.columns_read(self.scorer, self.settings, self.given.content)
        for column in columns:
            if column not in rows.columns:
                raise DataError(
                    f"scorer {self.name} reads column {column!r}, which the {what} do not have "
                    f"(they have {', '.join(rows.columns)}); set its name under "
                    f"verify.scorers.{self.name}"
                )
        return rows.select(*KEY, *columns)

    def cache(self, what: str) -> Cache:
        """Return the cache for this scorer with this model, these settings and this code."""
        model = digests.of_values(
            what=what,
            scorer=self.name,
            code=digests.of_code(type(self.scorer).__module__),
            settings=self.settings.model_dump(mode="json"),
            model=self.scorer.model_digest(self.given, self.settings),
        )
        return Cache(
            model, pl.Schema(protocol.column_types(self.scorer, self.given, self.settings))
        )

    def score(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Score candidates, and check that the result is what the protocol says."""
        with progress.bar(len(rows), self.name) as progress_:
            given = replace(self.given, progress=progress_)
            return _checked(self, rows, self.scorer.score(rows, given, self.settings))


def score(name: str, settings: StrictModel, candidates: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Compute the scores of one scorer: round, row and its columns, one row per candidate.

    Raises:
        DataError: as `score_all`.
    """
    configured = ConfiguredScorer(name, registry.load(name), settings, given)
    configured.shown(given.real, "real rows")
    rows_read = configured.shown(candidates, "candidates")
    cache = configured.cache("candidates")
    if configured.scorer.rowwise:
        return _rows(configured, rows_read, cache)
    return _whole(rows_read, cache, lambda: configured.score(rows_read))


def _real(configured: ConfiguredScorer, scorer: ScoresReal) -> pl.DataFrame:
    rows_read = configured.shown(configured.given.real, "real rows")
    return _whole(
        rows_read,
        configured.cache("real"),
        lambda: _checked(
            configured, rows_read, scorer.score_real(configured.given, configured.settings)
        ),
    )


def _whole(rows: pl.DataFrame, cache: Cache, compute: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Return the cached scores of a frame, or compute and cache them."""
    key = digests.of_frame(rows, rows.columns)
    cached = cache.whole(key)
    if cached is not None and len(cached) == len(rows):
        return _beside(rows, cached)
    scores = compute()
    cache.keep_whole(key, scores)
    return scores


def _rows(configured: ConfiguredScorer, rows: pl.DataFrame, cache: Cache) -> pl.DataFrame:
    """Score rows one by one: equal rows once, and cached ones not again.

    A row without any score is not kept: what prevented it, such as a limit of time, may pass.
    """
    keyed = rows.with_columns(digests.of_rows(rows, rows.columns[len(KEY) :]))
    scored = cache.rows(keyed.select(DIGEST).unique())
    new = keyed.unique(DIGEST, keep="first", maintain_order=True).join(
        scored, on=DIGEST, how="anti", maintain_order="left"
    )
    if len(new):
        fresh = configured.score(new.drop(DIGEST)).drop(KEY).insert_column(0, new[DIGEST])
        cache.keep_rows(fresh.filter(pl.any_horizontal(cs.exclude(DIGEST).is_not_null())))
        scored = pl.concat([scored, fresh])
    scores = keyed.select(DIGEST).join(scored, on=DIGEST, how="left", maintain_order="left")
    return _beside(rows, scores.drop(DIGEST))


def _beside(rows: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col(key).cast(kind) for key, kind in ROW_TYPES.items()).hstack(scores)


def _checked(
    configured: ConfiguredScorer, rows: pl.DataFrame, scores: pl.DataFrame
) -> pl.DataFrame:
    """Check the scores against the protocol, and replace NaN by null."""
    name = configured.name
    types = protocol.column_types(configured.scorer, configured.given, configured.settings)
    schema = pl.Schema({**ROW_TYPES, **types})
    if scores.schema != schema:
        raise DataError(f"scorer {name} gave columns {scores.schema}; it promises {schema}")
    if not scores.select(KEY).equals(_beside(rows, rows.select([]))):
        raise DataError(f"scorer {name} gave other rows than the candidates it was asked for")
    return scores.with_columns(cs.float().fill_nan(None))
