"""Numbers in the page's addresses: those that a table can hold; any other address is not there."""

from __future__ import annotations

from typing import ClassVar, Final

from starlette.convertors import Convertor, register_url_convertor

ROUND: Final = "round"
ROW: Final = "row"


class _Number(Convertor[int]):
    """A whole number of ASCII digits that fits the column it is looked up in."""

    def convert(self, value: str) -> int:
        """Read the digits."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Write the digits."""
        return str(value)


class _Round(_Number):
    """Fits 32 bits, as rounds do."""

    regex: ClassVar[str] = "[0-9]{1,9}"


class _Row(_Number):
    """Fits 64 bits, as rows do."""

    regex: ClassVar[str] = "[0-9]{1,18}"


def register() -> None:
    """Let routes say `{round:round}` and `{row:row}`."""
    register_url_convertor(ROUND, _Round())
    register_url_convertor(ROW, _Row())
