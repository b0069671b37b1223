"""Simulator `reasoning_gym`: questions of reasoning-gym with known answers (Apache-2.0).

Stojanovski et al. 2025, "Reasoning Gym: Reasoning Environments for Reinforcement Learning with
Verifiable Rewards", arXiv 2505.24760. Each task is a procedure that makes a question and its answer
of a seed; the scorer `maths` holds answers that are numbers against `truth`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Final

from pipelines.common import optional
from pipelines.common.errors import ParamsError
from pipelines.common.settings import nearest

LIBRARIES: Final = ("reasoning-gym",)
LICENCE: Final = "Apache-2.0"
TASKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "chain_sum": {},
    "gcd": {},
    "lcm": {},
    "leg_counting": {},
    "products": {},
}
"""Tasks whose answers are whole numbers."""
NARROW: Final = frozenset({"pool_matrix"})
"""Tasks that draw by NumPy's old generator, whose seeds have 32 bits."""
COLUMNS: Final[Mapping[str, str]] = {"question": "question", "answer": "answer", "truth": "truth"}
PARTS: Final = ("question", "answer", "truth", "task")


def __getattr__(name: str) -> str:
    """Give `SOURCE`, the library with its version, where the library is installed."""
    if name == "SOURCE":
        return f"reasoning-gym {metadata.version('reasoning-gym')}"
    raise AttributeError(name)


def simulate(
    seed: int,
    *,
    tasks: Mapping[str, Mapping[str, Any]] = TASKS,
    columns: Mapping[str, str] = COLUMNS,
) -> dict[str, str]:
    """Make a question, with its answer.

    Args:
        seed: draws the task, each as often as the others, and the question.
        tasks: settings of reasoning-gym's tasks, by name, such as `{chain_sum: {max_terms: 3}}`.
        columns: names of the columns for question, answer, truth (the answer again, to be kept
            beside what others answer) and task; what is not named is left out.

    Raises:
        ParamsError: there is no such task or part, or the settings of a task are wrong.
        LibraryError: reasoning-gym is not installed.
    """
    gym = optional.library("reasoning_gym", "questions with known answers", extra="simulators")
    _check(tasks, columns, gym.factory.DATASETS)
    task = random.Random(seed).choice(sorted(tasks))  # noqa: S311  no secret
    own = seed % (1 << 32) if task in NARROW else seed
    try:
        entry = gym.create_dataset(task, seed=own, size=1, **tasks[task])[0]
    except (TypeError, AssertionError, ValueError) as error:
        raise ParamsError(f"the task {task} of reasoning-gym: {error}") from error
    answer = str(entry["answer"])
    parts = {"question": entry["question"], "answer": answer, "truth": answer, "task": task}
    return {name: parts[part] for part, name in columns.items()}


def _check(tasks: Mapping[str, Any], columns: Mapping[str, str], known: Mapping[str, Any]) -> None:
    if not tasks:
        raise ParamsError("settings.tasks names no task of reasoning-gym")
    unknown = next((name for name in tasks if name not in known), None)
    if unknown is not None:
        near = nearest(unknown, known)
        raise ParamsError(f"reasoning-gym has no task {unknown!r}{near}")
    wrong = next((part for part in columns if part not in PARTS), None)
    if wrong is not None:
        raise ParamsError(f"settings.columns has the unknown part {wrong!r}{nearest(wrong, PARTS)}")
    names = list(columns.values())
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ParamsError(f"settings.columns names the column {twice!r} for two parts; name two")
