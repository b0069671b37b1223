"""A share of the shards of a round, for schedulers that start one program many times.

`stemma stage generate KEY --shard i/n` makes every n-th shard, from the i-th on, and commits
nothing; n such runs, in any order or at once, make all of them on a file system that they share.
One run without `--shard` then puts them together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.common.errors import ParamsError
from pipelines.common.shards import Shard

_WRITTEN: Final = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Share:
    """One of several equal shares."""

    number: int
    """Which, from 1."""
    of: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read a share as `i/n`.

        Raises:
            ParamsError: it is none.
        """
        written = _WRITTEN.fullmatch(text)
        number, of = map(int, written.groups()) if written else (0, 0)
        if not 1 <= number <= of:
            raise ParamsError(
                f"--shard {text} is no share: write i/n with i from 1 to n, such as 2/8 for the "
                "second of eight runs"
            )
        return cls(number, of)

    def select(self, shards: Sequence[Shard]) -> list[Shard]:
        """The shards of this share, so that shares differ by one shard at most."""
        return list(shards[self.number - 1 :: self.of])


@dataclass(frozen=True, slots=True)
class KeptShare:
    """What is kept of a round after a share was made."""

    made: int
    """Shards that this run made."""
    kept: int
    """Shards of the round that are kept, whoever made them."""
    of: int
    """Shards of the round."""

    @property
    def is_whole(self) -> bool:
        """Whether all shards are there."""
        return self.kept == self.of
