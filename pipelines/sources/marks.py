"""Marks of generators among images that a source gives as real: counted, said, or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from pipelines.common.errors import DataError
from pipelines.features.image_marks import finding

MarkedPolicy = Literal["warn", "keep", "refuse"]
EXAMPLES: Final = 5
"""Images that are named."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What was found in the images of a source."""

    images: int = 0
    """Images that were looked at."""
    generated: int = 0
    """Images with a mark of a generator."""
    counts: tuple[tuple[str, int], ...] = ()
    """Images by mark, the most frequent first; C2PA's manifests of no generator too."""
    examples: tuple[str, ...] = ()
    """The first of the images with a mark of a generator: their paths, or rows."""

    def sentence(self, policy: MarkedPolicy = "warn") -> str:
        """Say it for a person; empty where no mark was found."""
        if not self.counts:
            return ""
        listed = ", ".join(f"{name} {count:,}" for name, count in self.counts)
        if not self.generated:
            return f"{self.images:,} images looked at for marks of generators, and none: {listed}"
        names = ", ".join(repr(name) for name in self.examples)
        more = self.generated - len(self.examples)
        found = (
            f"{self.generated:,} of {self.images:,} images have marks of generators ({listed}): "
            f"{names}{f' and {more:,} more' if more > 0 else ''}"
        )
        if policy == "keep":
            return f"{found}; they are kept as real (ingest.marked: keep)"
        return (
            f"{found}; what a model made is not real data: take these out of the source, or set "
            "ingest.marked to keep if they are meant, or to refuse"
        )

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "images": self.images,
            "generated": self.generated,
            "counts": dict(self.counts),
            "examples": list(self.examples),
        }


NONE: Final = Marks()


def scan(frame: pl.DataFrame) -> Marks:
    """Look for marks in the image files of a frame, as its source gave them.

    Args:
        frame: what a source gave; columns of structs with `bytes` hold images.
    """
    counts: Counter[str] = Counter()
    images = generated = 0
    examples: list[str] = []
    for name, row, item in _files(frame):
        found = finding.find(item["bytes"])
        images += 1
        counts.update(found)
        if found - finding.NEUTRAL:
            generated += 1
            if len(examples) < EXAMPLES:
                examples.append(str(item.get("path") or f"{name} of row {row}"))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Marks(images, generated, tuple(ordered), tuple(examples))


def section(marks: Marks, policy: MarkedPolicy) -> dict[str, Any]:
    """The section `marks` of a report or manifest; no section where no mark was found."""
    return {"marks": {"policy": policy, **marks.to_dict()}} if marks.counts else {}


def check(source: str, marks: Marks, policy: MarkedPolicy) -> None:
    """Refuse images with marks of generators, where that is the policy.

    Raises:
        DataError: there are some.
    """
    if policy == "refuse" and marks.generated:
        names = ", ".join(repr(name) for name in marks.examples)
        raise DataError(
            f"{source}: {marks.generated:,} of {marks.images:,} images have marks of generators, "
            f"such as {names}; take them out of the source, or set ingest.marked to warn or keep"
        )


def _files(frame: pl.DataFrame) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for name, dtype in frame.schema.items():
        if isinstance(dtype, pl.Struct) and pl.Field("bytes", pl.Binary) in dtype.fields:
            for row, item in enumerate(frame[name]):
                if item is not None and item["bytes"] is not None:
                    yield name, row, item
