"""Generator `augment`: rows of the mix that are edited, or mixed with another row.

A candidate that is an edited row has that row as its only parent, relation `edited`, weight 1. One
that mixes two images has both as parents, relation `seed`, with mixup's weights, or with the shares
of the area of CutMix. Each candidate is drawn by a seed of its own, so it is the same whatever the
shards are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators import pool as pools
from pipelines.generators.augment import draws, mixtures, text_columns, text_edits
from pipelines.generators.augment.draws import Draw, Drawn
from pipelines.generators.augment.settings import AugmentGenerate, ImageEdits, TextEdits
from pipelines.generators.exact_parents import ExactParents, candidates
from pipelines.generators.pool import Pool
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
)

IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Content:
    """What a round is made of."""

    pool: Pool
    drawn: Drawn
    columns: tuple[str, ...] | None
    """Columns of texts that are edited; None: images are."""


class Augment(ExactParents[AugmentGenerate]):
    """Edited images and texts of the mix, which are their exact parents."""

    name = "augment"
    version = "augment/1"
    GenerateSettings = AugmentGenerate
    attribution = "augmented/1"
    modalities = ("image", "text")

    def plan(self, request: GenerateRequest[AugmentGenerate]) -> GeneratePlan[AugmentGenerate]:
        """Draw the sources of all candidates.

        Raises:
            GeneratorError: the rows of the mix are damaged, or the settings do not suit them.
        """
        pool, settings = pools.read(request), request.settings
        columns = _checked(pool.payload, request)
        if columns is None:
            drawn = draws.of_images(request, pool, settings.image)
        else:
            drawn = draws.of_texts(request, pool)
        return GeneratePlan(request, request.shards(), Content(pool, drawn, columns))

    def check_rows(self, rows: pl.DataFrame, request: GenerateRequest[AugmentGenerate]) -> None:
        """Check that the settings suit the rows, before they are kept.

        Raises:
            GeneratorError: they do not.
        """
        _checked(pools.payload_of(rows, request), request)

    def generate(
        self, plan: GeneratePlan[AugmentGenerate], shard: Shard
    ) -> Iterator[GenerateBatch]:
        """Edit the sources of a shard.

        Raises:
            ImageError: a source cannot be read.
        """
        content: Content = plan.content
        own = content.drawn.draws[shard.start : shard.stop]
        settings = plan.request.settings
        made, shares = (
            _images(plan.request, content.pool, own, settings.image)
            if content.columns is None
            else _texts(plan.request, content.pool, own, content.columns, settings.text)
        )
        parents = _parents(plan.request.dataset, content.pool, own, shares)
        yield GenerateBatch(candidates(made, shard, plan.request.identity), parents)

    def report(self, plan: GeneratePlan[AugmentGenerate]) -> GenerateReport:
        """Report the libraries, and how many candidates were made in which way."""
        content: Content = plan.content
        pillow = {"pillow": version("pillow")} if content.columns is None else {}
        methods = [each.method for each in content.drawn.draws]
        made = {each: methods.count(each) for each in dict.fromkeys(sorted(methods))}
        alone = {"not_mixed": content.drawn.alone} if content.drawn.alone else {}
        return GenerateReport({**pools.environment(), **pillow}, facts={"methods": made, **alone})


def _checked(
    payload: pl.DataFrame, request: GenerateRequest[AugmentGenerate]
) -> tuple[str, ...] | None:
    """Check the settings; return the columns of texts that are edited, or None of images.

    Raises:
        GeneratorError: they do not suit the rows.
    """
    if payload.schema.get(IMAGE) != images.IMAGE:
        return text_columns.chosen(request, payload)
    _check_images(payload, request.settings)
    return None


def _check_images(payload: pl.DataFrame, settings: AugmentGenerate) -> None:
    """Refuse settings that do nothing to images of this kind.

    Raises:
        GeneratorError: they do not.
        ImageError: the first image cannot be read.
    """
    if settings.text != TextEdits():
        raise GeneratorError(
            "generate.augment.text is set, and the rows are images; set generate.augment.image"
        )
    shape = images.decode(payload[IMAGE][:1]).shape[1:]
    if not settings.image.changes(in_colour=len(shape) > 2):  # noqa: PLR2004  height and width
        raise GeneratorError(
            "generate.augment.image changes nothing but the saturation, which greyscale images do "
            "not have; set flip, rotation, crop, noise or others"
        )
    if settings.image.cutmix and shape[0] * shape[1] < 2:  # noqa: PLR2004  one of each image
        raise GeneratorError("generate.augment.image.cutmix needs images of more than one pixel")


def _images(
    request: GenerateRequest[Any], pool: Pool, own: tuple[Draw, ...], edits: ImageEdits
) -> tuple[pl.DataFrame, list[float]]:
    """Make images; return the payload, and the share of the second source of each."""
    # Pillow is imported with the edits, and params.yaml is read without it.
    from pipelines.features import image_edits  # noqa: PLC0415

    firsts = images.decode(pool.payload[IMAGE][[each.first for each in own]])
    places = [each.first if each.second is None else each.second for each in own]
    seconds = images.decode(pool.payload[IMAGE][places])
    shares, made = [], np.empty_like(firsts)
    for at, draw in enumerate(own):
        chance = draws.generator(request, draw.row, "edits")
        pixels, share = image_edits.edited(firsts[at], edits, chance), draw.share
        if draw.method != "edit":
            other = image_edits.edited(seconds[at], edits, chance)
            if draw.method == "mixup":
                pixels = mixtures.mixup(pixels, other, share)
            else:
                pixels, share = mixtures.cutmix(pixels, other, share, chance)
        made[at] = pixels
        shares.append(share)
    larger = [
        second if share > 0.5 else each.first  # noqa: PLR2004  more than half
        for each, second, share in zip(own, places, shares, strict=True)
    ]
    return pool.payload[larger].with_columns(images.column(made)), shares


def _texts(
    request: GenerateRequest[Any],
    pool: Pool,
    own: tuple[Draw, ...],
    columns: tuple[str, ...],
    edits: TextEdits,
) -> tuple[pl.DataFrame, list[float]]:
    """Make texts; return the payload, and a share of 0 of a second source for each."""
    sources = pool.payload[[each.first for each in own]]
    rows = [
        text_edits.edited(row, columns, edits, draws.generator(request, draw.row, "edits"))
        for draw, row in zip(own, sources.iter_rows(named=True), strict=True)
    ]
    return pl.DataFrame(rows, schema=sources.schema), [0.0] * len(own)


def _parents(dataset: str, pool: Pool, own: tuple[Draw, ...], shares: list[float]) -> pl.DataFrame:
    """Build the edges to one source of each candidate, or to both."""
    frame = pl.DataFrame(
        {
            "row": [each.row for each in own],
            "first": [each.first for each in own],
            "second": [each.second for each in own],
            "share": shares,
        },
        schema={"row": pl.Int64, "first": pl.Int64, "second": pl.Int64, "share": pl.Float64},
    )
    edited = frame.filter(pl.col("second").is_null())
    mixed = frame.filter(pl.col("second").is_not_null())
    parts = (
        (edited, "first", np.ones(len(edited)), "edited"),
        (mixed, "first", 1 - mixed["share"].to_numpy(), "seed"),
        (mixed, "second", mixed["share"].to_numpy(), "seed"),
    )
    return pl.concat(
        pools.parents(dataset, rows["row"], pool.keys[rows[place]], weights, relation)
        for rows, place, weights, relation in parts
    )
