"""The project's folder for workers, here and on other machines, and what each of them is told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from lake import private, settings
from lake.settings import ENDPOINT, Embedded
from pipelines.common.errors import ProjectError
from pipelines.common.executors.folder import WorkFolder
from pipelines.generation import worker_environment
from pipelines.generation.shard_worker import ShardOrder
from pipelines.rounds.context import RoundContext
from pipelines.rounds.keys import StageKey

EXCLUDES: Final = (".lake", ".stemma", ".dvc/cache", ".dvc/tmp", ".git", ".venv", "reports")
"""What a copy of the project leaves out: the lake, caches, and what no worker reads."""


@contextmanager
def marked(kept: Path, *, travels: bool = True) -> Iterator[WorkFolder]:
    """Mark the project's folder, the current one, so that workers know whether they see it.

    Args:
        kept: a private folder of the project, such as that of the kept shards.
        travels: whether workers can do with a copy.
    """
    private.folder(kept)
    mark = kept.absolute() / f"seen-{secrets.token_hex(8)}"
    private.create(mark, "")
    try:
        yield WorkFolder(Path.cwd(), mark, EXCLUDES, _may_travel if travels else _stays)
    finally:
        mark.unlink(missing_ok=True)


def order(ctx: RoundContext, key: StageKey, folder: WorkFolder, own: BaseModel) -> ShardOrder:
    """What each worker of a round is told.

    Args:
        ctx: the round.
        key: of its stage.
        folder: the project's.
        own: settings of what workers run, which may name services.
    """
    environment = worker_environment.collect(own)
    return ShardOrder(str(folder.path), ctx.round.key, key.key, str(folder.mark), environment)


def _may_travel() -> None:
    """Refuse a copy of the project where the lake is a folder of this machine.

    Raises:
        ProjectError: it is.
    """
    if isinstance(settings.resolve(Path.cwd()), Embedded):
        raise ProjectError(
            f"nodes of the cluster do not see the project in {Path.cwd()}, and its lake is a "
            "folder of this machine: put the project on a file system that all nodes share, or "
            f"name a lakeFS server by {ENDPOINT}"
        )


def _stays() -> None:
    """Refuse a copy of the project, whose cache of answers would be lost with it.

    Raises:
        ProjectError: always.
    """
    raise ProjectError(
        f"nodes of the cluster do not see the project in {Path.cwd()}, and answers that were paid "
        "for would be lost there: put the project on a file system that all nodes share, or set "
        "the executor local for this round"
    )
