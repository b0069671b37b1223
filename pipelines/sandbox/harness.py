"""What runs inside the sandbox: a program, then its tests; then it says how that went.

The file is handed to the sandbox's Python as text, so it imports the standard library alone. The
report carries a token that the program does not see, so that a program which prints, or exits
before its tests ran, has not passed. A program that looks into the interpreter's own memory for it
can still forge a pass: the sandbox keeps such a program from doing harm, not from cheating.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from typing import Any

CAUSES = {
    errno.EAGAIN: "processes",
    errno.ECONNREFUSED: "network",
    errno.ENETUNREACH: "network",
    errno.EROFS: "files",
    errno.EACCES: "files",
    errno.EPERM: "files",
    errno.EFBIG: "file size",
    errno.ENOSPC: "file size",
    errno.ENOMEM: "memory",
}


def main() -> None:
    """Run what standard input asks for."""
    number = int(sys.argv[1])
    asked = json.loads(sys.stdin.buffer.read())
    token, own = asked.pop("token"), os.getpid()
    said = judge(asked)
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    if os.getpid() == own:  # a process that the program forked says nothing
        os.write(number, json.dumps(said | {"token": token}).encode())
    os._exit(0)


def judge(asked: dict[str, str]) -> dict[str, Any]:
    """Run a program and its tests in one namespace, as a test file would import it."""
    names: dict[str, Any] = {"__name__": "program"}
    try:
        exec(compile(asked["code"], "program.py", "exec"), names)  # noqa: S102  the sandbox's purpose
        exec(compile(asked["tests"], "tests.py", "exec"), names)  # noqa: S102
    except AssertionError as error:
        return {"result": "failed", "says": f"AssertionError: {error}".rstrip(": ")}
    except BaseException as error:  # noqa: BLE001  whatever a program raises
        return {"result": cause(error), "says": f"{type(error).__name__}: {error}"[:300]}
    return {"result": "passed", "says": ""}


def cause(error: BaseException) -> str:
    """What an exception tells of the limit that it ran into; "failed" if of none."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError):
            return "memory"
        if isinstance(seen, OSError):
            if type(seen).__name__ == "gaierror":
                return "network"
            if seen.errno in CAUSES:
                return CAUSES[seen.errno]
        if isinstance(seen, RuntimeError) and "start new thread" in str(seen):
            return "processes"
        seen = seen.__cause__ or seen.__context__
    return "failed"


if __name__ == "__main__":
    main()
