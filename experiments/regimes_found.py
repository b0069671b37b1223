"""What lines of rounds say: criteria, tables and plots of what was kept of each line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.experiment import (
    Estimate,
    Finding,
    Listing,
    Part,
    Points,
    SmallMultiples,
    at_least,
    at_most,
    mean_of,
)

ROUNDS, SEEDS = 5, 5
REPLACE, ACCUMULATE, VERIFIED, SUBSAMPLE = (
    "replace",
    "accumulate",
    "accumulate, verified",
    "accumulate-subsample",
)
REGIMES: Final = (REPLACE, ACCUMULATE, VERIFIED, SUBSAMPLE)
DATA: Final = ("digits", "cells", "dialogues")
BY_DVC: Final = ", by dvc exp run"
"""End of the names of lines that `dvc exp run` made."""
BLOCKED: Final = "blocked by "
"""Start of the names of curves of checks that block, which hold the rounds that they do."""
STOPPED: Final = "stopped by "
"""The same of expectations about the round as a whole that fail."""
LOST: Final = 0.02
"""Loss against real rows alone that an alarm must not come after, and that accumulating must stay
below."""
MARGIN: Final = 0.01
"""By how much more verified accumulating may lose than accumulating without a verifier."""
KEPT: Final = 0.8
"""Share of the recall of real rows that accumulating must keep; below it the guard warns."""
AT_LEAST: Final = 2
"""Seeds without which there is no interval."""
Lines = Mapping[str, Sequence[Part]]
"""Lines of the seeds of a data set that were run under all regimes, by regime."""


def name(data: str, regime: str, seed: int) -> str:
    """Name a line."""
    return f"{data}, {regime}, seed {seed}"


def gained(part: Part) -> float:
    """Score of the last mix of a line less that of real rows alone, on the test rows."""
    return part.curves["gained"][-1][1]


def first_loss(part: Part) -> int | None:
    """Find the first round whose mix has lost two points, with an interval that holds no gain."""
    lost = {
        int(at)
        for (at, value), (_, high) in zip(
            part.curves["gained"], part.curves["gained, high"], strict=True
        )
        if value <= -LOST + 1e-9 and high < 0
    }
    return min(lost, default=None)


def rounds_of(part: Part, start: str) -> dict[int, list[str]]:
    """List what blocks or fails, by round: what the names of curves with this start go on with."""
    found: dict[int, list[str]] = {}
    for curve, points in sorted(part.curves.items()):
        for at, _ in points if curve.startswith(start) else ():
            found.setdefault(int(at), []).append(curve.removeprefix(start))
    return dict(sorted(found.items()))


def in_time(part: Part) -> bool:
    """Whether no mix that had lost two points would have been published."""
    loss, alarm = first_loss(part), next(iter(rounds_of(part, BLOCKED)), None)
    return loss is None or (alarm is not None and alarm <= loss)


def complete(parts: Mapping[str, Part], data: str) -> Lines:
    """Collect the lines of the seeds that were run under all regimes, by regime."""
    seeds = [
        seed
        for seed in range(SEEDS)
        if all(name(data, regime, seed) in parts for regime in REGIMES)
    ]
    return {regime: [parts[name(data, regime, seed)] for seed in seeds] for regime in REGIMES}


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Hold each data set of which two seeds were run under all regimes against the criteria."""
    found: list[Finding] = []
    for data in DATA:
        lines = complete(parts, data)
        if len(lines[REPLACE]) >= AT_LEAST:
            found += _collapse(data, lines[REPLACE])
            found += _regimes(data, lines)
            found += _guard(data, lines)
    return [*found, *_by_dvc(parts)]


def _each(lines: Sequence[Part], measure: Callable[[Part], float]) -> NDArray[np.float64]:
    return np.asarray([measure(part) for part in lines])


def _above_zero(what: str, ours: Estimate) -> Finding:
    return Finding(what, ours, None, "more than 0 with its interval", ours.low > 0)


def _fallen(figure: str) -> Callable[[Part], float]:
    """Measure by how much a figure of the last round is below that of the first."""
    return lambda part: part.curves[figure][0][1] - part.curves[figure][-1][1]


def _collapse(data: str, lines: Sequence[Part]) -> list[Finding]:
    """Whether recall, variance, rare rows and score are lost under replace."""
    fallen = {
        "recall of the mix": "recall_mix",
        "variance of the round": "variance_round",
        "recall of rare rows": "rare_recall_round",
    }
    return [
        *(
            _above_zero(
                f"{data}: {what} that is lost from round 1 to {ROUNDS}, {REPLACE}",
                mean_of(_each(lines, _fallen(figure))),
            )
            for what, figure in fallen.items()
            if all(figure in part.curves for part in lines)
        ),
        _above_zero(
            f"{data}: score that is lost against real rows alone, {REPLACE}",
            mean_of(-_each(lines, gained)),
        ),
    ]


def _kept_recall(part: Part) -> float:
    return part.curves["recall_mix"][-1][1] / part.curves["recall_null"][-1][1]


def _regimes(data: str, lines: Lines) -> list[Finding]:
    """Whether accumulating holds, and verified accumulating is at least as good."""
    scores = {regime: _each(lines[regime], gained) for regime in REGIMES}
    kept = mean_of(_each(lines[ACCUMULATE], _kept_recall))
    return [
        _above_zero(
            f"{data}: score of {ACCUMULATE}, less that of {REPLACE}",
            mean_of(scores[ACCUMULATE] - scores[REPLACE]),
        ),
        at_most(
            f"{data}: score that is lost against real rows alone, {ACCUMULATE}",
            mean_of(-scores[ACCUMULATE]),
            LOST,
        ),
        at_least(
            f"{data}: recall of the last mix over that of real rows, {ACCUMULATE}", kept, KEPT
        ),
        at_least(
            f"{data}: score of {VERIFIED}, less that without",
            mean_of(scores[VERIFIED] - scores[ACCUMULATE]),
            -MARGIN,
        ),
    ]


def _guard(data: str, lines: Lines) -> list[Finding]:
    """Whether the guard objects to what has lost, in time, and to nothing else."""
    fell = [part for each in lines.values() for part in each if first_loss(part) is not None]
    rounds = [len(rounds_of(part, BLOCKED)) / ROUNDS for part in lines[VERIFIED]]
    blocked = at_most(
        f"{data}: rounds that the guard blocks, {VERIFIED}", mean_of(np.asarray(rounds)), 0.0
    )
    if not fell:  # nothing that the guard could have missed
        return [blocked]
    share = np.asarray([float(in_time(part)) for part in fell])
    late = Estimate(float(share.mean()), float(share.min()), float(share.max()))
    what = f"{data}: share of lines that lose two points which the guard blocks by then"
    return [at_least(f"{what} (least and most)", late, 1.0), blocked]


def _by_dvc(parts: Mapping[str, Part]) -> list[Finding]:
    """Whether lines by `dvc exp run` have the figures of those in one process."""
    found = []
    for key, part in parts.items():
        other = parts.get(key.removesuffix(BY_DVC))
        if key.endswith(BY_DVC) and other is not None:
            apart = float(differing(part, other))
            ours = Estimate(apart, apart, apart)
            found.append(
                at_most(f"{key}: figures that differ from those in one process", ours, 0.0)
            )
    return found


def differing(left: Part, right: Part) -> int:
    """Count the points of two lines that differ, or that only one of them has."""
    own, others = (
        {(curve, at, value) for curve, points in part.curves.items() for at, value in points}
        for part in (left, right)
    )
    return len({(curve, at) for curve, at, _ in own ^ others})


def plot(parts: Mapping[str, Part]) -> SmallMultiples:
    """Draw recall and score by round, of each data set that was run."""
    panels: dict[tuple[str, str], dict[str, list[Points]]] = {}
    for data in DATA:
        for regime in REGIMES:
            own = [
                parts[key] for seed in range(SEEDS) if (key := name(data, regime, seed)) in parts
            ]
            for part in own:
                for figure, what in (("recall_mix", "recall of the mix"), ("score", "score")):
                    panel = panels.setdefault((what, data), {})
                    panel.setdefault(regime, []).append(part.curves[figure])
    return SmallMultiples("round", panels)


def lists(parts: Mapping[str, Part], order: Sequence[str]) -> Sequence[Listing]:
    """Say line by line when the guard blocked, by what, and when the score fell."""
    rows = [_row(key, parts[key]) for key in order if key in parts]
    by_dvc = sum(key.endswith(BY_DVC) for key in parts)
    others = "" if len(rows) == len(order) else "; `python -m experiments regimes` runs the others"
    title = (
        f"{len(rows)} of {len(order)} lines were run, of {ROUNDS} rounds each, {by_dvc} of them by "
        f"`dvc exp run` as well{others}. A mix has "
        f"lost where its score on the test rows is {100 * LOST:.0f} points or more below that of "
        "real rows alone, with an interval of losses only. Figures are by round."
    )
    heads = (
        "line",
        "first blocked",
        "by",
        "blocked rounds",
        "first lost",
        "score less that of real rows",
        "recall of the mix",
        "accepted",
        "suite about the round",
    )
    return [Listing(title, heads, rows)]


def _row(key: str, part: Part) -> list[str]:
    alarms, stopped = rounds_of(part, BLOCKED), rounds_of(part, STOPPED)
    first, loss = next(iter(alarms), None), first_loss(part)
    return [
        key,
        "–" if first is None else str(first),
        "" if first is None else ", ".join(alarms[first]),
        ", ".join(map(str, alarms)) or "–",
        "–" if loss is None else str(loss),
        _values(part.curves["gained"], 3),
        _values(part.curves["recall_mix"], 2),
        _values(part.curves["accepted"], 2),
        "; ".join(f"{at}: {', '.join(names)}" for at, names in stopped.items()) or "–",
    ]


def _values(points: Points, digits: int) -> str:
    return ", ".join(f"{value:.{digits}f}".replace("-", "−") for _, value in points)
