"""How every stage starts and ends: `python -m pipelines.<stage> <round>`.

A stage computes its input key and looks for it in the lake; when a commit carries the key, the
stage adopts it and only writes the receipt. Otherwise it sets the round's branch to its input
commit, writes, and commits once. A stage killed anywhere can therefore simply run again. An error
that is meant for a person ends in one sentence and an exit code.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from expectations.errors import ExpectationsError
from lake.errors import LakeError
from lineage.errors import LineageError
from pipelines.common import console
from pipelines.common.errors import PipelineError
from pipelines.rounds.context import open_round

FAILURES: Final = (PipelineError, ExpectationsError, LineageError, LakeError)
"""Errors whose message is meant for the person at the terminal."""
INTERRUPTED: Final = 130


def run_stage(main: Callable[..., None], *flags: str) -> None:
    """Run a stage for the round named on the command line; errors end in one sentence.

    Args:
        main: the stage; it takes the round at work, and each flag as a keyword.
        flags: names of boolean options that the stage knows.
    """
    parser = argparse.ArgumentParser(prog=f"python -m pipelines.{Path(sys.argv[0]).stem}")
    parser.add_argument("round", help="a key of `rounds` in params.yaml, such as digits-1")
    for flag in flags:
        parser.add_argument(f"--{flag}", action="store_true")
    asked = vars(parser.parse_args())
    key = asked.pop("round")
    guarded(lambda: main(open_round(key), **asked))


def guarded(action: Callable[[], None]) -> None:
    """Run an action and turn the project's errors into one sentence and an exit code."""
    try:
        action()
    except FAILURES as error:
        console.line(f"stemma: {error}")
        sys.exit(getattr(error, "exit_code", 1))
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        console.line(f"stemma: {error.strerror or error}{place}")
        sys.exit(1)
    except KeyboardInterrupt:
        console.line("stemma: interrupted; run it again to go on")
        sys.exit(INTERRUPTED)
    except Exception:  # noqa: BLE001  a fault of the program: all of it, with nothing raw
        console.lines(traceback.format_exc().rstrip())
        sys.exit(1)
