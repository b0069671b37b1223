"""Accepted rows of published rounds that a generator reads besides the mix, such as captions.

The receipt of such a round pins its commit: the key of stage `generate` holds the key of the data
that was published there, so a caption that changes makes the images again, and the receipt of the
stage's inputs, on which DVC depends, changes with it. Lineage and manifest name the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from pipelines.common.errors import PipelineError, StaleError
from pipelines.generators.registry import GENERATORS
from pipelines.params import Round
from pipelines.rounds import receipts, tables

UNPUBLISHED: Final = "not published"
"""Stands for the key of a round that is not published yet."""

Reader = Callable[[str, int], tuple[str, pl.DataFrame]]


def keys(round_: Round) -> dict[str, str]:
    """Keys of the data that a round's generator reads besides the mix, by name.

    Raises:
        StaleError: a receipt is damaged.
    """
    found = {}
    for dataset, number in read_by(round_):
        there = receipts.path(dataset, number, "publish").is_file()
        key = receipts.read(dataset, number, "publish").data.key if there else UNPUBLISHED
        found[f"samples of {dataset}-{number}"] = key
    return found


def read_by(round_: Round) -> Iterable[tuple[str, int]]:
    """Data set and number of the rounds whose samples a round's generator reads besides the mix."""
    own = round_.settings.generate.of(round_.generator)
    return GENERATORS.load(round_.generator).reads(own)


def reader(lake: Lake, commits: Mapping[str, str] | None = None) -> Reader:
    """Make what reads the accepted rows of a published round.

    Args:
        lake: the lake.
        commits: by data set, where a record pins them; None: the receipts of this checkout do.
    """

    def read(dataset: str, number: int) -> tuple[str, pl.DataFrame]:
        commit = _pinned(dataset, number) if commits is None else commits.get(dataset)
        if commit is None:
            raise StaleError(f"the record of the round pins no commit of {dataset}")
        try:
            return commit, tables.read_round(lake, commit, dataset, "samples", number)
        except PipelineError as error:
            raise StaleError(
                f"the samples of round {number} of {dataset} cannot be read at {commit[:12]}: "
                f"{error}"
            ) from error

    return read


def _pinned(dataset: str, number: int) -> str:
    """The commit that holds a published round on main.

    Raises:
        StaleError: the round is not published.
    """
    what = f"round {number} of {dataset}, whose accepted rows the candidates are made of,"
    again = "and then run this round again"
    if not receipts.path(dataset, number, "publish").is_file():
        raise StaleError(
            f"{what} is not published yet; publish it first (`stemma run {dataset}`) {again}"
        )
    receipt = receipts.read(dataset, number, "publish")
    commit = receipt.commit if receipt.line == refs.MAIN else receipt.main
    if commit is None:
        raise StaleError(f"{what} is not on main; publish it on the line main first, {again}")
    return commit
