"""The training mix at a commit: what the generator of the round after it would be fitted on."""

from __future__ import annotations

from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common.errors import ParamsError
from pipelines.common.settings import nearest
from pipelines.gate import contamination
from pipelines.params import Params, Round, RoundEntry, resolve
from pipelines.rounds import mixes, round_holdout, tables
from pipelines.rounds.context import RoundContext
from pipelines.rounds.mixes import MixRows
from pipelines.takedown import denied_rows


def context_after(lake: Lake, params: Params, commit: str, dataset: str) -> RoundContext:
    """Return the context of the round that follows the last one at a commit.

    That is the next round of params.yaml; where it has none, a round with the data set's settings.

    Args:
        lake: the lake.
        params: the content of params.yaml.
        commit: the commit.
        dataset: the data set's name.

    Raises:
        ParamsError: params.yaml has no such data set.
        NotFoundError: the commit holds no samples of it.
    """
    if dataset not in params.datasets:
        raise ParamsError(
            f"there is no data set {dataset!r} in params.yaml{nearest(dataset, params.datasets)}"
        )
    numbers = tables.rounds(lake, commit, dataset)
    if not numbers:
        raise NotFoundError(f"{commit[:12]} holds no samples of {dataset}; name another ref")
    return RoundContext(params, _round_after(params, dataset, numbers[-1]), lake)


def compose(ctx: RoundContext, commit: str) -> MixRows:
    """Choose and weigh the rows of the mix as stage `fit` does: none is contaminated or denied.

    Args:
        ctx: of the round that the mix is for.
        commit: the commit from which it is taken.

    Raises:
        StaleError: the hold-out that round 0 names cannot be read, so nothing can be compared with
            it.
        MixError: nothing is left to train on.
    """
    contaminated = contamination.of_mix(ctx, commit, round_holdout.open_at(ctx, commit))
    denied = denied_rows.of_mix(ctx.lake, commit, ctx.round)
    return mixes.compose(ctx.lake, commit, ctx.round, contaminated=contaminated, denied=denied)


def _round_after(params: Params, dataset: str, last: int) -> Round:
    later = [
        (entry.round, key)
        for key, entry in params.rounds.items()
        if entry.dataset == dataset and entry.round > last
    ]
    if later:
        return resolve(params, min(later)[1])
    known = [entry.round for entry in params.rounds.values() if entry.dataset == dataset]
    number, previous = last + 1, max(known, default=0)
    generator = params.datasets[dataset].modality.generator
    entry = RoundEntry(dataset=dataset, round=number, previous=previous, generator=generator)
    key = f"{dataset}-{number}"
    return resolve(params.model_copy(update={"rounds": {**params.rounds, key: entry}}), key)
