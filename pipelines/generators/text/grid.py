"""The attribute grid: each prompt asks for one combination of words, all equally often.

A model asked the same thing again and again gives the same few answers. Prompts that name
attributes such as style and length give more varied data than prompts that name the label alone
(Yu et al. 2023, "Large Language Model as Attributed Training Data Generator", arXiv 2306.15895).
Li et al. 2023, "Synthetic Data Generation with Large Language Models for Text Classification"
(arXiv 2310.07849), find synthetic texts less diverse than real ones, and classifiers trained on
them worse for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Cell = Mapping[str, str]
"""A word for each attribute."""


def cells(attributes: Mapping[str, Sequence[str]]) -> list[Cell]:
    """Return all combinations of attributes, in order; a single empty one without attributes."""
    names = list(attributes)
    return [dict(zip(names, words, strict=True)) for words in product(*attributes.values())]


def even(groups: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Give each row one of `count` cells, evenly within every group and over all.

    The rows of one group after those of another walk through one random order of the cells, so in
    each group, and overall, two cells are used equally often or differ by one.

    Args:
        groups: [n], such as numbers of labels.
        count: of the cells.
        seed: of their order.

    Returns:
        [n], from 0 to count - 1.
    """
    order = np.random.default_rng(seed).permutation(count)
    cell_of = np.empty(len(groups), dtype=np.int64)
    cell_of[np.argsort(groups, kind="stable")] = np.resize(order, len(groups))
    return cell_of
