"""Regimes on the pipeline itself: lines of rounds by the real stages, on three kinds of data.

Replace, accumulate and accumulate-subsample take every candidate that is no duplicate; the fourth
regime accumulates what the suite lets pass. The guard judges each round, and its answer stops no
line: a line other than main is never merged, so a blocked round goes on here and nowhere else.
What a mix is worth is measured on test rows that no stage ever saw, by the task of the data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments import regimes_found
from experiments.experiment import Experiment, Listing, Part
from experiments.regimes_found import (
    ACCUMULATE,
    BLOCKED,
    BY_DVC,
    DATA,
    REGIMES,
    REPLACE,
    ROUNDS,
    SEEDS,
    STOPPED,
    SUBSAMPLE,
    VERIFIED,
)

if TYPE_CHECKING:
    from experiments.lines.following import Followed

SHOWN: Final = (
    "recall_mix",
    "recall_round",
    "recall_null",
    "variance_round",
    "variance_null",
    "rare_recall_round",
    "rare_recall_null",
    "real_share",
    "difference_real_only",
)
"""Figures of stage `evaluate` that are kept of each round."""
DIGITS: Final = 6
"""Digits after the point of what is kept."""
ONE_BY_DVC: Final = (("digits", REPLACE), ("cells", SUBSAMPLE), ("dialogues", VERIFIED))
"""The line of each data set that is run by `dvc exp run` besides."""


def _line(data: str, regime: str, seed: int, drawn: int, *, by_dvc: bool = False) -> Part:  # noqa: ARG001  a split by number
    """Follow a line.

    Args:
        data: the data set.
        regime: one of `REGIMES`.
        seed: of the split and of all draws, so that regimes are compared on the same rows.
        drawn: the seed of the part, which is not used.
        by_dvc: run the stages by `dvc exp run`, and not in this process.
    """
    from experiments.lines import by_dvc as exp_run  # noqa: PLC0415  as above
    from experiments.lines import following, project, worlds  # noqa: PLC0415  slow to import

    lines = {
        REPLACE: project.Regime("replace", "replace"),
        ACCUMULATE: project.Regime("accumulate", "accumulate"),
        VERIFIED: project.Regime("verified", "accumulate", verified=True),
        SUBSAMPLE: project.Regime("subsample", "accumulate-subsample"),
    }
    follow = exp_run.follow if by_dvc else following.follow
    kept_open = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # by a lake that ends
    with kept_open as folder, project.scratch(Path(folder)):
        with following.quiet():
            world = worlds.world(data, seed)
        return _part(follow(world, lines[regime], seed, ROUNDS))


def _part(rounds: Iterator[Followed]) -> Part:
    """Write what was seen of a line as curves; a figure that is unknown has no point."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for each in rounds:
        values: dict[str, float | None] = {
            "score": each.test,
            "gained": each.gained.value,
            "gained, low": each.gained.low,
            "gained, high": each.gained.high,
            "accepted": each.accepted,
            **{figure: each.summary.get(figure) for figure in SHOWN},
            **{BLOCKED + name: 1.0 for name in each.blocking},
            **{STOPPED + name: 1.0 for name in each.failed},
        }
        for curve, value in values.items():
            if value is not None:
                curves.setdefault(curve, []).append((each.round, round(value, DIGITS)))
    return Part({}, curves)


def _parts() -> Iterator[tuple[str, partial[Part]]]:
    for data, seed, regime in product(DATA, range(SEEDS), REGIMES):
        yield regimes_found.name(data, regime, seed), partial(_line, data, regime, seed)
    for data, regime in ONE_BY_DVC:
        name = regimes_found.name(data, regime, 0) + BY_DVC
        yield name, partial(_line, data, regime, 0, by_dvc=True)


PARTS: Final[Mapping[str, partial[Part]]] = dict(_parts())


def lists(parts: Mapping[str, Part]) -> Sequence[Listing]:
    """Tables by line, in the order of the experiment."""
    return regimes_found.lists(parts, [name for name in PARTS if not name.endswith(BY_DVC)])


EXPERIMENT: Final = Experiment(
    name="regimes",
    version=1,
    title="On the pipeline itself: what each regime loses, and when the guard says so",
    paper=(
        "[Gerstgrasser et al. 2024](https://arxiv.org/abs/2404.01413), "
        "[Kazdan et al. 2024](https://arxiv.org/abs/2410.16713), "
        "[Feng et al. 2024](https://arxiv.org/abs/2406.07515)"
    ),
    setup=(
        f"Lines of {ROUNDS} rounds by the real stages, from `ingest` to `publish` with the guard, "
        "each in a project of its own with an embedded lake. Digits by a Gaussian mixture of each "
        "class, dialogues by chains of words (both plug-ins in files of the project), a table of "
        "569 tumours by the shipped generator `interpolation`; as many candidates a round as there "
        "are real training rows. Suites and limits are the shipped ones of the digits, and what "
        "`stemma dataset add` writes for the others, but for the scorer `text_meaning`, which is "
        "left out, and nulls of 4 draws. Without verification every expectation is a warning; "
        "expectations about a round as a whole warn in all lines, so that a line goes on. The "
        "guard's answer stops no line either, which is so on lines other than main, where nothing "
        "is merged. The guard of the dialogues has a metric and a check of a user's own besides: "
        "distinct words of the mix. Scores are of the data set's task on 30 % of the rows, which "
        "no stage sees. By `dvc exp run` each stage is a program, which costs more than all of "
        "them in one process; so all lines are run in one process, and one of each data set by "
        "both, to show that figures are equal, where the list below says that it was run"
    ),
    parts=PARTS,
    conclude=regimes_found.conclude,
    plot=regimes_found.plot,
    long=True,
    partial=True,
    lists=lists,
)
