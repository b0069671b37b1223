"""Are right answers to maths problems told from wrong ones? Ours beside math-verify alone.

The table of `tests/pipelines/sandbox/answers.toml` has pairs of a true and a given answer in the
forms of MATH, GSM8K and OlympiadBench: right ones, wrong ones, and some that nobody can judge
without the question. math-verify (`verify(parse(truth), parse(answer))`, nothing else) is measured
twice: with the texts as they are, and with `$` around those that have no delimiters, which it asks
for.

    python -m benchmarks.answers [--pairs] [--json]

`--pairs` lists every pair that a way gets wrong. math-verify runs in a process of its own, which is
ended and replaced after ten seconds with a pair: its own limit does not end every computation.
"""

from __future__ import annotations

import argparse
import json
import select
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final

from benchmarks.measured import extra
from pipelines.sandbox.answers import compare

TABLE: Final = (
    Path(__file__).resolve().parents[1] / "tests" / "pipelines" / "sandbox" / "answers.toml"
)
SECONDS: Final = 10.0
"""Until a pair of math-verify is ended."""
WORKER: Final = """
import json, sys
from math_verify import parse, verify
print(bool(verify(parse("$1$"), parse("$1$"))), flush=True)
for line in sys.stdin:
    print(json.dumps(bool(verify(*map(parse, json.loads(line))))), flush=True)
"""
START_SECONDS: Final = 60.0
TRUTHS: Final = {"right": True, "wrong": False, "unknown": None}
MARKS: Final = ("$", r"\boxed", "####", "nswer")
"""What math-verify finds an answer by."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A true answer, a given one, and what a person says to it."""

    kind: str
    truth: str
    answer: str
    right: bool | None
    """None: it cannot be told without the question."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one way says to each pair."""

    way: str
    verdicts: Sequence[bool | None]
    seconds: float


def table(place: Path = TABLE) -> list[Pair]:
    """The pairs, in the order of the file."""
    content = tomllib.loads(place.read_text(encoding="utf-8"))
    return [
        Pair(kind, truth, answer, TRUTHS[name])
        for kind, group in content.items()
        for name, pairs in group.items()
        for truth, answer in pairs
    ]


def ours(pairs: Sequence[Pair]) -> Result:
    """Compare in the sandbox, as the scorer `maths` does, without the time that it takes to start.

    Raises:
        SandboxError: this system cannot isolate.
    """
    list(compare([("1", "1")]))
    began = time.perf_counter()
    found = [each.correct for each in compare([(each.truth, each.answer) for each in pairs])]
    return Result("ours", found, time.perf_counter() - began)


def math_verify(pairs: Sequence[Pair], *, delimit: bool) -> Result:
    """Compare by math-verify alone; None where it did not end in time."""
    mark = delimited if delimit else str
    texts = [(mark(each.truth), mark(each.answer)) for each in pairs]
    with extra("benchmarks"):
        import math_verify  # noqa: F401, PLC0415  --help needs no extra
    found: list[tuple[bool | None, float]] = []
    while len(found) < len(pairs):
        found += _until_it_hangs(texts[len(found) :])
    way = "math-verify, delimited" if delimit else "math-verify"
    return Result(way, [right for right, _ in found], sum(seconds for _, seconds in found))


def delimited(text: str) -> str:
    """A text that math-verify finds the answer in."""
    return text if any(mark in text for mark in MARKS) else f"${text}$"


def _until_it_hangs(texts: Sequence[tuple[str, str]]) -> Iterator[tuple[bool | None, float]]:
    """Verdicts and seconds of one process, up to the first pair that it does not end with."""
    command = [sys.executable, "-c", WORKER]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=quiet, text=True) as process:
        if not _said(process, START_SECONDS):
            process.kill()
            sys.exit("math-verify does not start; is it installed as constraints.txt has it?")
        for pair in texts:
            began = time.perf_counter()
            print(json.dumps(pair), file=process.stdin, flush=True)
            said = _said(process, SECONDS)
            yield json.loads(said or "null"), time.perf_counter() - began
            if not said:
                break
        process.kill()


def _said(process: subprocess.Popen[str], seconds: float) -> str:
    """The next line of a process; empty where it does not come in time."""
    if process.stdout is None or not select.select([process.stdout], [], [], seconds)[0]:
        return ""
    return process.stdout.readline()


def counts(pairs: Sequence[Pair], result: Result) -> Mapping[str, Any]:
    """How often a way is right and wrong, and the milliseconds that it takes for a pair."""
    seen = Counter(
        (pair.right, verdict) for pair, verdict in zip(pairs, result.verdicts, strict=True)
    )
    return {
        "right": sum(pair.right is True for pair in pairs),
        "false fails": seen[True, False],
        "right, unknown": seen[True, None],
        "wrong": sum(pair.right is False for pair in pairs),
        "false passes": seen[False, True],
        "wrong, unknown": seen[False, None],
        "undecidable": sum(pair.right is None for pair in pairs),
        "passed": seen[None, True],
        "failed": seen[None, False],
        "ms a pair": round(1000 * result.seconds / len(pairs), 1),
    }


def mistaken(pairs: Sequence[Pair], result: Result) -> Iterator[str]:
    """A line for each pair on which a way is mistaken."""
    for pair, verdict in zip(pairs, result.verdicts, strict=True):
        if verdict is not None and verdict is not pair.right:
            said = "passed" if verdict else "failed"
            yield f"{result.way}: {said}: {pair.kind}: {pair.truth!r} beside {pair.answer!r}"


def markdown(pairs: Sequence[Pair], results: Sequence[Result]) -> str:
    """The counts of all ways as a table."""
    found = {each.way: counts(pairs, each) for each in results}
    names = list(next(iter(found.values())))
    lines = [f"| way | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for way, numbers in found.items():
        lines.append(f"| {way} | {' | '.join(str(numbers[name]) for name in names)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every way on the table and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers")
    parser.add_argument("--pairs", action="store_true", help="list what each way gets wrong")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    pairs = table()
    results = [ours(pairs), *(math_verify(pairs, delimit=each) for each in (False, True))]
    if asked.json:
        print(json.dumps({each.way: dict(counts(pairs, each)) for each in results}, indent=2))
        return
    print(markdown(pairs, results))
    for line in (line for each in results for line in mistaken(pairs, each) if asked.pairs):
        print(line)


if __name__ == "__main__":
    main()
