"""What reviewers decided about samples among the inputs of a stage, for its key and its receipt.

`rounds/reviews.json` repeats, for DVC and git, a digest of the records of reviews of each round
that has some (`pipelines.reviewing.noted` writes it). The stage `curate` of such a round has it
among its inputs, and nothing where there are none, so no other key and no other receipt moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipelines.common.settings import StrictModel
from pipelines.params import Round
from pipelines.rounds import noted_files, receipts

FILE: Final = receipts.ROOT / "reviews.json"
NAME: Final = "what reviewers decided"
"""Name of the digest among the files of a stage's inputs."""
STAGE: Final = "curate"
"""The stage that applies what reviewers decided."""


class NotedReviews(StrictModel):
    """The content of the file: the digest of the records of each round, by the round's branch."""

    rounds: Mapping[str, str] = {}


def read(path: Path | None = None) -> NotedReviews:
    """Read the file; empty where there is none.

    Raises:
        StaleError: it is damaged.
    """
    return noted_files.read(FILE if path is None else path, NotedReviews, NAME)


def of_stage(round_: Round, stage: str) -> dict[str, str]:
    """The digest of what reviewers decided among the inputs of a stage; empty if there is none.

    Raises:
        StaleError: the file is damaged.
    """
    if stage != STAGE:
        return {}
    digest = read().rounds.get(round_.branch)
    return {} if digest is None else {NAME: digest}
