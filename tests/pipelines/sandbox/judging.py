"""Runs attacks and right programs, in this process or as an ordinary user.

python judging.py STEP    prints what came of each STEPth as JSON, {list: {name: [result, message]}}
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if __name__ == "__main__":  # started as a script, by a user who sees nothing but this checkout
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from pipelines.sandbox import programs
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.programs import Outcome

HERE = Path(__file__).parent
ATTACKS = tomllib.loads((HERE / "attacks.toml").read_text(encoding="utf-8"))
RIGHT = tomllib.loads((HERE / "right.toml").read_text(encoding="utf-8"))
ADD = "def add(a, b):\n    return a + b\n"
TESTS: str = ATTACKS["tests"]["add"]
SECRET = "sk-planted-4b1f09c2d7"  # noqa: S105  of nothing
"""In the environment of whoever judges; programs look for it."""
SHORT = Limits(seconds=30, cpu_seconds=1, memory_mib=256, processes=12, file_mib=2)
BRIEF = SHORT.model_copy(update={"seconds": 1.0})


def forged(name: str) -> Outcome:
    """A wrong program that tries to pass."""
    return _attack(ATTACKS["forged"][name])


def unjudged(name: str) -> Outcome:
    """Tests that judge nothing."""
    return _attack(ATTACKS["unjudged"][name])


def _attack(found: dict[str, str]) -> Outcome:
    program = found["program"] + (ATTACKS["tests"]["wrong"] if found.get("wrong") else "")
    return programs.judge(program, found.get("tests", TESTS), SHORT)


def looking(name: str) -> Outcome:
    """A program that looks for the secret."""
    program = ATTACKS["prelude"]["looking"] + ATTACKS["looking"][name]
    return programs.judge(program.replace("@TERCES@", SECRET[::-1]), TESTS, SHORT)


def escape(name: str) -> Outcome:
    """A program that tries what must not work."""
    program = ATTACKS["prelude"]["escapes"] + ATTACKS["escapes"][name]
    return programs.judge(program, TESTS, SHORT)


def bomb(name: str) -> Outcome:
    """A program that takes what it can get."""
    found = ATTACKS["bombs"][name]
    program = found["program"]
    whole = program if "def add" in program else f"{program}\n{ADD}"
    return programs.judge(whole, TESTS, BRIEF if found["stopped"] == "time" else SHORT)


def right(name: str) -> Outcome:
    """A right program."""
    return programs.judge(RIGHT[name]["program"], RIGHT[name]["tests"], Limits(seconds=30))


def wrong(name: str) -> Outcome:
    """The same program with a mistake."""
    found = RIGHT[name]
    program = found["program"].replace(found["part"], found["mistake"])
    assert program != found["program"]
    return programs.judge(program, found["tests"], Limits(seconds=30))


LISTS: dict[str, tuple[Callable[[str], Outcome], list[str]]] = {
    "forged": (forged, list(ATTACKS["forged"])),
    "unjudged": (unjudged, list(ATTACKS["unjudged"])),
    "looking": (looking, list(ATTACKS["looking"])),
    "escapes": (escape, list(ATTACKS["escapes"])),
    "bombs": (bomb, list(ATTACKS["bombs"])),
    "right": (right, list(RIGHT)),
    "wrong": (wrong, list(RIGHT)),
}


def complaints(kind: str, name: str, result: str, says: str) -> Iterator[str]:
    """What is wrong with an outcome; nothing if it is as it should be."""
    right_ = {
        "forged": result in {"failed", "unjudged"},
        "unjudged": result == "unjudged",
        "looking": result == "failed" and says == "Nothing",
        "escapes": result == "failed" and says == "Held",
        "bombs": kind != "bombs" or result == ATTACKS["bombs"][name]["stopped"],
        "right": result == "passed",
        "wrong": result == "failed",
    }
    if not right_[kind] or len(says) > programs.LONGEST:
        yield f"{kind}, {name}: {result}, {says}"


def main(step: int) -> None:
    """Judge one in `step` of each list, several at once."""
    found: dict[str, dict[str, list[str]]] = {}
    with ThreadPoolExecutor(4) as pool:
        for kind, (judge, names) in LISTS.items():
            some = names[::step]
            outcomes = pool.map(judge, some)
            found[kind] = {
                name: [each.result, each.says] for name, each in zip(some, outcomes, strict=True)
            }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
