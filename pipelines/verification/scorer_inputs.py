"""What the scorers of a round are given of the commit that its generator learned from.

It is apart from the suite, so that a worker that only scores does not import Great Expectations.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.common.seeds import derive_seed
from pipelines.rounds import holdout, round_holdout, tables
from pipelines.rounds.context import RoundContext
from pipelines.scorers import registry
from pipelines.scorers.protocol import Given


def of_round(
    ctx: RoundContext, pinned: str, held_out_splits: Sequence[str] = holdout.SPLITS
) -> Given:
    """Collect what the scorers of a round need of the commit that its generator learned from."""
    round_ = ctx.round
    loaded = [registry.load(name) for name in round_.settings.verify.scorers]
    wanted = {name for scorer in loaded for name in scorer.reads}
    modality = round_.settings.modality
    real = modality.shown(tables.real_samples(ctx.lake, pinned, round_.dataset))
    earlier = real.clear()
    if "earlier" in wanted:
        samples = tables.read(ctx.lake, pinned, round_.dataset, "samples")
        real_rounds = tables.real_rounds(ctx.lake, pinned, round_.dataset)
        before = samples.filter(~pl.col("round").is_in(real_rounds))
        what = f"the samples of {round_.dataset} at {pinned}"
        earlier = modality.shown(tables.collected(before, what))
    held = None
    if "held_out" in wanted:
        fingerprints = round_holdout.open_at(ctx, pinned).fingerprints()
        held = modality.shown(fingerprints.filter(pl.col("split").is_in(held_out_splits)))
    return Given(
        real=real,
        earlier=earlier,
        held_out=held,
        seed=derive_seed(round_.seed, round_.dataset, round_.number, "verify"),
        content=tuple(name for name in round_.identity if name != modality.answer),
    )
