"""What rounds took when they were made, for what it would take to make them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lake.client import Lake
from pipelines.rounds import manifest
from pipelines.takedown.occurrences import RegeneratedShards


@dataclass(frozen=True, slots=True)
class RoundCost:
    """What a round took when it was made, as its manifest says."""

    generate: float | None
    """Seconds of stage `generate`; None where nobody measured them."""
    whole: float
    """Seconds of all stages that were measured."""
    dollars: float
    """What services were paid."""


def of_rounds(
    lake: Lake,
    commit: str,
    refit: Mapping[str, tuple[int, int]],
    shards: Iterable[RegeneratedShards],
) -> dict[str, RoundCost]:
    """What the rounds that may be made again took, by `digits-3`.

    Args:
        lake: the lake.
        commit: a commit that holds them.
        refit: by data set, the first and the last round that would be fitted again.
        shards: of rounds that would be generated again.
    """
    rounds = {(part.dataset, part.round) for part in shards}
    for dataset, (first, last) in refit.items():
        rounds |= {(dataset, number) for number in range(first, last + 1)}
    found = {}
    for dataset, number in sorted(rounds):
        cost = manifest.read_if_there(lake, commit, dataset, number).get("cost", {})
        parts = {name: part for name, part in cost.items() if isinstance(part, Mapping)}
        seconds = {
            name: float(part["seconds"])
            for name, part in parts.items()
            if isinstance(part.get("seconds"), int | float)
        }
        dollars = [part["dollars"] for part in parts.values() if part.get("dollars")]
        whole = sum(seconds.values())
        found[f"{dataset}-{number}"] = RoundCost(seconds.get("generate"), whole, sum(dollars))
    return found
