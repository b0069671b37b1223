"""Lineage of a round's candidates: explicit parents, the training mix, or an opaque root.

A generator names parents in its own data set, or in another data set at a pinned commit. Their
lineage is read at that commit, never at a moving ref.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lineage import edges, record
from lineage.training_mix import MixManifest
from pipelines.common.errors import GeneratorError
from pipelines.generators.making import SHARE
from pipelines.generators.protocol import GenerateResult
from pipelines.generators.registry import GENERATORS
from pipelines.rounds import tables
from pipelines.rounds.context import RoundContext

RECORDED: Final = ("row", "sample_id", "seed", "shard", "prompt_digest")
"""Columns of a candidate that lineage records if the generator gives them."""
COMMIT: Final = "commit"


def derive(
    ctx: RoundContext, result: GenerateResult, digest: str, mix: MixManifest
) -> pl.DataFrame:
    """Derive the lineage of each candidate, as `lineage.record.derive` does.

    Args:
        ctx: the round.
        result: the candidates of the round.
        digest: digest of the generator's manifest.
        mix: the training mix that the generator was fitted on.

    Raises:
        GeneratorError: a row is partly opaque, or the parents in a data set are at two commits.
        ParentError: a parent does not exist, is not from an earlier round, or the weights of the
            parents are too large.
        NotFoundError: the lake does not hold a commit or a data set that a parent names.
    """
    share = result.candidates[SHARE]
    if not share.is_in([0.0, 1.0]).all():
        raise GeneratorError(
            f"the generator {ctx.round.generator} gives {SHARE} {share.unique().sort().to_list()}; "
            f"lineage records rows that are opaque (1) or learnt from the mix (0), and none between"
        )
    stored = None if result.parents is None else stored_parents(ctx, result.parents)
    columns = [name for name in RECORDED if name in result.candidates.columns]
    said = {"source": result.report.source, "licence": result.report.licence}
    terms = [pl.lit(value).alias(name) for name, value in said.items() if value is not None]
    parts = [
        record.derive(
            rows.select(*columns, *terms),
            round_number=ctx.round.number,
            dataset=ctx.round.dataset,
            generator=digest,
            attribution=GENERATORS.find(ctx.round.generator).attribution,
            mix=learnt_mix,
            parents=_parents_of(result.parents, rows),
            stored=stored,
        )
        for opaque, learnt_mix in ((0.0, mix), (1.0, None))
        if len(rows := result.candidates.filter(pl.col(SHARE) == opaque))
    ]
    return pl.concat(parts).sort("row")


def pinned(parents: pl.DataFrame | None) -> dict[str, str]:
    """The pinned commits of parents in other data sets, by data set.

    Args:
        parents: as `GenerateBatch.parents`.

    Raises:
        GeneratorError: a data set is named at two commits.
    """
    if parents is None or COMMIT not in parents.columns:
        return {}
    pins = parents.drop_nulls(COMMIT).select("dataset", COMMIT).unique().sort("dataset")
    if pins["dataset"].is_duplicated().any():
        twice = pins.filter(pl.col("dataset").is_duplicated())["dataset"][0]
        raise GeneratorError(f"parents in {twice} are named at two commits; pin one")
    return dict(pins.iter_rows())


def stored_parents(ctx: RoundContext, parents: pl.DataFrame) -> pl.DataFrame:
    """Lineage of the accepted rows of every data set that has parents.

    Args:
        ctx: the round. The commit of its training mix applies to parents that name no commit.
        parents: as `GenerateBatch.parents`.
    """
    commits = pinned(parents)
    default_commit = ctx.receipt("fit").commit
    frames = [
        tables.accepted_lineage(ctx.lake, commits.get(name, default_commit), name).with_columns(
            pl.lit(name).alias("dataset")
        )
        for name in parents["dataset"].unique().sort()
    ]
    return pl.concat(frames, how="diagonal_relaxed") if frames else edges.STORED.to_frame()


def _parents_of(parents: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame | None:
    """The parents of some of the candidates."""
    if parents is None:
        return None
    selected = parents.join(rows.select("row"), on="row", how="semi", maintain_order="left")
    return selected.select(edges.PARENT.names())
