"""What can be set for candidates that were made elsewhere."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from pipelines.common.settings import StrictModel

VERSION: Final = "file/2"


class FileFit(StrictModel):
    """There is nothing to fit."""


class FileGenerate(StrictModel):
    """Where the candidates are, and what is known of them."""

    path: str = ""
    """A Parquet, JSONL or CSV file with the columns of the data set, or a folder of images in class
    folders. `generate.candidates` does not count: the file says how many there are."""
    rows: int | None = Field(None, gt=0)
    """Rows of the file that are used, the first ones; None: all."""
    parents: str | None = None
    """Column that names the rows a candidate was made from: by sample id, or by round/row or
    dataset/round/row; several as a list, or separated by spaces, commas or semicolons. Null or
    empty where a candidate has none."""
    relation: Literal["seed", "edited"] = "seed"
    """What named parents are: seeds of new content, or content that was edited."""
    weight: float = Field(0.5, gt=0, le=1)
    """How much of a candidate its named parents account for together, each the same; the rest comes
    from a model of unknown training data."""
    generator: str | None = None
    """Name of what made the candidates, for people who read lineage."""
    licence: str | None = None
    """Licence of the candidates."""
    label: str | None = None
    """Column with the labels, where it is not called `label`."""
