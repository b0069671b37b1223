"""Work on shards that workers of tests do: module-level functions and plain data."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pipelines.common.errors import GeneratorError, ParamsError
from pipelines.common.shards import Shard


class AwkwardError(Exception):
    """An error that cannot be built from its message alone."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to go wrong, and where it is counted."""

    folder: str
    bad: int = -1
    """The shard that goes wrong."""
    tries: int = 0
    """How often."""
    how: str = "error"


def opened(plan: Plan) -> Plan:
    """Leave a mark for each process that opens the work."""
    (Path(plan.folder) / f"opened-{os.getpid()}").touch()
    if plan.how == "open":
        raise ParamsError("the settings are wrong")
    return plan


def work(plan: Plan, shard: Shard) -> int:
    """Add the rows of a shard, and go wrong where the plan says so."""
    tries = len(list(Path(plan.folder).glob(f"shard-{shard.index}-*")))
    (Path(plan.folder) / f"shard-{shard.index}-{tries}").touch()
    if shard.index == plan.bad and tries < plan.tries:
        _fail(plan.how)
    return sum(shard.rows)


def _fail(how: str) -> NoReturn:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "awkward":
        raise AwkwardError("this", "that")
    if how == "settings":
        raise ParamsError("a setting of the shard is wrong")
    if how == "bug":
        raise KeyError("missing")
    raise GeneratorError("the shard cannot be made")
