"""A project whose data set is of questions with known answers, and a service that answers some."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import reasoning_gym
import yaml

from tests.flow.projects import NO_LIMITS, STAGES, Project, checkout

ROWS: Final = 160
"""Real questions; about 100 of them are for training."""
SUITE: Final = {
    "name": "sums",
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "answer_correct"},
            "severity": "critical",
            "meta": {"name": "answer_is_read"},
        },
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "answer_correct", "value_set": [True]},
            "severity": "critical",
            "meta": {"name": "answer_is_right"},
        },
    ],
}
SERVICE: Final = {"model": "a-calculator", "attempts": 2, "wait_s": 0.01, "concurrency": 4}


def questions() -> list[dict[str, str]]:
    """Questions of reasoning-gym with an answer in words and the true one."""
    settings = {"min_terms": 2, "max_terms": 3, "max_digits": 2, "size": ROWS, "seed": 1}
    rows = reasoning_gym.create_dataset("chain_sum", **settings)
    return [
        {
            "question": row["question"],
            "answer": f"The answer is {row['answer']}.",
            "truth": row["answer"],
        }
        for row in rows
    ]


TRUTHS: Final = {row["question"]: int(row["truth"]) for row in questions()}


def reply(body: Mapping[str, Any]) -> object:
    """Answer a given question: right for two seeds of three, else off by one."""
    lines = body["messages"][-1]["content"].splitlines()
    (given,) = [json.loads(line) for line in lines if line.startswith("{")]
    wrong = body["seed"] % 3 == 0
    words = "I computed" if body["seed"] % 2 else "Counting gives this"
    return {"answer": f"{words}. The answer is {TRUTHS[given['question']] + wrong}."}


def sums(target: Path, address: str, generate: Mapping[str, Any]) -> Project:
    """A project of these questions, with one round of answers to them.

    Args:
        target: its directory.
        address: of the service.
        generate: settings besides those of the generator.
    """
    project = checkout(target)
    (target / "expectations" / "suites" / "sums.json").write_text(json.dumps(SUITE))
    lines = "".join(json.dumps(row) + "\n" for row in questions())
    (target / "sums.jsonl").write_text(lines)
    text = {
        "service": SERVICE | {"base_url": address},
        "exemplars": "each",
        "carry": ["question", "truth"],
    }
    content = {
        "line": "main",
        "seed": 1,
        "datasets": {
            "sums": {
                "identity": ["question", "answer"],
                "ingest": {
                    "source": "sums.jsonl",
                    "modality": "text",
                    "keep": ["truth"],
                    "near": 0.0,
                },
                "generate": {"text": text, **generate},
                "verify": {"scorers": {"maths": {}}},
                "evaluate": {"null_draws": 2, "bootstrap": 20},
                "publish": {"guard": NO_LIMITS},
            }
        },
        "rounds": {
            "sums-1": {
                "dataset": "sums",
                "round": 1,
                "previous": 0,
                "generator": "text",
                **{name: {} for name in STAGES},
            }
        },
    }
    (target / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return project
