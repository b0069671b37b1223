"""What the published rounds of a data set show: the only evidence that a forecast is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from pipelines.common.errors import DataError
from pipelines.rounds import history, manifest, tables

LABEL: Final = "label"


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of a round with its 95 % interval, and what real rows have in its place."""

    value: float
    low: float
    high: float
    null: float


@dataclass(frozen=True, slots=True)
class MixPart:
    """What one round gives to a training mix."""

    round: int
    weight: float


@dataclass(frozen=True, slots=True)
class ObservedRound:
    """A published round as its manifest has it."""

    number: int
    is_real: bool
    """Whether its rows are real: round 0, and later rounds of real data."""
    accepted: int
    candidates: int
    regime: str | None = None
    """How the mix with this round was made; None where no stage measured one."""
    learned_from: tuple[MixPart, ...] = ()
    """The mix that its generator learned from."""
    learned_rows: int = 0
    next_mix: tuple[MixPart, ...] = ()
    """The mix that the next generator would learn from."""
    real_share: float | None = None
    variance: Measured | None = None
    """Total variance of the round, over that of the real training rows."""
    recall: Measured | None = None
    mix_variance: Measured | None = None
    mix_recall: Measured | None = None
    rows_measured: int = 0
    """Rows of each set that the shape figures are of."""


@dataclass(frozen=True, slots=True)
class Observations:
    """The rounds of a data set, in order, and how many rows of each class they hold."""

    dataset: str
    commit: str
    rounds: tuple[ObservedRound, ...]
    classes: Mapping[int, Mapping[str, int]]
    """Accepted rows by round and label; empty where rows have no labels."""

    @property
    def generated(self) -> list[ObservedRound]:
        """The rounds that a generator made."""
        return [each for each in self.rounds if not each.is_real]

    @property
    def real_rows(self) -> int:
        """Real rows of all rounds."""
        return sum(each.accepted for each in self.rounds if each.is_real)

    def until(self, number: int) -> Observations:
        """What there was to see after a round.

        Raises:
            DataError: no round came after it, or it is none of these.
        """
        earlier = [each.number for each in self.rounds if each.number > 0][:-1]
        if number not in earlier:
            listed = ", ".join(map(str, earlier)) or "none"
            raise DataError(
                f"no round of {self.dataset} was published after round {number}, which a forecast "
                f"could be held against; rounds with later ones: {listed}"
            )
        return replace(
            self,
            rounds=tuple(each for each in self.rounds if each.number <= number),
            classes={each: found for each, found in self.classes.items() if each <= number},
        )


def read(lake: Lake, dataset: str) -> Observations:
    """Read what main holds of a data set.

    Raises:
        DataError: main holds no real data of it, or a manifest was not written by a stage.
    """
    held = history.published(lake, dataset)
    if 0 not in held:
        raise DataError(f"main holds no real data of {dataset} yet; `dvc repro` ingests it")
    commit = lake.resolve(refs.MAIN).id
    contents = {number: manifest.read(lake, commit, dataset, number) for number in sorted(held)}
    rounds = tuple(of_manifest(number, content) for number, content in contents.items())
    return Observations(dataset, commit, rounds, _classes(lake, commit, dataset))


def of_manifest(number: int, content: Mapping[str, Any]) -> ObservedRound:
    """Take from a manifest what a forecast needs."""
    counts, metrics = content.get("counts", {}), content.get("metrics", {})
    accepted, candidates = (int(counts.get(name, 0)) for name in ("accepted", "candidates"))
    if number == 0 or content.get(manifest.ARRIVALS) is not None:
        return ObservedRound(number, is_real=True, accepted=accepted, candidates=candidates)
    next_mix = content.get("next_mix") or {}
    shapes = {name: metrics.get(name) or {} for name in ("round", "mix")}
    return ObservedRound(
        number,
        is_real=False,
        accepted=accepted,
        candidates=candidates,
        regime=next_mix.get("regime"),
        learned_from=_parts(content.get("mix") or {}),
        learned_rows=_rows(content),
        next_mix=_parts(next_mix),
        real_share=next_mix.get("real_share"),
        variance=_measured(shapes["round"].get("variance")),
        recall=_measured(shapes["round"].get("recall")),
        mix_variance=_measured(shapes["mix"].get("variance")),
        mix_recall=_measured(shapes["mix"].get("recall")),
        rows_measured=int(metrics.get("n", 0)),
    )


def _rows(content: Mapping[str, Any]) -> int:
    return sum(int(part.get("rows", 0)) for part in (content.get("mix") or {}).get("rounds", []))


def _parts(mix: Mapping[str, Any]) -> tuple[MixPart, ...]:
    return tuple(
        MixPart(int(part["round"]), float(part.get("weight", part.get("rows", 0))))
        for part in mix.get("rounds", [])
    )


def _measured(figure: Mapping[str, Any] | None) -> Measured | None:
    """A figure of a manifest; None where a part of it could not be computed."""
    if figure is None:
        return None
    ends = [figure.get(name) for name in ("value", "low", "high", "null")]
    if any(end is None for end in ends):
        return None
    return Measured(*(float(end) for end in ends if end is not None))


def _classes(lake: Lake, commit: str, dataset: str) -> dict[int, dict[str, int]]:
    """Count the accepted rows by round and label."""
    stored = tables.read_diagonal(lake, commit, dataset, "samples")
    if LABEL not in stored.collect_schema().names():
        return {}
    labels = stored.select("round", pl.col(LABEL).cast(pl.String)).drop_nulls()
    counts = labels.group_by("round", LABEL).len()
    rows = tables.collected(counts, f"the labels of {dataset} at {commit}")
    found: dict[int, dict[str, int]] = {}
    for number, label, count in rows.sort("round", LABEL).iter_rows():
        found.setdefault(int(number), {})[str(label)] = int(count)
    return found
