"""Settings of the generator `simulate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.common.settings import StrictModel


class SimulateGenerate(StrictModel):
    """Which function makes the rows, and with which arguments."""

    function: str = ""
    """`reasoning_gym`, or a function of your own: `simulators/dice.py`, `my_package.dice:roll`.
    Without a name behind the colon the function is called `simulate`."""
    settings: Mapping[str, Any] = {}
    """Arguments of the function besides the seed."""
    files: tuple[str, ...] = ()
    """Further files of yours that the function reads or imports; a change of one makes the round
    again, as a change of the function's own file does."""
    source: str | None = None
    """What lineage calls the simulator; not given: `SOURCE` of its module, or `function`."""
    licence: str | None = None
    """Licence of what it makes; not given: `LICENCE` of its module, if it has one."""
