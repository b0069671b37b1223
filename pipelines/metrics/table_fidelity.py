"""Fidelity of a set of rows of a table: each column, pairs of columns, and all of them at once.

- `ks`: the Kolmogorov-Smirnov statistic of numbers and times, the largest gap of two distribution
  functions; the mean over columns, and of the worst column (`ks_worst`).
- `tv`: the total variation distance of categories, half the summed differences of their shares;
  null counts as a category. Mean over columns, and the worst (`tv_worst`). Nulls of numbers count
  here too.
- `association`: the mean difference of association over pairs of columns: |Pearson's r| of ranks of
  two numbers (Spearman 1904), the correlation ratio η of a number by a category (Pearson 1905),
  and Cramér's V of two categories (Cramér 1946), all in [0, 1].
- `c2st`: how well gradient boosting tells the rows from real ones that it was not trained on: the
  area under the ROC curve out of fold (classifier two-sample test, Lopez-Paz & Oquab 2017,
  arXiv:1610.06545; Friedman 2003). 0.5 of rows that nothing tells apart.

KS, total variation and association by column are the measures that SDMetrics reports as quality
(https://docs.sdv.dev/sdmetrics). All of them depend on the number of rows, so each has the same
figure of real training rows beside it, as many. Label or target count as a column.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.features.tables import boosting
from pipelines.metrics import values
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest, RoundMetric, SetFigures
from pipelines.metrics.values import Metric

NAMES: Final = ("ks", "ks_worst", "tv", "tv_worst", "association", "c2st")
PAIRS: Final = 2_000
"""Most pairs of columns that are compared; of more, as many are drawn."""
ROWS: Final = 2_000
"""Most rows of either side that trees are trained to tell apart."""
TRAINED: Final = 5
"""Most subsets of real rows that make the null of `c2st`, each of which trains trees."""

Column = NDArray[Any]


class TableFidelity(RoundMetric[NoSettings]):
    """How far columns, their association, and whole rows are from those of real rows."""

    name = "table_fidelity"
    version = "table_fidelity/1"
    Settings = NoSettings

    def measure(self, request: MetricRequest, settings: NoSettings) -> SetFigures:  # noqa: ARG002  it has none
        """Measure each set, and random real training rows, against the validation rows."""
        against = columns(request.validation)
        seed = derive_seed(request.seed, "table_fidelity")
        draw = np.random.default_rng(seed)
        count = len(request.real.labels)
        subsets = [
            request.real.at(np.sort(draw.permutation(count)[: request.n]))
            for _ in range(request.null_draws)
        ]
        null = [marginals(columns(each), against, seed) for each in subsets]
        trained = [{"c2st": c2st(columns(each), against, seed)} for each in subsets[:TRAINED]]
        return {
            name: {
                figure: _metric(
                    value, [each[figure] for each in (*null, *trained) if figure in each]
                )
                for figure, value in figures(columns(rows), against, seed).items()
            }
            for name, rows in request.sets.items()
        }


def columns(rows: Labelled) -> dict[str, Column]:
    """Return the columns of rows by name, [n] each, with what is to be predicted as one of them."""
    named = {f"{name}": rows.inputs[name] for name in rows.inputs.dtype.names or ()}
    answer = np.asarray(rows.labels)
    if answer.dtype.kind != "f":
        answer = np.asarray([str(each) for each in answer], dtype=object)
    return {**named, "\0answer": answer}


def figures(rows: Mapping[str, Column], real: Mapping[str, Column], seed: int) -> dict[str, float]:
    """Compute all figures of n rows against m real ones; NaN where the columns have none."""
    return marginals(rows, real, seed) | {"c2st": c2st(rows, real, seed)}


def marginals(
    rows: Mapping[str, Column], real: Mapping[str, Column], seed: int
) -> dict[str, float]:
    """Compute the figures of columns and of pairs of columns."""
    gaps = {name: _ks(rows[name], real[name]) for name in real if _is_number(real[name])}
    shares = {name: _tv(_shares_of(rows[name]), _shares_of(real[name])) for name in real}
    return {
        "ks": _mean(gaps.values()),
        "ks_worst": max(gaps.values(), default=math.nan),
        "tv": _mean(shares.values()),
        "tv_worst": max(shares.values(), default=math.nan),
        "association": _association(rows, real, seed),
    }


def c2st(rows: Mapping[str, Column], real: Mapping[str, Column], seed: int) -> float:
    """Compute the area under the ROC curve of trees that tell rows from real ones, out of fold."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415  slow to import

    draw = np.random.default_rng(seed)
    records = [_records(each) for each in (rows, real)]
    records = [each[draw.permutation(len(each))[:ROWS]] for each in records]
    is_real = np.repeat([0, 1], [len(each) for each in records])
    _, chances = boosting.unseen(np.concatenate(records), is_real, seed)
    return float(roc_auc_score(is_real, chances[:, 1]))


def cramers_v(left: Column, right: Column) -> float:
    """Compute Cramér's V of two columns of categories, [n] each: 0 of independent ones, to 1."""
    (_, one), (_, two) = (np.unique(each, return_inverse=True) for each in (left, right))
    table = np.zeros((one.max() + 1, two.max() + 1))
    np.add.at(table, (one, two), 1)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / len(left)
    freedom = min(table.shape) - 1
    if not freedom:
        return 0.0
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / (len(left) * freedom)))


def correlation_ratio(groups: Column, numbers: Column) -> float:
    """Compute η: the root of the share of a number's variance that lies between categories."""
    known = np.isfinite(numbers)
    given = numbers[known]
    spread = float(((given - given.mean()) ** 2).sum()) if len(given) else 0.0
    if spread <= 0:
        return 0.0
    _, group = np.unique(groups[known], return_inverse=True)
    counts = np.bincount(group)
    means = np.bincount(group, weights=given) / counts
    return float(np.sqrt((counts * (means - given.mean()) ** 2).sum() / spread))


def correlation(left: Column, right: Column) -> float:
    """Compute the absolute rank correlation of two numbers; 0 where one of them is constant."""
    from scipy.stats import rankdata  # noqa: PLC0415  slow to import

    known = np.isfinite(left) & np.isfinite(right)
    if known.sum() < 2 or not np.ptp(left[known]) or not np.ptp(right[known]):  # noqa: PLR2004
        return 0.0
    return float(abs(np.corrcoef(rankdata(left[known]), rankdata(right[known]))[0, 1]))


def _association(rows: Mapping[str, Column], real: Mapping[str, Column], seed: int) -> float:
    pairs = list(combinations(real, 2))
    if len(pairs) > PAIRS:
        chosen = np.random.default_rng(seed).permutation(len(pairs))[:PAIRS]
        pairs = [pairs[at] for at in np.sort(chosen)]
    gaps = [abs(_associated(rows[a], rows[b]) - _associated(real[a], real[b])) for a, b in pairs]
    return _mean(gaps)


def _associated(left: Column, right: Column) -> float:
    if _is_number(left) and _is_number(right):
        return correlation(left, right)
    if _is_number(left) or _is_number(right):
        numbers, groups = (left, right) if _is_number(left) else (right, left)
        return correlation_ratio(_named(groups), numbers)
    return cramers_v(_named(left), _named(right))


def _ks(rows: Column, real: Column) -> float:
    known = [np.sort(each[np.isfinite(each)]) for each in (rows, real)]
    if not all(len(each) for each in known):
        return float(any(len(each) for each in known))
    every = np.concatenate(known)
    below = [np.searchsorted(each, every, side="right") / len(each) for each in known]
    return float(np.abs(below[0] - below[1]).max())


def _shares_of(column: Column) -> dict[str, float]:
    """Return the share of each category; of a number, that of null and of all others."""
    named = np.isfinite(column).astype(str) if _is_number(column) else _named(column)
    found, counts = np.unique(named, return_counts=True)
    return dict(zip(found.tolist(), (counts / len(column)).tolist(), strict=True))


def _tv(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    return sum(abs(left.get(each, 0) - right.get(each, 0)) for each in {*left, *right}) / 2


def _named(column: Column) -> Column:
    """Write categories so that they can be ordered, null apart from every text."""
    return np.asarray(["0" if each is None else f"1{each}" for each in column], dtype=str)


def _is_number(column: Column) -> bool:
    return bool(column.dtype.kind == "f")


def _records(rows: Mapping[str, Column]) -> NDArray[np.void]:
    fields = [(str(at), "f8" if _is_number(each) else "O") for at, each in enumerate(rows.values())]
    found = np.empty(len(_first(rows)), dtype=fields)
    for (field, _), column in zip(fields, rows.values(), strict=True):
        found[field] = column
    return found


def _first(rows: Mapping[str, Column]) -> Column:
    return next(iter(rows.values()))


def _mean(found: Iterable[float]) -> float:
    known = list(found)
    return float(np.mean(known)) if known else math.nan


def _metric(value: float, null: list[float]) -> Metric:
    low, high = values.interval(np.asarray(null)) if np.isfinite(null).all() else (math.nan,) * 2
    return Metric(value, math.nan, math.nan, float(np.mean(null)), low, high)
