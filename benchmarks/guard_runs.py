"""Rounds of real digits under a regime, made by Gaussian mixtures and judged by the guard.

A mixture for each class is fitted on the training mix by weight of nothing but its rows, in the
space of the class's principal components. It learns in a tenth of a second, so that many lines of
descent can be followed to their end. All else is the project's own: the split, the lineage, the
regimes, the figures, the limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import curate, guard, record, schema
from lineage import mix as mixing
from lineage.guard import Evidence, GuardResult
from lineage.identity import sample_ids
from lineage.limits import Limits
from lineage.mix import Mix, MixManifest
from pipelines import classifiers, images, ingest, leaks, metrics, nearest, params
from pipelines.metrics import Evaluation, Labelled
from pipelines.seeds import derive_seed

NAME: Final = "digits"
SOURCE: Final = Path(__file__).resolve().parents[1] / "pipelines" / "sources" / "digits.py"
FARTHEST: Final = 0.3
"""RMS distance from the closest real image beyond which a candidate is no digit."""


@dataclass(frozen=True, slots=True)
class Generator:
    """A Gaussian mixture for each class."""

    components: int = 4
    covariance: str = "full"
    dimensions: int = 20
    """Principal components of the class that the mixture lives in."""
    floor: float = 1e-3
    """Added to the variances."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A round, as the guard saw it."""

    seed: int
    regime: str
    round: int
    figures: Evaluation
    result: GuardResult

    @property
    def lost(self) -> float:
        """Downstream accuracy lost against real data alone."""
        return -self.figures.difference["real_only"].value


@dataclass(frozen=True)
class World:
    """Real digits split by one key, and what judges candidates."""

    seed: int

    @cached_property
    def settings(self) -> params.Dataset:
        """The shipped settings of the digits, with a split of this seed's own."""
        shipped = params.load(SOURCE.parents[2] / params.FILE).datasets[NAME]
        own = {"source": str(SOURCE), "split_key": f"seed {self.seed}"}
        return shipped.model_copy(update={"ingest": shipped.ingest.model_copy(update=own)})

    @cached_property
    def rows(self) -> pl.DataFrame:
        """All real rows, with their splits."""
        return ingest.prepare(self.settings)

    def split(self, *names: str) -> pl.DataFrame:
        """The real rows of some splits."""
        zero = pl.lit(0, pl.Int32).alias("round")
        return self.rows.filter(pl.col("split").is_in(names)).with_columns(zero)

    @cached_property
    def judge(self) -> classifiers.Classifier:
        """Says what label a candidate has, from real data alone."""
        real = labelled(self.split("train"))
        return classifiers.train(real.vectors, real.labels, calibrate=False)


def follow(
    seed: int, regime: str, rounds: int, generator: Generator = Generator(), candidates: int = 1000
) -> Iterator[Judged]:
    """Run rounds under a regime, whatever the guard says, and judge each."""
    world = World(seed)
    real = world.split("train")
    samples = real.select("round", "row", "sample_id", "image", "label")
    lineage = record.real(real.select("row", "sample_id", "source", "licence"))
    mix = _mix(lineage, regime)
    for number in range(1, rounds + 1):
        learned = weighted(samples, mix)
        made = _candidates(learned, generator, candidates, number, derive_seed(seed, number))
        made_lineage = record.derive(
            made.select("row", "sample_id", "seed", "shard"),
            round_number=number,
            dataset=NAME,
            generator=f"gaussian-mixtures/{number}",
            attribution="mix/1",
            mix=mix.manifest,
        )
        decisions = _decide(world, made, samples)
        accepted = made.join(
            decisions.filter(pl.col("decision") == "accepted"), on=["round", "row"], how="semi"
        ).select(samples.columns)
        samples = pl.concat([samples, accepted])
        kept = made_lineage.join(accepted, on=["round", "row"], how="semi")
        lineage = pl.concat([lineage, kept])
        mix = _mix(lineage, regime)
        found = metrics.evaluate_round(
            real=labelled(real),
            validation=labelled(world.split("validation")),
            accepted=labelled(accepted),
            mix=labelled(weighted(samples, mix)),
            previous=labelled(learned),
            settings=world.settings.evaluate,
            seed=derive_seed(seed, NAME, number, "evaluate"),
        )
        about = _evidence(world, number, kept, mix.manifest, decisions, accepted, found)
        yield Judged(seed, regime, number, found, guard.judge(about, world.settings.publish.guard))


def _evidence(
    world: World,
    number: int,
    kept: pl.DataFrame,
    mix: MixManifest,
    decisions: pl.DataFrame,
    accepted: pl.DataFrame,
    found: Evaluation,
) -> Evidence:
    counted = dict(decisions.group_by("decision").len().iter_rows())
    near = world.settings.ingest.near
    return Evidence(
        dataset=NAME,
        round=number,
        lineage=kept,
        mix=mix,
        counts={"candidates": len(decisions), **{name: counted.get(name, 0) for name in schema.OUTCOMES}},
        copies=leaks.copies(accepted, world.split("train"), near),
        leaks=leaks.copies(accepted, world.split("validation", "test"), near),
        metrics=found.to_dict(),
    )


def labelled(frame: pl.DataFrame) -> Labelled:
    return Labelled(images.vectors(frame["image"]), frame["label"].to_numpy())


def weighted(samples: pl.DataFrame, mix: Mix) -> pl.DataFrame:
    """The samples of a mix."""
    return samples.join(mix.rows, on=["round", "row"], how="inner").sort("round", "row")


def _mix(lineage: pl.DataFrame, regime: str) -> Mix:
    return mixing.build(lineage, dataset=NAME, commit="", regime=regime)


def _candidates(
    learned: pl.DataFrame, generator: Generator, count: int, number: int, seed: int
) -> pl.DataFrame:
    data = labelled(learned)
    classes = np.unique(data.labels)
    pixels = np.concatenate(
        [
            _draw(data.vectors[data.labels == each], generator, count // len(classes), derive_seed(seed, int(each)))
            for each in classes
        ]
    )
    side = int(np.sqrt(pixels.shape[1]))
    frame = pl.DataFrame(
        {
            "image": images.encode_lenient(pixels.reshape(-1, side, side)),
            "label": np.repeat(classes, count // len(classes)),
        }
    ).with_row_index("row")
    return frame.with_columns(
        pl.col("row").cast(pl.Int64),
        pl.lit(number, pl.Int32).alias("round"),
        pl.lit(seed, pl.Int64).alias("seed"),
        pl.lit(0, pl.Int32).alias("shard"),
        sample_ids(frame, ["image"]).alias("sample_id"),
    )


def _draw(
    vectors: NDArray[np.float32], generator: Generator, count: int, seed: int
) -> NDArray[np.float32]:
    """Fit a mixture on vectors [n, d] and draw from it: [count, d] in [0, 1]."""
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    state = np.random.RandomState(seed % 2**32)
    space = PCA(min(generator.dimensions, *vectors.shape), svd_solver="full").fit(vectors)
    model = GaussianMixture(
        min(generator.components, len(vectors)),
        covariance_type=generator.covariance,
        reg_covar=generator.floor,
        random_state=state,
    ).fit(space.transform(vectors))
    points, _ = model.sample(count)
    return np.clip(space.inverse_transform(points), 0, 1).astype(np.float32)


def _decide(world: World, made: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Refuse what has another label than was asked for, is a copy, or no digit; then curate."""
    vectors = images.vectors(made["image"])
    real = labelled(world.split("train")).vectors
    distance = nearest.nearest(vectors, real, 1)[0][:, 0]
    agrees = world.judge.labels(vectors) == made["label"].to_numpy()
    passed = agrees & (distance > world.settings.ingest.near) & (distance <= FARTHEST)
    verdicts = made.select("round", "row").with_columns(
        pl.lit("sound").alias("expectation"),
        pl.lit("critical").alias("severity"),
        pl.Series("verdict", np.where(passed, "passed", "failed")),
        pl.Series("observed", distance),
        pl.lit(None, pl.String).alias("detail"),
    )
    before = earlier.select(pl.lit(NAME).alias("dataset"), "round", "row", "sample_id")
    return curate.decide(made.select("round", "row", "sample_id"), verdicts, before, dataset=NAME)
