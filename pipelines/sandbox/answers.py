"""Are answers to maths problems the true ones?

What compares them, `maths`, runs in the sandbox: simplifying a hostile answer may never end. It
reports a line of JSON for each pair, and nothing that it reports is trusted to be one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.common.errors import SandboxError
from pipelines.sandbox import isolation, loader, maths
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.run import Finished, run

VERSION: Final = "answers/2"
"""Raised whenever the comparison gives other verdicts: scores of another version are not used."""
HARNESS: Final = f"{maths.__name__}.harness"
"""The module that runs in the sandbox."""
BATCH: Final = 256
"""Pairs that one sandbox compares; starting it takes half a second."""
MAX_CHARACTERS: Final = 20_000
"""Length of a text in which an answer is looked for."""
CPU_SECONDS: Final = 3.0
"""Of a processor, for each pair."""
MAX_LINE: Final = 4096
"""Bytes of a line of the report."""
MAX_SAYS: Final = 200
"""Characters of a reason."""
LIMITS: Final = Limits(seconds=2 * BATCH * 30, cpu_seconds=120, memory_mib=1024)
"""Of a sandbox: every pair has limits of its own, in `maths.harness`, and each fits in here."""


@dataclass(frozen=True, slots=True)
class Compared:
    """An answer beside the true one."""

    correct: bool | None
    """None: could not be told."""
    says: str
    """Why it is not correct, or could not be told; empty where it is correct."""


TOO_LONG: Final = Compared(None, f"longer than {MAX_CHARACTERS:,} characters")


def compare(pairs: Sequence[tuple[str, str]]) -> Iterator[Compared]:
    """Compare answers with the true ones, by value: 1/2, 2/4 and 0.5 are the same.

    Args:
        pairs: true answer and given answer, as LaTeX or plain text.

    Raises:
        SandboxError: this system cannot isolate or cannot start the comparison, so nothing was
            compared.
    """
    left = list(pairs)
    while left:
        done = _batch(left[:BATCH])
        yield from done
        left = left[len(done) :]


def _batch(pairs: Sequence[tuple[str, str]]) -> list[Compared]:
    """Compare as many as one sandbox lives through, and the one that ended it."""
    python = [isolation.interpreter(), "-P", "-s", "-B", "-c", loader.START]
    finished = run([*python, "{report}", isolation.PACKAGES], LIMITS, given=_given(pairs))
    return _verdicts(pairs, finished)


def _verdicts(pairs: Sequence[tuple[str, str]], finished: Finished) -> list[Compared]:
    """What a sandbox reports on each pair, up to the first on which it does not."""
    why = finished.stopped or f"exit code {finished.code}"
    ready, reported = _read(finished.report)
    if not ready:
        raise SandboxError(f"the comparison of answers does not start: {why}")
    done = [
        reported.get(number) if _is_short(pair) else TOO_LONG for number, pair in enumerate(pairs)
    ]
    found = [each for each in itertools.takewhile(lambda each: each is not None, done) if each]
    if len(found) < len(pairs):
        found.append(Compared(None, f"comparing it ended the process: {why}"))
    return found


def _is_short(pair: tuple[str, str]) -> bool:
    return max(map(len, pair)) <= MAX_CHARACTERS


def _given(pairs: Sequence[tuple[str, str]]) -> bytes:
    """Standard input of the sandbox's Python: the code of `maths`, its start, and the pairs."""
    texts = [list(pair) if _is_short(pair) else ["", ""] for pair in pairs]
    return loader.given(maths, "harness", {"pairs": texts, "cpu_seconds": CPU_SECONDS})


def _read(report: bytes) -> tuple[bool, dict[int, Compared]]:
    """Whether the comparison started, and verdicts by number; what is no verdict is left out."""
    ready = False
    found: dict[int, Compared] = {}
    for line in report.splitlines():
        said = _parsed(line)
        ready = ready or said == {"ready": True}
        number, correct, says = (said.get(name) for name in ("pair", "correct", "says"))
        if type(number) is int and isinstance(correct, bool | None) and isinstance(says, str):
            found.setdefault(number, Compared(correct, _readable(says)))
    return ready, found


def _parsed(line: bytes) -> Mapping[str, Any]:
    """A line of the report; empty where it is no object of JSON."""
    try:
        said = json.loads(line) if len(line) <= MAX_LINE else None
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else {}


def _readable(says: str) -> str:
    """A reason without what cannot be stored, and not too long."""
    return says.encode(errors="replace").decode()[:MAX_SAYS]
