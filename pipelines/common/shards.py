"""Heavy stages as a map over shards and a small reduce.

A shard knows its rows and its seed and nothing else, so neither the order in which shards are made
nor where that is matters. `pipelines.common.executors` runs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.common.seeds import derive_seed


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
