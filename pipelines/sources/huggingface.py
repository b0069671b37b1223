"""A data set of the Hugging Face Hub by its name, read by the library `datasets`.

Code of a data set's own is never run: the library reads files alone. Classes become their names,
images stay the files that they are.

Source: Q. Lhoest and others, "Datasets: A Community Library for Natural Language Processing",
EMNLP 2021 (https://huggingface.co/docs/datasets).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from pipelines.common.errors import DataError, LibraryError
from pipelines.common.settings import StrictModel
from pipelines.sources.protocol import Source

if TYPE_CHECKING:
    import polars as pl

CACHE: Final = Path(".stemma") / "sources" / "huggingface"


class HuggingFaceSettings(StrictModel):
    """Which data set, and what of it."""

    dataset: str = Field(min_length=1)
    """Its name, such as `owner/name`, or a folder of this machine in the same layout."""
    config: str | None = None
    """One of its configurations; None: the only one."""
    split: str | None = None
    """One of its splits; None: all, one after the other, because ingest splits rows anew."""
    revision: str | None = None
    """A commit of its repository, so that the rows stay the same; None: the newest."""


class HuggingFace(Source[HuggingFaceSettings]):
    """The rows of a data set of the Hub."""

    name = "huggingface"
    version = "huggingface/1"
    reads_data = True
    Settings = HuggingFaceSettings
    origin = "huggingface"

    def files(self, settings: HuggingFaceSettings) -> tuple[Path, ...]:
        """Return the folder, if the data set is one of this machine."""
        return (Path(settings.dataset),) if Path(settings.dataset).is_dir() else ()

    def load(self, settings: HuggingFaceSettings) -> pl.DataFrame:
        """Load the rows.

        Raises:
            LibraryError: the library `datasets` is not installed.
            DataError: there is no such data set, configuration, split or revision, or the splits
                have other columns.
        """
        import polars as pl  # noqa: PLC0415  slow to import

        try:
            import datasets  # noqa: PLC0415  slow to import, and in an extra
        except ModuleNotFoundError as error:
            raise LibraryError(
                "data sets of the Hugging Face Hub need the library datasets, which is not "
                "installed; run `pip install 'stemma[hub]'`"
            ) from error
        datasets.disable_progress_bars()
        loaded = datasets.load_dataset(
            settings.dataset,
            settings.config,
            split=settings.split,
            revision=settings.revision,
            cache_dir=str(CACHE),
        )
        splits = dict(loaded) if isinstance(loaded, dict) else {str(settings.split): loaded}
        parts = [_rows(part) for _, part in sorted(splits.items())]
        if any(part.schema != parts[0].schema for part in parts):
            raise DataError(
                f"the splits {', '.join(sorted(splits))} of {settings.dataset} have other columns; "
                "name one as ingest.settings.split"
            )
        first = next(iter(splits.values()))
        self.licence = first.info.license or None  # type: ignore[misc]  # of what was loaded
        at = f"@{settings.revision}" if settings.revision else ""
        self.origin = f"hf://datasets/{settings.dataset}{at}"  # type: ignore[misc]
        return pl.concat(parts)


def _rows(part: Any) -> pl.DataFrame:  # noqa: ANN401  the library has no types
    """Take the rows of a split as they are stored, classes by their names."""
    import polars as pl  # noqa: PLC0415  slow to import
    from datasets import ClassLabel  # noqa: PLC0415
    from datasets.table import embed_table_storage  # noqa: PLC0415

    table = embed_table_storage(part.with_format("arrow")[:])
    frame = pl.DataFrame(table)
    for name, feature in part.features.items():
        if isinstance(feature, ClassLabel):
            names = dict(enumerate(feature.names))
            classes = pl.col(name).replace_strict(names, default=None, return_dtype=pl.String)
            frame = frame.with_columns(classes)
    return frame
