"""What an answer of the guard is bound to: digests of everything that was judged.

Figures stand in a manifest, and what they were measured on stands in tables beside it. The guard
answers only if every commit of the round is what its stage made (`pipelines.rounds.attestation`),
so that the figures are those of these tables; and its answer names their digests, so that the
history proves which samples, verdicts, hold-out and suite it was about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lake import refs
from lake.client import Lake
from pipelines.common import digests
from pipelines.common.errors import StaleError
from pipelines.rounds import (
    adoption,
    attestation,
    history,
    listing,
    path_scope,
    payload,
    published_content,
)
from pipelines.rounds.context import RoundContext
from pipelines.takedown import gone

TABLES: Final = ("samples", "lineage", "scores", "verdicts", "decisions", "leaks", "contaminated")
"""Tables whose digests an answer names."""


def fault(ctx: RoundContext, commit: str) -> str | None:
    """Find out why what the guard would judge at a commit is not what stages made and published.

    Returns:
        One sentence; None if every commit of the round is what its stage made, its samples hold
        what their ids name and what was decided on, and the rounds before it are as published.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    merge = history.published_round(lake, ctx.round)
    wrong = adoption.fault(ctx, lake.resolve(commit), merge)
    if wrong is None and ctx.round.line == refs.MAIN:
        wrong = published_content.fault(lake, commit, dataset, gone.at(lake).before, before=number)
        other = path_scope.foreign(lake.diff(refs.MAIN, commit), dataset, number)
        if wrong is None and other is not None:
            wrong = f"the branch also {path_scope.verb(other)} {other.path}"
    return wrong or _payload_fault(ctx, commit)


def _payload_fault(ctx: RoundContext, commit: str) -> str | None:
    """Why the samples of the round do not hold what their ids name and what was decided on."""
    samples, decisions = (
        ctx.lake.scan(commit, refs.partition(ctx.round.dataset, table, ctx.round.number))
        for table in ("samples", "decisions")
    )
    wrong = payload.faults(samples, decisions, ctx.round.identity)
    return f"round {ctx.round.number} of {ctx.round.dataset} {wrong}" if wrong else None


def check(ctx: RoundContext, commit: str) -> None:
    """Refuse to judge a round that is not what its stages made.

    Raises:
        StaleError: some commit of the round is not.
    """
    wrong = fault(ctx, commit)
    if wrong is not None:
        raise StaleError(
            f"the guard does not judge {ctx.round.key}: {wrong}; run `dvc repro` to make it again"
        )


def of_tables(lake: Lake, commit: str, dataset: str, number: int) -> dict[str, str]:
    """Digests of the tables of a round at a commit, by name; without those that it lacks."""
    parts: dict[str, dict[str, str]] = {}
    for path, checksum in listing.checksums(lake, commit, dataset).items():
        table = path.removeprefix(f"{dataset}/").partition("/")[0]
        if table in TABLES and refs.round_of(path) == number:
            parts.setdefault(table, {})[path] = checksum
    return {table: digests.of_json(parts[table]) for table in TABLES if table in parts}


def of_round(
    ctx: RoundContext,
    commit: str,
    recorded: Mapping[str, Any],
    calibration: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Digests of what an answer about a round is about, by name.

    Args:
        ctx: the round.
        commit: the judged commit.
        recorded: the round's manifest there.
        calibration: evidence about the verifier's calibration, if there is any.
    """
    lake, dataset, number = ctx.lake, ctx.round.dataset, ctx.round.number
    held_out = recorded.get("leaks", {}).get("holdout_digest")
    used = (calibration or {}).get("digest")
    return {
        "content": attestation.content(lake, commit, dataset, number),
        **of_tables(lake, commit, dataset, number),
        "suite": str(recorded["verdicts"]["suite"]),
        **({"holdout": str(held_out)} if held_out else {}),
        **({"calibration": str(used)} if used else {}),
    }
