"""Whether the samples of a round hold what their ids name and what was decided on.

The guard asks this before it answers: its figures are measured on payloads, and a flipped label or
a replaced image changes none of the ids that lineage and decisions refer to.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lineage.errors import IdentityError, SchemaError
from lineage.proof import payload as proof


def faults(
    samples: pl.LazyFrame, decisions: pl.LazyFrame | None, identity: Sequence[str]
) -> str | None:
    """Find out whether the payload of a round's samples was changed.

    Args:
        samples: the accepted samples of one round.
        decisions: its decisions; None: of real data, whose payload is compared with its ids alone.
        identity: the identity columns of the data set.

    Returns:
        What is wrong and where, in words that continue "the round"; None if nothing is. Decisions
        of an earlier release, which state no digest, leave columns outside of the identity open.
    """
    try:
        found = _changed(samples, decisions, identity)
    except (IdentityError, SchemaError) as error:
        return f"has samples whose ids cannot be computed again: {error}"
    if found.is_empty():
        return None
    first = found.row(0, named=True)
    others = f", and {len(found) - 1:,} more rows are like it" if len(found) > 1 else ""
    name = "" if first["sample_id"] is None else f" ({first['sample_id'].hex()[: proof.PREFIX]})"
    return f"has samples that were changed: row {first['row']}{name} {first['detail']}{others}"


def _changed(
    samples: pl.LazyFrame, decisions: pl.LazyFrame | None, identity: Sequence[str]
) -> pl.DataFrame:
    """Find rows whose ids are not those of their payload; else rows with other columns."""
    what = "the payload of the samples"
    decided = None if decisions is None else proof.stated(decisions, "the decisions")
    names = proof.others(samples, identity, what)
    replaced, altered = [proof.FOUND.to_frame()], [proof.FOUND.to_frame()]
    for block in proof.digests(samples, identity, what):
        replaced.append(proof.replaced(block))
        if decided is not None:
            altered.append(proof.altered(block, decided, names))
    found = pl.concat(replaced)
    return (pl.concat(altered) if found.is_empty() else found).sort("row")
