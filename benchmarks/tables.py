"""`python -m benchmarks.tables`: generators of tables, on three tables of real rows.

Each table is split at random, a few times. A generator learns from the one part and makes as many
rows; these are measured against the other part, which it never saw, beside the real rows that it
learnt from. Adversarial random forests (Watson et al. 2023, arXiv:2205.09435) are those of arfpy.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.measured import extra
from lineage.identity import sample_ids
from pipelines import modalities
from pipelines.features.tables import between, gower, kinds
from pipelines.generators import making
from pipelines.generators.interpolation.generator import Interpolation
from pipelines.generators.interpolation.settings import InterpolationGenerate
from pipelines.generators.protocol import GenerateRequest
from pipelines.metrics import table_fidelity
from pipelines.metrics.downstream import Answers, Labelled
from pipelines.metrics.registry import TASKS

SPLITS: Final = 5
TRAIN: Final = 0.6
"""Share of the rows that a generator learns from."""
NEAR: Final = 0.005
"""Distance of near-copies."""

Make = Callable[[pl.DataFrame, tuple[str, ...], str, int], pl.DataFrame]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of each generator on each table, means over the splits."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables")
    parser.add_argument("--splits", type=int, default=SPLITS, help="times each table is split")
    splits = parser.parse_args(arguments).splits
    found = []
    for name, (frame, answer) in tables().items():
        features = tuple(each for each in frame.columns if each != answer)
        for generator, make in GENERATORS.items():
            each = [measured(frame, features, answer, make, seed) for seed in range(splits)]
            means = {figure: float(np.mean([row[figure] for row in each])) for figure in each[0]}
            found.append({"table": name, "generator": generator} | means)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, float_precision=3, tbl_width_chars=160):
        print(pl.DataFrame(found))


def tables() -> dict[str, tuple[pl.DataFrame, str]]:
    """Load rows and the name of the answer: species of penguins, cultivars of wine, diabetes."""
    with extra("benchmarks"):
        import arfpy  # type: ignore[import-untyped]  # noqa: F401, PLC0415  --help needs no extra
        import palmerpenguins  # type: ignore[import-untyped]  # noqa: PLC0415
    from sklearn import datasets  # noqa: PLC0415  slow to import

    place = Path(palmerpenguins.__file__).parent / "data" / "penguins.csv"
    penguins = pl.read_csv(place, null_values="NA").drop_nulls().rename({"species": "label"})
    wine = datasets.load_wine(as_frame=True).frame
    diabetes = datasets.load_diabetes(as_frame=True, scaled=False).frame
    return {
        "penguins": (penguins, "label"),
        "wine": (pl.from_pandas(wine.rename(columns={"target": "label"})), "label"),
        "diabetes": (pl.from_pandas(diabetes), "target"),
    }


def measured(
    frame: pl.DataFrame, features: tuple[str, ...], answer: str, make: Make, seed: int
) -> dict[str, float]:
    """Measure rows of a generator against rows that it never saw."""
    order = np.random.default_rng(seed).permutation(len(frame))
    cut = int(TRAIN * len(frame))
    train, test = frame[order[:cut]], frame[order[cut:]]
    began = time.process_time()
    rows = make(train, features, answer, seed)
    seconds = time.process_time() - began
    modality = modalities.load("table", features, {} if answer == "label" else {"target": answer})
    sets = modality.measured(train, {"rows": rows, "train": train, "test": test})
    columns = {name: table_fidelity.columns(each) for name, each in sets.items()}
    figures = table_fidelity.figures(columns["rows"], columns["test"], seed)
    task = TASKS.load(modality.task)
    answers = Answers(sets["test"].labels, task.train(sets["rows"], task.Settings())(sets["test"]))
    own, real = gower.points([rows, train], features, train)
    distances = gower.closest(own, real, 1)[0][:, 0]
    held, _ = gower.points([test, train], features, train)
    usual = gower.closest(held, real, 1)[0][:, 0]
    return figures | {
        "task": task.score(answers, 2, 1).value,
        "variance": float(
            sets["rows"].vectors.var(axis=0).sum() / sets["test"].vectors.var(axis=0).sum()
        ),
        "near_copies": float((distances <= NEAR).mean()),
        "distance": float(np.median(distances) / np.median(usual)),
        "seconds": seconds,
    }


def _variance(rows: Labelled) -> float:
    return float(rows.vectors.var(axis=0).sum())


def real(train: pl.DataFrame, features: tuple[str, ...], answer: str, seed: int) -> pl.DataFrame:  # noqa: ARG001  as the others
    """Give the real rows themselves, as a yardstick."""
    return train


def interpolated(neighbours: int, least_share: float) -> Make:
    """Interpolate between rows and so many neighbours, with at least this share of either."""

    def make(
        train: pl.DataFrame, features: tuple[str, ...], answer: str, seed: int
    ) -> pl.DataFrame:
        keys = {"round": pl.lit(0, pl.Int32), "weight": pl.lit(1.0)}
        samples = train.with_row_index("row").with_columns(
            pl.col("row").cast(pl.Int64), sample_ids(train, features).alias("sample_id"), **keys
        )
        with tempfile.TemporaryDirectory() as folder:
            generator, place = Interpolation(), Path(folder)
            generator.fit(samples, generator.FitSettings(), seed, place)
            settings = InterpolationGenerate(neighbours=neighbours, least_share=least_share)
            request = GenerateRequest(
                "table", 1, seed, features, len(train), 500, settings, place, answers=(answer,)
            )
            return making.make(generator, request).candidates.select(train.columns)

    return make


def forest(train: pl.DataFrame, features: tuple[str, ...], answer: str, seed: int) -> pl.DataFrame:  # noqa: ARG001  as the others
    """Learn adversarial random forests, and sample from them; values as the columns have them."""
    from arfpy import arf  # type: ignore[import-untyped]  # noqa: PLC0415  of this benchmark alone

    named = [each for each in train.columns if not kinds.is_number(train.schema[each])]
    named += [answer] if answer == "label" and answer not in named else []
    given = train.to_pandas().astype(dict.fromkeys(named, "category"))
    given.columns = range(len(given.columns))  # arfpy takes names for numbers of columns
    np.random.seed(seed)  # noqa: NPY002  arfpy knows no other source of chance
    vars(np)["in1d"] = np.isin  # numpy 2.4 has no function of the old name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = arf.arf(given, verbose=False, random_state=seed)
        model.forde()
        made = model.forge(n=len(train))
    columns = {name: made[at].to_list() for at, name in enumerate(train.columns)}
    found = pl.DataFrame(columns, strict=False)
    return pl.DataFrame(
        found[name].cast(train.schema[name]) if name in named else _like(found[name], train[name])
        for name in train.columns
    )


def _like(column: pl.Series, known: pl.Series) -> pl.Series:
    """Give numbers the digits of the real ones, and whole ones their values."""
    if known.dtype.is_integer():
        values = np.unique(known.to_numpy()).astype(np.float64)
        nearest = between.nearest(column.to_numpy(), values)
        return pl.Series(known.name, nearest).cast(known.dtype)
    rows, draw = column.to_frame(), np.random.default_rng(0)
    return between.rows(rows, rows, np.zeros(len(rows)), known.to_frame(), draw).to_series()


GENERATORS: Final[dict[str, Make]] = {
    "real": real,
    "interpolation, from 0": interpolated(5, 0.0),
    "interpolation, from ¼": interpolated(5, 0.25),
    "interpolation, ½": interpolated(5, 0.5),
    "forest": forest,
}


if __name__ == "__main__":
    main()
