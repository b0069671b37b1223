"""A source without settings, made of a function that loads the rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.common.plugins import NoSettings
from pipelines.sources.protocol import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl


def of_function(
    function: Callable[[], Any],
    *,
    called: str,
    release: str,
    made_from: str,
    terms: str | None,
    reads: tuple[Path, ...] = (),
) -> type[Source[NoSettings]]:
    """Make a source class of a function.

    Args:
        function: Loads all rows, always in the same order, as `Source.load`.
        called: Name of the source.
        release: Its semantic version, such as `digits/1`.
        made_from: Where the rows are from, as `Source.origin`.
        terms: Licence of the rows; None: unknown.
        reads: Files of the user's that the function reads.
    """

    class FunctionSource(Source[NoSettings]):
        """The rows that a function loads."""

        name = called
        version = release
        Settings = NoSettings
        origin = made_from
        licence = terms

        def files(self, settings: NoSettings) -> tuple[Path, ...]:  # noqa: ARG002  it has none
            """Return the files that the function reads."""
            return reads

        def load(self, settings: NoSettings) -> pl.DataFrame:  # noqa: ARG002  it has none
            """Call the function."""
            frame: pl.DataFrame = function()
            return frame

    return FunctionSource
