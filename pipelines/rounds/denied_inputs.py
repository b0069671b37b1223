"""What was taken down among the inputs of a stage, as a digest for its key and its receipt.

`rounds/takedowns.json` repeats, for DVC and git, what the records of take-downs on main say of keys
(`pipelines.takedown.noted` writes it): a digest of the entries of each, which rounds they were
taken from, which rounds stay as they are, and from which on a data set is made again. A stage's
inputs have the digest of those take-downs that touch them, and nothing where none does, so no other
key and no other receipt moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from pipelines.common import digests
from pipelines.common.settings import StrictModel
from pipelines.params import Round
from pipelines.rounds import noted_files, receipts

FILE: Final = receipts.ROOT / "takedowns.json"
NAME: Final = "what was taken down"
"""Name of the digest among the files of a stage's inputs."""


class Noted(StrictModel):
    """What a take-down says of the keys of rounds."""

    entries: str
    """SHA-256 of its entries of the deny-list."""
    touched: Mapping[str, tuple[int, ...]]
    """By data set, the rounds that rows were taken from."""
    kept: Mapping[str, tuple[int, ...]]
    """By data set, the rounds that stay as they are."""
    remade: Mapping[str, int]
    """By data set, the first round that is made again."""

    def applies(self, round_: Round, stage: str, reads: Iterable[tuple[str, int]]) -> bool:
        """Tell whether it changes what a stage of a round reads.

        Args:
            round_: the round.
            stage: the stage; `fit` reads the mix, `generate` may read samples besides.
            reads: data set and number of the rounds of which `generate` reads samples.
        """
        number = round_.number
        if number in self.kept.get(round_.dataset, ()):
            return False
        if stage == "generate":
            return any(other in self.touched.get(name, ()) for name, other in reads)
        if stage != "fit":
            return False
        again = self.remade.get(round_.dataset)
        learned = any(other < number for other in self.touched.get(round_.dataset, ()))
        return learned or (again is not None and number >= again)


class NotedTakedowns(StrictModel):
    """The content of the file: take-downs by name."""

    takedowns: Mapping[str, Noted] = {}


def read(path: Path | None = None) -> NotedTakedowns:
    """Read the file; empty where there is none.

    Raises:
        StaleError: it is damaged.
    """
    return noted_files.read(FILE if path is None else path, NotedTakedowns, NAME)


def of_stage(round_: Round, stage: str, reads: Iterable[tuple[str, int]] = ()) -> dict[str, str]:
    """The digest of what was taken down among the inputs of a stage, by name; empty if nothing was.

    Args:
        round_: the round.
        stage: the stage.
        reads: as in `Noted.applies`.

    Raises:
        StaleError: the file is damaged.
    """
    others = list(reads)
    touching = {
        name: noted.entries
        for name, noted in read().takedowns.items()
        if noted.applies(round_, stage, others)
    }
    return {NAME: digests.of_json(touching)} if touching else {}
