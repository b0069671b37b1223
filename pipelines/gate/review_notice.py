"""Tells people that a round waits for review: a webhook, or a command of whoever runs the stages.

Both are named in the environment (`STEMMA_REVIEW_WEBHOOK`, `STEMMA_REVIEW_COMMAND`) and nowhere
else: params.yaml and the lake come from others, and what they say is never called or run. The
webhook is called under the restrictions of hooks (docs/hooks.md), the command without a shell, and
both get the same JSON. A notice that cannot be given changes nothing of the round.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import filelock

from lake import files, private
from pipelines.common import console

WEBHOOK: Final = "STEMMA_REVIEW_WEBHOOK"
COMMAND: Final = "STEMMA_REVIEW_COMMAND"
SECONDS: Final = 10
"""By which a webhook has to answer, and a command has to end."""
TOLD: Final = Path(".stemma") / "review_notices.json"
"""The commit of each round of which people were told last, by its key."""


def tell(key: str, branch: str, commit: str, reason: str) -> None:
    """Tell that a round waits, once for each commit of it.

    Args:
        key: of the round in params.yaml.
        branch: under review.
        commit: that is reviewed.
        reason: why it waits, as the stage says it.
    """
    webhook, command = os.environ.get(WEBHOOK, ""), os.environ.get(COMMAND, "")
    told = _told()
    if not (webhook or command) or told.get(key) == commit:
        return
    content = {
        "event": "review-waiting",
        "round": key,
        "branch": branch,
        "commit": commit,
        "reason": reason,
    }
    problems = [
        *(_call(webhook, content) if webhook else ()),
        *(_run(command, content) if command else ()),
    ]
    for problem in problems:
        console.line(f"nobody was told that {key} waits for review: {problem}")
    if not problems:
        _note(key, commit)


def _note(key: str, commit: str) -> None:
    """Note of which commit of a round people were told, beside what others note meanwhile."""
    with suppress(OSError):
        private.folder(TOLD.parent)
        with filelock.FileLock(f"{TOLD}.lock", mode=private.FILE_MODE):
            files.write_json(TOLD, {**_told(), key: commit})


def _call(url: str, content: Mapping[str, str]) -> list[str]:
    """POST the notice; return what went wrong, without the URL, which may hold a secret."""
    from pydantic import ValidationError  # noqa: PLC0415  only where somebody is told

    from lake.server.actions import addresses, webhook  # noqa: PLC0415
    from lake.server.actions.action_file import Webhook  # noqa: PLC0415

    log = webhook.Transcript()
    try:
        allowed = addresses.AllowedAddresses.of([str(addresses.parse(url))])
    except ValueError as error:
        return [f"{WEBHOOK}: the URL {error}"]
    try:
        called = Webhook(url=url, timeout=f"{SECONDS}s")
        asyncio.run(webhook.Caller(allowed, {}).call(called, content, log))
    except ValidationError:
        return [f"{WEBHOOK} is no address that can be called"]
    except (ValueError, webhook.HookFailedError) as error:
        return [f"{WEBHOOK}: {error}"]
    return []


def _run(command: str, content: Mapping[str, str]) -> list[str]:
    """Run a command with the notice on its standard input; return what went wrong."""
    try:
        done = subprocess.run(  # noqa: S603  the person's own command
            shlex.split(command),
            input=json.dumps(content).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"{COMMAND} did not end within {SECONDS} seconds"]
    except IndexError:
        return [f"{COMMAND} names no program"]
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        return [f"{COMMAND} cannot be run: {said}"]
    return [f"{COMMAND} ended with exit code {done.returncode}"] if done.returncode else []


def _told() -> dict[str, str]:
    try:
        content = json.loads(TOLD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(key): str(commit) for key, commit in content.items()}
