"""Heavy stages as a map over shards and a small reduce.

One function stands between a stage and where its shards run: here, one after the other, in this
process. A shard knows its rows and its seed and nothing else, so the order does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from pipelines.common.seeds import derive_seed

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of rows with a seed of its own."""

    index: int
    start: int
    stop: int
    seed: int

    @property
    def rows(self) -> range:
        """Row numbers of the shard."""
        return range(self.start, self.stop)


def split(rows: int, size: int, *seed_parts: str | int, root: int) -> Iterator[Shard]:
    """Cut `rows` rows into shards of at most `size`, each with a derived seed."""
    for index, start in enumerate(range(0, rows, size)):
        seed = derive_seed(root, *seed_parts, index)
        yield Shard(index, start, min(start + size, rows), seed)


def run(shards: Iterator[Shard], work: Callable[[Shard], Result]) -> list[Result]:
    """Do the work of each shard; results come in the order of the shards."""
    return [work(shard) for shard in shards]
