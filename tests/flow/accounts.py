"""Accounts for the rows of every round that tests publish, or that the guard blocks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines import params
from pipelines.common.errors import BlockedError
from pipelines.inquiry.losses import of_rounds
from pipelines.inquiry.losses.endings import RoundLosses
from pipelines.params import resolve
from pipelines.rounds import context, history
from pipelines.stages import runner
from tests.programs_server import ACCOUNTED


@contextmanager
def checked(told: Path) -> Iterator[None]:
    """Let each stage `publish` be followed by an account that must add up.

    So it is in this process, and in forks that are programs, which look for the variable.

    Args:
        told: a file to which each round that was accounted for is added, a line each.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "start", accounting(runner.start))
        patch.setenv(ACCOUNTED, str(told))
        yield


def accounting(start: Callable[..., object]) -> Callable[..., object]:
    """What starts a stage, with an account behind the stage `publish`."""

    def accounted(name: str, key: str | None, **flags: Any) -> object:
        try:
            result = start(name, key, **flags)
        except BlockedError:
            if name == "publish":
                check(str(key))
            raise
        if name == "publish":
            check(str(key))
        return result

    return accounted


def check(key: str) -> RoundLosses | None:
    """Account for the rows of a round, whose numbers must add up; None: the lake lacks the round.

    Args:
        key: the round's name in params.yaml.
    """
    project = params.load()
    round_, lake = resolve(project, key), context.open_lake(project)
    published = history.published_round(lake, round_)
    commit = published.commit if published else lake.head(round_.branch)
    if commit is None:
        return None
    found = of_rounds.of_round(lake, round_.dataset, round_.number, commit)
    assert found.fault() is None, found.to_dict()
    if told := os.environ.get(ACCOUNTED):
        with Path(told).open("a", encoding="utf-8") as rounds:
            rounds.write(f"{os.getpid()} {key}\n")
    return found
