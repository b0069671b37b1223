"""What was asked for a sample is shown without raw characters, within bounds."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from pipelines.generators.exchanges import SCHEMA, numbered
from review.provenance import exchanges
from tests.pipelines.generators.exchange_rows import exchange

HOSTILE = "\x1b]0;title\x07\u202eright\0"


def shown(rows: list[dict[str, Any]]) -> str:
    return "\n".join(part.plain for part in exchanges.draw(rows))


def test_messages_and_broken_answers_are_shown_with_marks_for_what_does_not_print() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": HOSTILE, "content": f"{HOSTILE}\nsecond line"},
        {"role": "user", "content": [{"type": "text", "text": HOSTILE}]},
    ]
    broken = [{"reason": "the answer is not JSON", "text": f"{{{HOSTILE}"}]
    prompt = json.dumps(messages)
    page = shown([exchange(prompt=prompt, answer=HOSTILE, served=HOSTILE, broken=broken)])
    assert "system:\n  Be brief." in page
    assert "  second line" in page
    assert "broken answer, the answer is not JSON:" in page
    assert not {"\x1b", "\u202e", "\0", "\x07"} & set(page)
    assert "\\u{1b}" in page
    assert "gpt, served as" in page


def test_a_long_text_is_cut_and_says_so_and_a_failure_has_its_reason() -> None:
    page = shown([exchange(prompt="x" * 5_000, answer=None, failure="no answer", attempts=5)])
    assert "… 1,000 more characters; --json has all" in page
    assert page.count("x") < 4_100
    assert "failed: no answer" in page
    assert "5 attempts" in page
    many = [{"reason": "r", "text": str(n)} for n in range(7)]
    assert "2 more broken answers" in shown([exchange(broken=many)])


def test_a_prompt_of_many_messages_or_of_none_is_bounded_and_shown() -> None:
    many = json.dumps([{"role": "r" * 9_000, "content": "hi"}] * 500)
    page = shown([exchange(prompt=many, answer="a", served="s" * 9_000, failure="f" * 9_000)])
    assert "… 480 more messages; --json has all" in page
    assert len(page) < 20_000
    assert "prompt:\n  []" in shown([exchange(prompt="[]")])


def test_without_requests_it_says_so() -> None:
    assert "no request is kept of it" in shown([])


def test_requests_get_the_rows_of_their_candidates_and_keep_those_without_one() -> None:
    asked = pl.DataFrame([exchange(planned=row) for row in (0, 1, 1, 4)], SCHEMA)
    kept = numbered(asked, [0, 4])
    assert kept["planned"].to_list() == [0, 1, 1, 4]
    assert kept["row"].to_list() == [0, None, None, 1]
    assert kept.schema == SCHEMA
