"""What a source is: a class that gives the real rows of a data set.

A module of the user's own with a function `load() -> DataFrame`, and if it likes with texts SOURCE
and LICENCE, and with FILES, the paths of what it reads, is a source as well, without settings.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from pipelines.common.plugins import Plugin
from pipelines.common.settings import StrictModel

if TYPE_CHECKING:
    import polars as pl

Own = TypeVar("Own", bound=StrictModel)
"""A source's own settings."""


class Source(Plugin, Protocol[Own]):
    """Provides the real rows of a data set."""

    Settings: type[Own]
    """What can be set for it under `ingest.settings` in params.yaml."""
    origin: ClassVar[str]
    """Where the rows are from; lineage records it of each."""
    licence: ClassVar[str | None] = None
    """Licence of the rows; None: unknown."""

    @abstractmethod
    def load(self, settings: Own) -> pl.DataFrame:
        """Load all rows, always in the same order.

        Args:
            settings: the source's own.

        Returns:
            The columns that the data set's modality needs: `image` as struct{bytes, path} and
            `label`; or the texts that are the identity, and `label` if there is one.
        """
