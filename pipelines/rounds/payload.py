"""Whether the samples of a round hold what their ids name and what was decided on.

The guard asks this before it answers: its figures are measured on payloads, and a flipped label or
a replaced image changes none of the ids that lineage and decisions refer to.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lineage import payload
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
        seen = proof.digests(samples, identity, "the payload of the samples")
        found = proof.replaced(seen)
        if found.is_empty() and decisions is not None:
            stated = proof.stated(decisions, "the decisions")
            names = payload.others(samples.collect_schema().names(), identity)
            found = proof.altered(seen, stated, names)
    except (IdentityError, SchemaError) as error:
        return f"has samples whose ids cannot be computed again: {error}"
    if found.is_empty():
        return None
    first = found.row(0, named=True)
    others = f", and {len(found) - 1:,} more rows are like it" if len(found) > 1 else ""
    name = "" if first["sample_id"] is None else f" ({first['sample_id'].hex()[: proof.PREFIX]})"
    return f"has samples that were changed: row {first['row']}{name} {first['detail']}{others}"
