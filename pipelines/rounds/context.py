"""The context in which the stages of a round run: settings, lake, receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import private, settings
from lake.client import Lake
from lake.client.commit_answers import CommitAnswers
from pipelines.params import Params, Round, load, resolve
from pipelines.rounds import moved_commits, receipts
from pipelines.rounds.keys import StageKey
from pipelines.rounds.receipts import Receipt

PRIVATE: Final = Path(".stemma")
"""Folder of a project's private caches: service answers, scores, indexes."""
PURGE: Final = "purge-"
"""Beginning of the names of folders there in which a purge keeps cleaned objects while it runs."""


@dataclass(frozen=True, slots=True)
class RoundContext:
    """A round, the settings of its project, and the lake that stores it."""

    params: Params
    round: Round
    lake: Lake

    def receipt(self, stage: str) -> Receipt:
        """Read the receipt that an earlier stage of this round wrote."""
        return receipts.read(self.round.dataset, self.round.number, stage)

    def previous(self) -> Receipt:
        """Read the receipt of the round that this one follows."""
        return receipts.read(self.round.dataset, self.round.previous, "publish")


def open_lake(params: Params, *, holdout: bool = False) -> Lake:
    """Connect to the repository of the samples, or to that of the hold-out.

    A lake that commits were moved to is read and written by the ids that they had before.
    """
    where = settings.resolve(Path.cwd())
    repository = params.lake.holdout if holdout else params.lake.repository
    if holdout and isinstance(where, settings.Remote):
        where = settings.holdout(where)
    return moved_commits.opened(where, repository)


def open_for_command(params: Params) -> Lake:
    """Connect to the repository of the samples for a process that ends soon.

    What the lake answers about commits is kept, and not asked again.
    """
    lake = open_lake(params)
    lake.connection.answers = CommitAnswers()
    return lake


def open_context(key: str) -> RoundContext:
    """Read params.yaml and open the lake for one round; only the user can read the caches."""
    params = load()
    private.folder(PRIVATE)
    return RoundContext(params, resolve(params, key), open_for_command(params))


def write_receipt(
    ctx: RoundContext,
    stage: str,
    commit: str,
    key: StageKey,
    rows: Mapping[str, int],
    *,
    tag: str | None = None,
    data: StageKey | None = None,
    main: str | None = None,
) -> Receipt:
    """Write the receipt of a stage of this round."""
    receipt = Receipt(
        stage=stage,
        dataset=ctx.round.dataset,
        round=ctx.round.number,
        line=ctx.round.line,
        repository=ctx.lake.repository,
        branch=ctx.round.branch,
        commit=commit,
        input_key=key.key,
        recipe=key.recipe,
        versions=dict(key.versions),
        tag=tag,
        data_key=data.key if data else None,
        data_recipe=data.recipe if data else None,
        main=main,
        rows=rows,
    )
    receipts.write(receipt)
    return receipt
