"""What a fork of `tests/forked.py` runs: `python -m MODULE`, given all that a program is given."""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from typing import Any


def serve(
    module: str, words: list[str], env: dict[str, str], cwd: str, said: Any, *, session: bool
) -> None:
    """Be that program in this process, which nobody has used yet."""
    if session:
        os.setsid()
    os.dup2(said.detach(), 2)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    importlib.reload(sys.modules["lake.server.failpoints"])  # it reads the environment, once
    sys.argv = [module, *words]
    del sys.modules[f"{module}.__main__"]  # a program's own module is never imported before it runs
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "forked":
    serve(*GIVEN, session=SESSION)  # type: ignore[name-defined]  # noqa: F821  given by the fork's parent
