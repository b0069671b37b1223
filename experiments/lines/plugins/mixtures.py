"""A small generator of digits: a Gaussian mixture of each class, in its principal components.

It learns in a second, so many rounds can follow one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake import files
from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators import model_folder
from pipelines.generators.protocol import GenerateBatch, GeneratePlan, GenerateReport, Generator

FILE: Final = "mixtures.npz"
SIDE: Final = 8


class MixturesFit(StrictModel):
    """What each mixture is."""

    components: int = 8
    dimensions: int = 20
    """Principal components of the class in which the mixture is fitted."""
    floor: float = 1e-3
    """Added to every variance."""


class Mixtures(Generator[MixturesFit, NoSettings]):
    """Images of 8 by 8 pixels, every class equally often."""

    name = "mixtures"
    version = "mixtures/1"
    FitSettings = MixturesFit
    GenerateSettings = NoSettings
    attribution = "mix/1"
    modalities = ("image",)

    def fit(self, samples: pl.DataFrame, settings: MixturesFit, seed: int, directory: Path) -> None:
        """Fit a mixture on each class.

        Raises:
            GeneratorError: rows have weights; the mixtures count each row once.
        """
        if samples["weight"].n_unique() > 1:
            raise GeneratorError(
                "mixtures count every row once; leave fit.real_weight at 1, or take another "
                "generator"
            )
        pixels, labels = images.vectors(samples["image"]), samples["label"].to_numpy()
        kept: dict[str, NDArray[np.float64]] = {}
        classes = np.unique(labels)
        for at, label in enumerate(classes):
            own = pixels[labels == label].astype(np.float64)
            for name, values in _fitted(own, settings, derive_seed(seed, at)).items():
                kept[f"{name}_{at}"] = values
        directory.mkdir(parents=True, exist_ok=True)
        np.savez(directory / FILE, classes=classes, allow_pickle=False, **kept)
        about = {"kind": self.version, "rows": len(samples)}
        files.write_json(directory / model_folder.MANIFEST, about)

    def generate(self, plan: GeneratePlan[NoSettings], shard: Shard) -> Iterator[GenerateBatch]:
        """Draw the images of a shard; row n is of class n modulo their number."""
        draw = np.random.default_rng(shard.seed)
        with np.load(plan.request.directory / FILE) as kept:
            classes = kept["classes"]
            at = np.asarray(shard.rows) % len(classes)
            pixels = np.empty((len(at), SIDE * SIDE))
            for number in range(len(classes)):
                own = at == number
                mixture = {
                    name: kept[f"{name}_{number}"] for name in ("shares", "points", "spans", "axes")
                }
                pixels[own] = _drawn(mixture, kept[f"centre_{number}"], int(own.sum()), draw)
        encoded = images.encode_lenient(
            np.clip(pixels, 0, 1).astype(np.float32).reshape(-1, SIDE, SIDE)
        )
        made = pl.DataFrame(
            {
                "row": pl.Series(shard.rows, dtype=pl.Int64),
                "image": encoded,
                "label": classes[at],
            }
        ).with_columns(
            pl.lit(shard.seed, pl.Int64).alias("seed"),
            pl.lit(shard.index, pl.Int32).alias("shard"),
        )
        ids = sample_ids(made, plan.request.identity).alias("sample_id")
        yield GenerateBatch(made.with_columns(ids))

    def report(self, plan: GeneratePlan[NoSettings]) -> GenerateReport:  # noqa: ARG002  none needs it
        """Say which library drew."""
        return GenerateReport({"numpy": np.__version__})


def _fitted(
    rows: NDArray[np.float64], settings: MixturesFit, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Fit a mixture on the rows of a class, [n, d].

    Returns:
        shares [k], points [k, p], spans [k, p, p] (a square root of each covariance), axes [p, d]
        and centre [d].
    """
    from sklearn.decomposition import PCA  # noqa: PLC0415  slow to import
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415  slow to import

    space = PCA(min(settings.dimensions, *rows.shape), svd_solver="full").fit(rows)
    model = GaussianMixture(
        min(settings.components, len(rows)),
        reg_covar=settings.floor,
        random_state=np.random.RandomState(seed % 2**32),
    ).fit(space.transform(rows))
    return {
        "shares": model.weights_,
        "points": model.means_,
        "spans": np.linalg.cholesky(model.covariances_),
        "axes": space.components_,
        "centre": space.mean_,
    }


def _drawn(
    mixture: dict[str, NDArray[np.float64]],
    centre: NDArray[np.float64],
    count: int,
    draw: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw rows of a class, [count, d]."""
    shares = mixture["shares"] / mixture["shares"].sum()
    chosen = draw.choice(len(shares), size=count, p=shares)
    noise = draw.standard_normal((count, mixture["points"].shape[1]))
    points = mixture["points"][chosen] + np.einsum("nij,nj->ni", mixture["spans"][chosen], noise)
    found: NDArray[np.float64] = centre + points @ mixture["axes"]
    return found
