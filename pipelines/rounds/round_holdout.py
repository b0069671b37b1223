"""The hold-out of a round: of the real data that the round descends from.

While a caller keeps a hold-out open, others who open it get the same one, so that a stage reads its
rows, and compares them with what round 0 names, once.
"""

from __future__ import annotations

from typing import Final
from weakref import WeakValueDictionary

from pipelines.rounds import holdout, manifest
from pipelines.rounds.context import RoundContext, open_lake
from pipelines.rounds.holdout import HeldOut

_OPEN: Final[WeakValueDictionary[tuple[str, ...], HeldOut]] = WeakValueDictionary()


def open_at(ctx: RoundContext, commit: str, dataset: str | None = None) -> HeldOut:
    """Open the hold-out of the real data at a commit; its rows are compared as they are read.

    Args:
        ctx: the round.
        commit: the commit that holds round 0.
        dataset: the data set; None: that of the round.

    Raises:
        StaleError: the hold-out is missing, or not the one that round 0 names.
    """
    name = ctx.round.dataset if dataset is None else dataset
    named = holdout.named(name, manifest.read(ctx.lake, commit, name, 0))
    found = holdout.open_named(open_lake(ctx.params, holdout=True), named)
    identity = (found.lake.endpoint, found.lake.repository, found.commit, repr(named))
    return _OPEN.setdefault(identity, found)
