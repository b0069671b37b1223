"""Accounts for the rows of every round that tests publish, or that the guard blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pipelines import params
from pipelines.common.errors import BlockedError
from pipelines.inquiry.losses import of_rounds
from pipelines.inquiry.losses.endings import RoundLosses
from pipelines.params import resolve
from pipelines.rounds import context, history
from pipelines.stages import runner


@contextmanager
def checked() -> Iterator[None]:
    """Let the stage `publish` of this process be followed by an account that must add up."""
    start = runner.start

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

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "start", accounted)
        yield


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
    return found
