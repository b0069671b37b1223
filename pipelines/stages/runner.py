"""The start and the end of every stage: `stemma stage NAME KEY`.

A stage computes its input key and searches the lake for it; if a commit carries the key, the stage
adopts the commit and only writes the receipt. Otherwise it writes on a staging branch and commits
once. A stage that is killed at any point can therefore run again. An error that is meant for a
person ends in one sentence and an exit code.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Final

from expectations.errors import ExpectationsError
from lake import files, private
from lake.errors import LakeError
from lake.exit_codes import ExitCode
from lake.visible import shorten, visible
from lineage import decoded_images
from lineage.errors import LineageError
from pipelines.common import activity, console
from pipelines.common.errors import ParamsError, PipelineError
from pipelines.common.settings import nearest
from pipelines.lineage_events import emitting
from pipelines.lineage_events.emitting import Told

FAILURES: Final = (PipelineError, ExpectationsError, LineageError, LakeError)
"""Errors whose message is meant for the person at the terminal."""
DATA_LIBRARIES: Final = ("polars", "pyarrow")
"""Libraries whose errors are about data, as a rule."""
CACHE: Final = Path(".stemma")
TRACEBACK: Final = CACHE / "traceback.txt"
"""Where such an error was raised, for a report of a bug."""
OF_THE_PROJECT: Final = ("lake",)
"""Stages that take no key."""
OF_A_DATASET: Final = ("inputs", "ingest", "report")
"""Stages whose key is a data set of params.yaml."""
OF_A_ROUND: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")
"""Stages whose key is a round of params.yaml."""
SUPERSEDING: Final = ("ingest", "generate", "verify", "curate", "evaluate", "publish")
"""Stages that can replace, on request, what main holds."""
IN_SHARES: Final = ("generate",)
"""Stages of which several programs can make a share each."""


def run(name: str, key: str | None, *, supersede: bool = False, share: str | None = None) -> object:
    """Run a stage; errors end in one sentence and an exit code.

    Args:
        name: the stage's name, as in dvc.yaml.
        key: a data set or a round of params.yaml; None for the stage `lake`.
        supersede: replace what main holds, although this checkout's receipts do not know it.
        share: as `i/n`, of the shards of the stage `generate`; None: all of the stage.

    Returns:
        As `start`.
    """
    results: list[object] = []
    guarded(lambda: results.append(start(name, key, supersede=supersede, share=share)))
    return results[0]


def start(
    name: str, key: str | None, *, supersede: bool = False, share: str | None = None
) -> object:
    """Run a stage in this process; errors are raised.

    Returns:
        What is kept of the round after a share was made; None of a whole stage.

    Raises:
        ParamsError: there is no such stage, or it does not take this key or flag.
    """
    stages = (*OF_THE_PROJECT, *OF_A_DATASET, *OF_A_ROUND)
    if name not in stages:
        raise ParamsError(f"there is no stage {name!r}{nearest(name, stages)}")
    if (key is None) != (name in OF_THE_PROJECT):
        requirement = (
            "takes no key" if key is not None else f"needs a {_key_kind(name)} of params.yaml"
        )
        raise ParamsError(f"the stage {name} {requirement}")
    if supersede and name not in SUPERSEDING:
        raise ParamsError(f"the stage {name} replaces nothing; leave --supersede out")
    if share is not None and name not in IN_SHARES:
        raise ParamsError(f"the stage {name} is not made in shares; leave --shard out")
    flags: dict[str, object] = {"supersede": True} if supersede else {}
    if share is not None:
        from pipelines.generation.shares import Share  # noqa: PLC0415  no other stage needs it

        flags["share"] = Share.parse(share)
    with activity.of_stage(name, key), emitting.stage_run(name, key) as told:
        return _start(name, key, flags, told)


def _start(name: str, key: str | None, flags: dict[str, object], told: Told | None) -> object:
    """Run a stage; its events, if anybody listens, say what it read and wrote."""
    module = importlib.import_module(f"pipelines.stages.{name}")
    if name in OF_A_ROUND:
        # The stage lake needs neither.
        from pipelines.rounds import receipt_checks  # noqa: PLC0415
        from pipelines.rounds.context import open_context  # noqa: PLC0415
        from pipelines.takedown import gone  # noqa: PLC0415

        ctx = open_context(str(key))
        if told is not None and "share" not in flags:
            told.collect = partial(_collecting().of_round, ctx, name)
        receipt_checks.check(ctx, name, lambda held: gone.at(ctx.lake).before(held))
        with decoded_images.kept(_cache()):
            return module.main(ctx, **flags)
    if told is not None and name == "ingest":
        told.collect = partial(_collecting().of_ingest, str(key))
    with decoded_images.kept(_cache()):
        return module.run(*([] if key is None else [key]), **flags)


def _cache() -> Path:
    """The project's folder of what may be made again, which lies on a disk, unlike some of /tmp."""
    with suppress(OSError):  # where nothing can be written, nothing is kept
        private.folder(CACHE)
    return CACHE


def _collecting() -> ModuleType:
    """What collects the facts of events; nothing else needs it."""
    return importlib.import_module("pipelines.lineage_events.collecting")


def guarded(action: Callable[[], None]) -> None:
    """Run an action and turn the project's errors into one sentence and an exit code."""
    try:
        action()
    except FAILURES as error:
        console.line(f"stemma: {error}")
        sys.exit(getattr(error, "exit_code", ExitCode.FAILED))
    except OSError as error:
        filename = f": {error.filename}" if error.filename else ""
        console.line(f"stemma: {error.strerror or error}{filename}")
        sys.exit(ExitCode.FAILED)
    except KeyboardInterrupt:
        console.line("stemma: interrupted; run it again to go on")
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  of a library that reads data, or a bug
        if _is_of_data(error) and _told_of_data(error):
            sys.exit(ExitCode.FAILED)
        console.lines(traceback.format_exc().rstrip())  # escaped
        sys.exit(ExitCode.FAULT)


def _is_of_data(error: Exception) -> bool:
    """Tell whether an error is one by which a library refuses data."""
    library = type(error).__module__.partition(".")[0]
    return isinstance(error, UnicodeError) or library in DATA_LIBRARIES


def _told_of_data(error: Exception) -> bool:
    """Tell in a sentence that data cannot be read, and keep the traceback for who wants it."""
    try:
        private.folder(TRACEBACK.parent)
        files.write_text(TRACEBACK, visible(traceback.format_exc(), lines=True))
    except OSError:
        return False
    first = (str(error).splitlines() or ["no message"])[0]
    console.line(
        f"stemma: the data cannot be processed: {type(error).__name__}: {shorten(first)}; the "
        f"traceback is in {TRACEBACK}"
    )
    return True


def _key_kind(name: str) -> str:
    return "data set" if name in OF_A_DATASET else "round"
