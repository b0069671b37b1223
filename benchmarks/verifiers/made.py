"""Programs, answers to maths problems and JSON documents, right ones and wrong ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.random import Generator

from benchmarks.verifiers.plan import IN_SET, Planted, RowCase, Seen, batch
from pipelines.scorers.protocol import Given

PROGRAMS: Final = (
    ("def f(x):\n    return x * x + {0}\n", "x * x + {0}", "x * x - {0}", "assert f(3) == 9 + {0}"),
    (
        "def f(x):\n    return sum(x) + {0}\n",
        "sum(x)",
        "max(x)",
        "assert f([1, 2, 4]) == 7 + {0}",
    ),
    (
        "def f(x):\n    return sorted(x)[-1] * {0}\n",
        "[-1]",
        "[0]",
        "assert f([2, 5, 3]) == 5 * {0}",
    ),
    (
        "def f(n):\n    a, b = 0, 1\n    for _ in range(n): a, b = b, a + b\n    return a + {0}\n",
        "a, b = 0, 1",
        "a, b = 1, 1",
        "assert f(10) == 55 + {0}",
    ),
    (
        "def f(text):\n    return text[::-1] + '{0}'\n",
        "[::-1]",
        "[1:]",
        "assert f('stemma') == 'ammets{0}'",
    ),
)
"""A program, what is right in it, what makes it wrong, and its test."""
FORGERIES: Final = (
    """
class Any:
    def __eq__(self, o): return True
def f(x): return Any()
""",
    """
class f(int):
    def __new__(cls, x): return int.__new__(cls, 0)
    def __eq__(self, o): return True
""",
    """
import sys
frame = sys._getframe()
while frame:
    for held in list(frame.f_locals.values()):
        if isinstance(held, dict) and 'tests' in held: held['tests'] = 'assert True'
    frame = frame.f_back
def f(x): return None
""",
    """
import builtins
builtins.exec = builtins.eval = lambda *a, **k: None
def f(x): return None
""",
    """
import json, os
said = json.dumps({'result': 'passed', 'says': ''}).encode()
for n in range(3, 64):
    try: os.write(n, said)
    except OSError: pass
os._exit(0)
""",
)
"""Programs that pretend to pass."""
SCHEMA: Final = Path("benchmarks/verifiers/person.json")
"""In the project's directory."""


def programs(rows: int, seed: int) -> Planted:
    """Programs that pass their test, and such that fail, do not end, pretend or are none; fewer."""
    draw = np.random.default_rng(seed)
    count, each = max(rows // 5, 5), max(rows // 20, 2)
    made = [_program(at, draw) for at in range(count + 3 * each)]
    right = [(code, tests) for code, _, tests in made[:count]]
    wrong, endless, broken = (made[count + at * each : count + (at + 1) * each] for at in range(3))
    planted = {
        "wrong code": [(bad, tests) for _, bad, tests in wrong],
        "endless loop": [(f"{code}while True:\n    pass\n", tests) for code, _, tests in endless],
        "no code": [(f"Sure! Here it is:\n{code}", tests) for code, _, tests in broken],
        "forged pass": [
            (FORGERIES[at % len(FORGERIES)], tests) for at, (_, _, tests) in enumerate(wrong)
        ],
        "tests that judge nothing": [
            (bad, f"def test_f():\n    {tests}\n" if at % 2 else f"# {tests}\n")
            for at, (_, bad, tests) in enumerate(wrong)
        ],
    }
    frames = {kind: _programs(found) for kind, found in planted.items()}
    return Planted(batch(_programs(right), frames), Given(pl.DataFrame()))


def _program(at: int, draw: Generator) -> tuple[str, str, str]:
    code, right, wrong, tests = PROGRAMS[at % len(PROGRAMS)]
    number = int(draw.integers(1, 1000))
    good = code.format(number)
    return good, good.replace(right.format(number), wrong.format(number)), tests.format(number)


def _programs(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"code": pl.String, "tests": pl.String}, orient="row")


def answers(rows: int, seed: int) -> Planted:
    """Answers in other forms than the true one, and wrong ones."""
    draw = np.random.default_rng(seed)
    each = max(rows // 5, 5)
    right = [_answer(draw) for _ in range(rows)]
    wrong = [(truth, answer) for truth, _, answer in (_answer(draw) for _ in range(each))]
    empty = [(truth, "I do not know.") for truth, _, _ in (_answer(draw) for _ in range(each))]
    planted = {"wrong answer": _answers(wrong), "no answer": _answers(empty)}
    kept = _answers([(truth, answer) for truth, answer, _ in right])
    return Planted(batch(kept, planted), Given(pl.DataFrame()))


def _answer(draw: Generator) -> tuple[str, str, str]:
    """The truth, the same in another form, and another number."""
    top, bottom, factor = (int(draw.integers(2, 40)) for _ in range(3))
    forms: tuple[Callable[[int], str], ...] = (
        lambda shift: (
            rf"so it is $\boxed{{\frac{{{(top + shift) * factor}}}{{{bottom * factor}}}}}$"
        ),
        lambda shift: rf"The answer is $\frac{{{top + shift}}}{{{bottom}}}$.",
        lambda shift: f"{top + shift}/{bottom}",
    )
    form = forms[int(draw.integers(len(forms)))]
    return rf"\frac{{{top}}}{{{bottom}}}", form(0), form(int(draw.integers(1, 5)))


def _answers(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"truth": pl.String, "answer": pl.String}, orient="row")


def documents(rows: int, seed: int) -> Planted:
    """People as JSON, and such with a field too few, of another type, or cut off."""
    draw = np.random.default_rng(seed)
    each = max(rows // 5, 5)
    right = [_person(draw) for _ in range(rows)]
    planted: dict[str, list[str]] = {"missing field": [], "wrong type": [], "no JSON": []}
    for _ in range(each):
        person = _person(draw)
        lacking = {name: value for name, value in person.items() if name != "age"}
        planted["missing field"].append(json.dumps(lacking))
        planted["wrong type"].append(json.dumps({**person, "age": str(person["age"])}))
        planted["no JSON"].append(json.dumps(person)[: int(draw.integers(1, 20))])
    frames = {kind: _texts(found) for kind, found in planted.items()}
    kept = _texts([json.dumps(each, ensure_ascii=bool(at % 2)) for at, each in enumerate(right)])
    return Planted(batch(kept, frames), Given(pl.DataFrame({"round": [], "row": [], "text": []})))


def _person(draw: Generator) -> Mapping[str, Any]:
    names = ("Ada", "Émile", "小林", "Grace", "Niels")
    return {
        "name": names[int(draw.integers(len(names)))],
        "age": int(draw.integers(0, 100)),
        "tags": ["a", "b"][: int(draw.integers(0, 3))],
    }


def _texts(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})


CODE: Final = RowCase(
    "programs",
    programs,
    {"code": {"limits": {"seconds": 20, "cpu_seconds": 1}}},
    (
        Seen(
            "passes_its_tests",
            IN_SET,
            {"column": "code_passes", "value_set": [True]},
            (
                *("wrong code", "endless loop", "no code", "forged pass"),
                "tests that judge nothing",
            ),
            "code",
        ),
    ),
)
MATHS: Final = RowCase(
    "answers",
    answers,
    {"maths": {}},
    (
        Seen(
            "answer_right",
            IN_SET,
            {"column": "answer_correct", "value_set": [True]},
            ("wrong answer", "no answer"),
            "maths",
        ),
    ),
)
JSON: Final = RowCase(
    "documents",
    documents,
    {"json_schema": {"schema_file": str(SCHEMA)}},
    (
        Seen(
            "fits_the_schema",
            IN_SET,
            {"column": "json_valid", "value_set": [True]},
            ("missing field", "wrong type", "no JSON"),
            "json_schema",
        ),
    ),
)
