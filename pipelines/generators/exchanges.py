"""What a service was asked for each candidate, and what it answered, as a part of the round.

The prompt of a row cannot be had again once the pool, a template or the model behind a name has
changed, and an answer that was paid for and broken is nowhere else. So both travel with the round,
one row for each request, and `stemma audit --prompt` shows them. Lineage names prompts by their
digest alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from lineage.export.asked import REQUESTS

TABLE: Final = "exchanges"
"""Name of the table in the lake."""
SCHEMA: Final = pl.Schema(
    {
        "row": pl.Int64(),
        "planned": pl.Int64(),
        **REQUESTS,
        "prompt": pl.String(),
        "answer": pl.String(),
        "finish_reason": pl.String(),
        "failure": pl.String(),
        "broken": pl.List(pl.Struct({"reason": pl.String(), "text": pl.String()})),
        "attempts": pl.Int64(),
        "tokens_in": pl.Int64(),
        "tokens_out": pl.Int64(),
        "dollars": pl.Float64(),
        "attributes": pl.String(),
        "chosen": pl.Boolean(),
    }
)
"""`row` is the candidate's, null where none came of it; `planned` is the row that was planned, and
numbers requests without a candidate too. `model` is what was asked for, `served` the name under
which it answered. `template` is the SHA-256 of the prompt's template; `prompt` is the text, or the
messages as JSON, with the digests of pictures. `attributes` are what the prompt asked for, as JSON.
`chosen` is false of a candidate that was made besides a better one.
`broken` are the answers that were no value under the schema, as far as this
machine paid for them."""


def numbered(exchanges: pl.DataFrame, planned: Sequence[int]) -> pl.DataFrame:
    """Give exchanges the rows that their candidates have.

    Args:
        exchanges: as `SCHEMA`, with `planned` set.
        planned: of each candidate, in order, the row that was planned for it.
    """
    dense = pl.DataFrame(
        {"planned": planned, "row": range(len(planned))},
        {"planned": pl.Int64, "row": pl.Int64},
    )
    joined = exchanges.drop("row").join(dense, on="planned", how="left", maintain_order="left")
    joined = joined.with_columns(pl.when("chosen").then("row").alias("row"))
    return joined.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
