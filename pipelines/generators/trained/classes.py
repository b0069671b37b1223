"""Classes of a network that was trained on labels: which are asked for, and their places."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.visible import visible
from pipelines.common.errors import GeneratorError
from pipelines.common.seeds import derive_seed
from pipelines.generators import model_folder
from pipelines.generators.protocol import STAGE, GenerateRequest

Labels: TypeAlias = NDArray[Any]
"""Whole numbers (int64), or names (objects)."""


def of_round(request: GenerateRequest[Any]) -> pl.Series | None:
    """Labels to ask for, [candidates]: each class equally often, in an order drawn by seed.

    None where the generator was fitted on images without labels.
    """
    known = of_folder(request)
    if not known:
        return None
    classes = pl.Series("label", known)
    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "labels")
    places = np.resize(np.arange(len(classes)), request.candidates)
    return classes.gather(np.random.default_rng(seed).permutation(places))


def of_folder(request: GenerateRequest[Any]) -> list[Any]:
    """Return the classes that the generator was fitted on; none: images without labels."""
    manifest, _ = model_folder.read_manifest(request.directory)
    known: list[Any] = manifest["classes"]
    return known


def check_training(
    pixels: NDArray[np.uint8], labels: Labels | None, weights: NDArray[np.float64]
) -> None:
    """Check that there is something to train on.

    Raises:
        GeneratorError: there is not, or the weights are none.
    """
    if not len(pixels):
        raise GeneratorError("there is no row to train the generator on; check the training mix")
    counts = {len(weights), len(pixels) if labels is None else len(labels)}
    if counts != {len(pixels)}:
        raise GeneratorError("the generator needs one label and one weight for each image")
    if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise GeneratorError("the weights of the training mix must be finite and not all zero")


def places(labels: Labels | None, count: int) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the classes of labels, sorted, and the place of each label among them, [count].

    Args:
        labels: [count]; None: there are none, so there is no class and all places are 0.
        count: rows.
    """
    if labels is None:
        return [], np.zeros(count, dtype=np.int64)
    classes, found = np.unique(labels, return_inverse=True)
    return classes.tolist(), found.astype(np.int64)


def are_labels(classes: list[Any]) -> bool:
    """Return whether all values are whole numbers of 64 bits, or all are names."""
    return all(type(each) is int and abs(each) < 1 << 63 for each in classes) or all(
        type(each) is str for each in classes
    )


def asked(labels: Labels | int, classes: list[Any]) -> NDArray[np.int64]:
    """Return the place of each label among the classes, [n]; all 0 where there are no classes.

    Raises:
        GeneratorError: Labels are asked for of a generator that knows none, or the other way.
    """
    if isinstance(labels, int) != (not classes):
        raise GeneratorError(
            "the generator was fitted on images without labels, and labels are asked for"
            if not classes
            else "the generator was fitted on labels, and images without one are asked for"
        )
    if isinstance(labels, int):
        return np.zeros(labels, dtype=np.int64)
    kind = np.int64 if type(classes[0]) is int else object
    return indices(labels, np.asarray(classes, dtype=kind))


def indices(labels: Labels, classes: Labels) -> NDArray[np.int64]:
    """Return the place of each label in the sorted classes, [n].

    Raises:
        GeneratorError: A label is none of them.
    """
    known = classes.tolist()
    unknown = [label for label in np.unique(labels).tolist() if label not in known]
    if unknown:
        raise GeneratorError(
            f"the generator knows no class {visible(str(unknown[0]))}; "
            f"it was fitted on {', '.join(visible(str(each)) for each in known)}"
        )
    return np.searchsorted(classes, labels)
