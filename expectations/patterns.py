"""Matches texts with the patterns or the JSON schema of an expectation, in bounded time.

Texts are hostile, and Python's `re`, which suites are written for, takes exponential time on some
of them. A pattern that Polars understands in the same way is matched by Polars in linear time. Any
other pattern, and every JSON schema, which may hold patterns too, is matched in a process of its
own, by `re` itself, with a time-out per text and for all texts. A text whose match did not end has
an unknown verdict with the pattern as its reason; the other texts keep their verdicts.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations import details, linear_patterns, pattern_worker
from expectations.errors import CannotJudge, SuiteError
from expectations.suite import Rule

if TYPE_CHECKING:  # pandas is slow to import, and keys of stages need this module
    import pandas as pd

VERSION: Final = "patterns/1"
"""Raised when other texts match; it covers the translation and the worker process as well."""

SECONDS: Final = 1.0
"""Time-out of one text, in seconds."""
ALL_SECONDS: Final = 60.0
"""Time budget of all texts of an expectation, in seconds, to which is added"""
EACH_SECONDS: Final = 1e-3
"""this much for each text; a match usually takes a thousandth of it."""
SHORT_SECONDS: Final = 5e-3
"""Time-out of one text once the budget of all texts is spent, in seconds."""
GRACE: Final = 30.0
"""Seconds beyond all time-outs after which the process is killed."""
SCHEMA: Final = "expect_column_values_to_match_json_schema"
REGEX: Final[Mapping[str, bool]] = {
    "expect_column_values_to_match_regex": True,
    "expect_column_values_to_not_match_regex": False,
    "expect_column_values_to_match_regex_list": True,
    "expect_column_values_to_not_match_regex_list": False,
}
"""Types that match patterns, and whether a match passes."""
TYPES: Final = (*REGEX, SCHEMA)
_SHOWN: Final = 80
"""Characters that are shown of a pattern."""
_NO, _YES, _LATE, _SHORT = (ord(each) for each in "0123")

Flags = NDArray[np.bool_]
Answers = NDArray[np.uint8]
"""Answers of the worker for each text, as codes of characters."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The result of matching each text, [n]."""

    failing: Flags
    why: Mapping[int, str]
    """Why a match is unknown, by position, for texts where it is."""


def patterns(rule: Rule) -> list[str]:
    """List the patterns of a rule."""
    given = rule.kwargs.get("regex_list", [rule.kwargs.get("regex")])
    return [pattern for pattern in given if isinstance(pattern, str)]


def check(rule: Rule, where: str) -> None:
    """Check the patterns or the JSON schema of a rule; rules of other types pass.

    Raises:
        SuiteError: one is none.
    """
    if rule.type == SCHEMA:
        _check_schema(rule.kwargs.get("json_schema"), where)
    if rule.type not in REGEX:
        return
    for pattern in patterns(rule):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what a later Python reads in another way
                re.compile(pattern)
        except (re.error, RecursionError, OverflowError, MemoryError) as error:
            problem = f"{where}: {_shown(pattern)} is no pattern of Python's re: {error}"
            raise SuiteError(f"{problem}; correct it") from error


def judged(rule: Rule, texts: pd.Series) -> Matched:
    """Match the texts of a column.

    Args:
        rule: of one of `TYPES`.
        texts: [n], without nulls, as pandas writes them.

    Raises:
        CannotJudge: they cannot be matched at all.
    """
    if rule.type == SCHEMA:
        (answer,) = _worked({"schema": rule.kwargs["json_schema"]}, _documents(texts))
        is_known = answer <= _YES
        return Matched(is_known & (answer != _YES), _why(["the JSON schema"], [answer], is_known))
    values = pl.from_pandas(texts.astype(str)).cast(pl.String)
    sources = patterns(rule)
    answers = [_matches(pattern, values) for pattern in sources]
    hit, is_known = _together(
        np.stack([codes == _YES for codes in answers]),
        np.stack([codes <= _YES for codes in answers]),
        every=rule.kwargs.get("match_on") == "all",
    )
    failing = is_known & (hit != REGEX[rule.type])
    return Matched(
        failing, _why([f"the pattern {_shown(pattern)}" for pattern in sources], answers, is_known)
    )


def _documents(values: pd.Series) -> pl.Series:
    """Convert values to texts; bytes that are no text become texts that are no JSON."""
    if not all(isinstance(value, str | bytes) for value in values):
        raise CannotJudge("the column holds no texts")
    texts = (
        value.decode(errors="replace") if isinstance(value, bytes) else value for value in values
    )
    return pl.Series(list(texts), dtype=pl.String)


def _together(hits: Flags, is_known: Flags, *, every: bool) -> tuple[Flags, Flags]:
    """Combine patterns: whether any or every one matches, and whether that is known.

    Args:
        hits: [k, n], whether a pattern matches a text.
        is_known: [k, n], whether that is known.
        every: whether all of them must.
    """
    decided = is_known & ~hits if every else hits
    hit = np.asarray(hits.all(axis=0) if every else hits.any(axis=0))
    return hit, np.asarray(is_known.all(axis=0)) | np.asarray(decided.any(axis=0))


def _why(named: Sequence[str], answers: Sequence[Answers], is_known: Flags) -> dict[int, str]:
    """Explain each unknown match by the first pattern that did not end.

    Args:
        named: each pattern.
        answers: what is said of each text, by pattern.
        is_known: [n].
    """
    why = {}
    for position in np.flatnonzero(~is_known).tolist():
        name, answer = next(
            (name, answer)
            for name, answer in zip(named, answers, strict=True)
            if answer[position] > _YES
        )
        late = f"not judged: {name} did not end within"
        after = (
            f", after all texts had taken {ALL_SECONDS:g} s" if answer[position] == _SHORT else ""
        )
        seconds = SHORT_SECONDS if after else SECONDS
        why[position] = f"{late} {seconds:g} s on this text{after}"
    return why


def _matches(pattern: str, texts: pl.Series) -> Answers:
    """Match one pattern: by Polars where it understands the pattern in the same way."""
    linear = linear_patterns.translated(pattern)
    if linear is not None:
        try:
            hits = texts.str.contains(linear, literal=False, strict=True)
            return np.where(hits.to_numpy(), _YES, _NO).astype(np.uint8)
        except pl.exceptions.ComputeError:  # larger than it takes once it is written out
            pass
    (answer,) = _worked({"patterns": [pattern]}, texts)
    return answer


def _worked(request: dict[str, Any], texts: pl.Series) -> list[Answers]:
    """Match in a process of its own.

    Raises:
        CannotJudge: it said nothing; the message holds its last words.
    """
    whole = ALL_SECONDS + EACH_SECONDS * len(texts)
    request |= {"seconds": SECONDS, "short_seconds": SHORT_SECONDS, "all_seconds": whole}
    timeout = whole + SHORT_SECONDS * len(texts) + GRACE
    lines = f"{json.dumps(request)}\n{json.dumps(texts.to_list())}\n".encode()
    # patterns need the standard library alone; -I and -S keep everything else out
    flags = ["-I"] if "schema" in request else ["-I", "-S"]
    command = [sys.executable, *flags, str(Path(pattern_worker.__file__))]
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and module
            command, input=lines, capture_output=True, timeout=timeout, check=False, env={}
        )
    except subprocess.TimeoutExpired as error:
        raise CannotJudge(f"the texts were not matched within {timeout:g} s") from error
    answers = [np.frombuffer(line, np.uint8) for line in done.stdout.splitlines()]
    if done.returncode or any(len(answer) != len(texts) for answer in answers) or not answers:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise CannotJudge(words[-1] if words else f"the process ended with {done.returncode}")
    return answers


def _check_schema(schema: object, where: str) -> None:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415  few suites need it
    from jsonschema.validators import validator_for  # noqa: PLC0415

    if not isinstance(schema, dict):
        return
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        problem = details.shortened(error.message)
        raise SuiteError(
            f"{where}: 'json_schema' is no JSON schema: {problem}; correct it"
        ) from error


def _shown(pattern: str) -> str:
    return repr(pattern if len(pattern) <= _SHOWN else f"{pattern[: _SHOWN - 1]}…")
