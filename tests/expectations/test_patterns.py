"""Patterns on hostile texts: as Python's `re` matches them, or unknown, and never without end."""

from __future__ import annotations

import json
import re
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations import catalogue, linear_patterns, patterns
from expectations.errors import CannotJudge, SuiteError
from expectations.patterns import SCHEMA
from expectations.suite import Rule, Suite
from expectations.verifier import verify

MATCH = "expect_column_values_to_match_regex"
MATCH_LIST = "expect_column_values_to_match_regex_list"
NOT_NULL = Rule("there", "expect_column_values_to_not_be_null", {"column": "text"}, "critical", {})
HOSTILE = "a" * 40 + "!"
ENDLESS = r"^(?=(a+)+$)"
"""Looks ahead, so that no linear engine takes it."""
REGULAR = [
    "",
    "a",
    "abc|abd",
    "^a",
    "a$",
    "^$",
    r"\Aa\Z",
    r"^a|b$",
    "(a|b$)",
    "(?P<name>a)b?",
    "[A-Za-z]{2}",
    "[^a-c]",
    "[^\n]",
    "[]^-]",
    "[a\\-z]",
    r"\.\*\{\}",
    r"\x41\u00e9\n\t",
    "a.b",
    "(?s)a.b",
    "(?x) a  b # of its own",
    "(a+)+$",
    "(a*)*b",
    "a{0}",
    "a{2,}?b",
    "(?:)|a",
    "é|😀",
    "{",
    "a{,3}b",
    "x{1,2",
]
OTHER = [
    r"\w",
    r"\d",
    r"[\s]",
    r"\bab\b",
    "(?i)a",
    "(?i:a)",
    "(?m)^a",
    "(?a)\\w",
    "(?=a)b",
    "(?<!a)b",
    r"(a)\1",
    "(?>a+)b",
    "a++b",
    "(a$)+",
    "a$b",
    "(?(1)a|b)()",
    "a{2000}",
    "\ud800",
]
TEXTS = [
    "",
    "a",
    "b",
    "ab",
    "abc",
    "aab\n",
    "a\nb",
    "\n",
    "A",
    "Az",
    "é",
    "ß",
    "٣",
    "_",
    "😀",
    "]",
    "^-",
    ".*{}",
    "Aé\n\t",
    "{",
    "a{,3}b",
    "x{1,2",
    "a" * 12,
    "a\u2028b",
    "a\r\n",
    "xaxb",
    "a\x1cb",
    "¾",
    "İ",
]


def rule(kind: str, severity: str = "critical", **kwargs: object) -> Rule:
    return Rule("own", kind, {"column": "text", **kwargs}, severity, {})


def judged(asked: Rule, texts: Sequence[Any]) -> tuple[list[bool], list[str | None]]:
    found = patterns.judged(asked, pd.Series(texts, dtype=object))
    return found.failing.tolist(), [found.why.get(at) for at in range(len(texts))]


def by_re(pattern: str, texts: Sequence[str]) -> list[bool]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [re.search(pattern, text) is not None for text in texts]


@pytest.mark.parametrize("pattern", REGULAR)
def test_a_regular_pattern_is_matched_in_linear_time_as_re_does(pattern: str) -> None:
    linear = linear_patterns.translated(pattern)
    assert linear is not None
    found = pl.Series(TEXTS).str.contains(linear, literal=False, strict=True)
    assert found.to_list() == by_re(pattern, TEXTS)


@pytest.mark.parametrize("pattern", OTHER)
def test_what_two_engines_understand_differently_is_left_to_re(pattern: str) -> None:
    assert linear_patterns.translated(pattern) is None


def test_every_other_pattern_is_matched_by_re_itself() -> None:
    texts = pl.Series(TEXTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = [each for each in OTHER if each.isprintable()]
    for said, pattern in zip(patterns._worked({"patterns": right}, texts), right, strict=False):
        assert [chr(each) == "1" for each in said] == by_re(pattern, TEXTS)


ALPHABET = "ab\n."
ATOMS = st.one_of(
    st.text("ab", min_size=1, max_size=2),
    st.sampled_from([".", "[ab]", "[^a]", "^", "$", r"\n", r"\A", r"\Z", "[^\n]", r"\."]),
)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda both: f"(?:{both[0]}|{both[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "*?", "{0,1}", "{,2}"])).map(
            lambda both: f"({both[0]}){both[1]}"
        ),
    )


@given(
    pattern=st.recursive(ATOMS, larger, max_leaves=6),
    texts=st.lists(st.text(ALPHABET, max_size=6), min_size=1, max_size=8),
)
@settings(max_examples=300, deadline=None)
def test_any_regular_pattern_is_the_same_in_both(pattern: str, texts: list[str]) -> None:
    linear = linear_patterns.translated(pattern)
    if linear is None:
        assert "$" in pattern  # in the middle, where only `re` knows what it means
        return
    found = pl.Series(texts).str.contains(linear, literal=False, strict=True)
    assert found.to_list() == by_re(pattern, texts)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "(a*)*b", "(.*,){20}x"])
def test_a_regular_pattern_that_backtracks_ends_at_once(pattern: str) -> None:
    texts = [HOSTILE, "a" * 41, "1," * 40, "b"]
    began = time.process_time()
    failing, why = judged(rule(MATCH, regex=pattern), texts)
    assert time.process_time() - began < 1
    assert why == [None] * 4
    assert failing[1] is (pattern not in {"^(a+)+$", "^(a|aa)+$"})


def test_a_text_whose_match_does_not_end_is_unknown_and_the_others_are_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    frame = pl.DataFrame({"round": 1, "row": range(4), "text": ["aaa", HOSTILE, "bbb", None]})
    asked = rule(MATCH, regex=ENDLESS)
    found = verify(frame, Suite("s", (NOT_NULL, asked))).verdicts
    own = found.filter(pl.col("expectation") == "own").sort("row")
    assert own["verdict"].to_list() == ["passed", "unknown", "failed", "unknown"]
    assert own["detail"].to_list() == [
        None,
        f"not judged: the pattern {ENDLESS!r} did not end within 0.05 s on this text",
        f"text 'bbb'; asked: regex {json.dumps(ENDLESS)}",
        "text has no value",
    ]


@pytest.mark.parametrize(
    ("kind", "kwargs", "verdicts"),
    [
        ("expect_column_values_to_not_match_regex", {"regex": ENDLESS}, "?fp"),
        ("expect_column_values_to_not_match_regex_list", {"regex_list": [ENDLESS, "!"]}, "ffp"),
        ("expect_column_values_to_not_match_regex_list", {"regex_list": [ENDLESS, "x"]}, "?fp"),
        (MATCH_LIST, {"regex_list": ["!", ENDLESS], "match_on": "any"}, "ppf"),
        (MATCH_LIST, {"regex_list": ["x", ENDLESS], "match_on": "any"}, "?pf"),
        (MATCH_LIST, {"regex_list": ["x", ENDLESS], "match_on": "all"}, "fff"),
        (MATCH_LIST, {"regex_list": ["!", ENDLESS], "match_on": "all"}, "?ff"),
    ],
)
def test_what_is_known_without_it_is_said(
    monkeypatch: pytest.MonkeyPatch, kind: str, kwargs: dict[str, Any], verdicts: str
) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    failing, why = judged(rule(kind, **kwargs), [HOSTILE, "aaa", "bbb"])
    if verdicts == "ffp":
        assert failing == [True, True, False]
    said = ["?" if each else "f" if bad else "p" for bad, each in zip(failing, why, strict=True)]
    assert "".join(said) == verdicts
    assert all(each is None or repr(ENDLESS) in each for each in why)


def test_many_such_texts_leave_the_others_their_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.1)
    monkeypatch.setattr(patterns, "ALL_SECONDS", 0.15)
    failing, why = judged(rule(MATCH, regex=ENDLESS), [*[HOSTILE] * 20, "aaa", "bbb"])
    assert sum("after all texts had taken" in (each or "") for each in why[:20]) >= 18
    assert failing == [*[False] * 20, False, True]
    assert why[-2:] == [None, None]
    assert why[0] == f"not judged: the pattern {ENDLESS!r} did not end within 0.1 s on this text"
    assert why[19] == (
        f"not judged: the pattern {ENDLESS!r} did not end within 0.005 s on this text, after all "
        "texts had taken 0.15 s"
    )


def test_a_process_that_cannot_be_interrupted_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 100.0)
    monkeypatch.setattr(patterns, "GRACE", 0.2 - patterns.ALL_SECONDS)
    with pytest.raises(CannotJudge, match=r"the texts were not matched within 0\.2"):
        judged(rule(MATCH, regex=ENDLESS), [HOSTILE] * 10)


def test_patterns_are_matched_beside_the_main_thread_too() -> None:
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(judged, rule(MATCH, regex=r"\w"), ["é", "!"]).result()
    assert found == ([False, True], [None, None])


def test_values_that_are_no_texts_are_matched_as_pandas_writes_them() -> None:
    assert judged(rule(MATCH, regex=r"^1\.0$"), [1.0, 2.5, True])[0] == [False, True, True]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("(", "'(' is no pattern of Python's re: missing ), unterminated subpattern"),
        ("a" * 200 + "(", "…' is no pattern of Python's re"),
        ("(" * 5000 + ")" * 5000, "is no pattern of Python's re"),
        ("a{99999999999999999999}", "is no pattern of Python's re"),
        ("[\x1b", "'[\\x1b' is no pattern of Python's re"),
    ],
)
def test_a_pattern_that_is_none_is_said_before_anything_is_judged(given: str, said: str) -> None:
    for kind, name, value in ((MATCH, "regex", given), (MATCH_LIST, "regex_list", ["a", given])):
        with pytest.raises(SuiteError) as caught:
            catalogue.check(Suite("s", (NOT_NULL, rule(kind, **{name: value}))))
        assert said in str(caught.value)
        assert str(caught.value).isprintable()


def test_a_list_of_no_pattern_is_said() -> None:
    with pytest.raises(SuiteError, match="regex_list must not be empty"):
        catalogue.check(Suite("s", (NOT_NULL, rule(MATCH_LIST, regex_list=[]))))


def test_a_schema_is_judged_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": ENDLESS}}}
    texts = ['{"a": "aaa"}', '{"a": "b"}', json.dumps({"a": HOSTILE}), "no JSON", "[" * 100_000]
    failing, why = judged(rule(SCHEMA, json_schema=schema), texts)
    assert failing == [False, True, False, True, True]
    late = "not judged: the JSON schema did not end within 0.05 s on this text"
    assert why == [None, None, late, None, None]


def test_a_schema_fetches_nothing(tmp_path: Path) -> None:
    place = tmp_path / "other.json"
    place.write_text('{"type": "string"}')
    schema = {"$ref": place.as_uri()}
    with pytest.raises(CannotJudge, match=r"the schema refers to .*, which is not in it"):
        judged(rule(SCHEMA, json_schema=schema), ['"a"'])
    with pytest.raises(CannotJudge, match="the column holds no texts"):
        judged(rule(SCHEMA, json_schema={}), [1])


def test_a_schema_that_is_none_is_said() -> None:
    with pytest.raises(SuiteError, match="'json_schema' is no JSON schema: 5 is not valid"):
        catalogue.check(Suite("s", (NOT_NULL, rule(SCHEMA, json_schema={"type": 5}))))


@pytest.mark.parametrize("kind", [str, str.upper])
def test_an_ordinary_pattern_takes_no_process(
    monkeypatch: pytest.MonkeyPatch, kind: Callable[[str], str]
) -> None:
    monkeypatch.setattr(patterns.subprocess, "run", None)
    assert judged(rule(MATCH, regex="[A-Za-z]{2}"), [kind("ab"), "1"])[0] == [False, True]
