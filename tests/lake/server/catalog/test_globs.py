"""Patterns of branch names: what they stand for, and that none takes long."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import InvalidError
from lake.server.catalog import globs


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("{rel,hot}-*", "hot-1", True),
        ("{rel,hot}-*", "re-1", False),
        ("v{1,2}.{0,1*}", "v2.17", True),
        ("{,x}y", "y", True),
        ("ma*n", "main", True),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("a{b", "a{b", True),
        ("[abc", "[abc", True),
        ("a.b", "axb", False),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("[<>]x", "<x", True),
        ("[+--]x", "-x", True),
        ("[+--]x", ".x", False),
        ("?", "é", True),
        ("a", "a\n", False),
    ],
)
def test_what_a_pattern_stands_for(pattern: str, name: str, found: bool) -> None:
    assert globs.matches(pattern, name) is found


@given(st.text("ab*?[]!-c", max_size=7), st.text("abc-![]", max_size=6))
def test_without_braces_a_pattern_is_that_of_fnmatch(pattern: str, name: str) -> None:
    assert globs.matches(pattern, name) == fnmatch.fnmatchcase(name, pattern)


def test_no_pattern_takes_long() -> None:
    before = time.process_time()
    assert not globs.matches("*a" * 120 + "b", "a" * 255)
    assert time.process_time() - before < 0.5


def test_a_range_that_ends_before_it_begins_is_no_pattern() -> None:
    with pytest.raises(InvalidError, match="z-a"):
        globs.check("x[z-a]")
    assert not globs.matches("x[z-a]", "xb")
