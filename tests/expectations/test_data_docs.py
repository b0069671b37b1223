"""GX's page about a round says what the verdicts say, escapes what it shows, and loads nothing."""

from __future__ import annotations

import html
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import polars as pl
import pytest

from expectations import data_docs, gx, verifier, wording
from expectations.data_docs import About
from expectations.suite import Suite
from lake.visible import visible
from tests.expectations.conftest import Make
from tests.lake.test_visible import hidden

NASTY = '</td><script>alert(1)</script><img src="http://x/y.png">'
ABOUT = About("digits", 3, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), {"commit": NASTY})
KNOWN = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def broken(good: pl.DataFrame) -> pl.DataFrame:
    """Three wrong labels, two equal to each other, and a distance that nobody computed."""
    return good.with_columns(
        pl.when(pl.col("row") < 2).then(7).otherwise("predicted_label").alias("predicted_label"),
        pl.when(pl.col("row") == 4).then(None).otherwise("real_distance").alias("real_distance"),
        pl.when(pl.col("row") > 17).then(0.123).otherwise("confidence").alias("confidence"),
    )


def test_results_are_the_verdicts(digits: Suite, good: pl.DataFrame) -> None:
    found = verifier.verify(broken(good), digits)
    results = data_docs.results(found.verdicts, digits, ABOUT)
    counts = found.summary()
    for result in results.results:
        assert result.expectation_config is not None
        said = counts[str(result.expectation_config.meta["Name"])]
        assert result.success == (said["passed"] > 0 and not said["failed"] + said["unknown"])
        assert result.exception_info["raised_exception"] == (said["unknown"] > 0)
        if said["level"] == "row":
            assert result.result["unexpected_count"] == said["failed"]
            assert result.result["missing_count"] == said["unknown"]
            assert result.result["element_count"] == 20
    assert not results.success
    failing = sum(each["failed"] + each["unknown"] > 0 for each in counts.values())
    assert results.statistics["unsuccessful_expectations"] == failing
    by_name = {each.expectation_config.meta["Name"]: each for each in results.results}  # type: ignore[union-attr]
    assert by_name["label_agrees"].result["partial_unexpected_list"] == [
        "label 0, predicted_label 7",
        "label 1, predicted_label 7",
    ]
    clear = by_name["label_clear"].result
    assert clear["partial_unexpected_counts"] == [{"value": "0.123", "count": 2}]
    assert clear["unexpected_percent"] == 10
    assert by_name["enough_candidates"].result == {"observed_value": 20.0}


def test_the_page_tells_unknown_from_passed(digits: Suite, good: pl.DataFrame) -> None:
    found = verifier.verify(broken(good), digits)
    page = Page(data_docs.page(found.verdicts, digits, ABOUT))
    classes = [about.get("class") or "" for tag, about in page.tags if tag == "i"]
    unknown = sum(each["unknown"] > 0 for each in found.summary().values())
    assert unknown == 3
    assert sum("fa-exclamation-triangle" in each for each in classes) == unknown
    assert "real_distance has no value (1)" in page.text
    assert "19 passed, 1 unknown" in page.text
    assert "2026-01-02T03:04:05Z" in page.text


def test_a_suite_that_nobody_ran_is_unknown(digits: Suite) -> None:
    nothing = verifier.conform(pl.DataFrame(schema=verifier.VERDICTS), verifier.VERDICTS)
    results = data_docs.results(nothing, digits, ABOUT)
    assert not any(each.success for each in results.results)
    assert all(each.exception_info["raised_exception"] for each in results.results)


def test_what_was_generated_cannot_act_and_nothing_is_loaded(
    make: Make, good: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    frame = good.with_columns(text=pl.lit(NASTY[:36])).with_columns(
        pl.when(pl.col("row") == 3).then(None).otherwise("text").alias("text")
    )
    suite = make(
        (KNOWN, {"column": "text"}),
        ("expect_column_values_to_match_regex", {"column": "text", "regex": NASTY + "(?<!\\s)"}),
        ("expect_column_values_to_be_in_set", {"column": "text", "value_set": [NASTY, "b"]}),
        ("expect_column_distinct_values_to_be_in_set", {"column": "text", "value_set": ["b"]}),
    )
    found = verifier.verify(frame, suite).verdicts.with_columns(
        pl.when(pl.col("verdict") == "unknown")
        .then(pl.lit(NASTY))
        .otherwise("detail")
        .alias("detail")
    )
    with caplog.at_level(logging.ERROR):
        text = data_docs.page(found, suite, ABOUT)
    assert not caplog.records, "GX logs what it cannot draw"
    page = Page(text)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "link", "iframe", "object"})
    assert "text '</td><script>alert(1)" in page.text
    assert NASTY in page.text
    loading = [about for _, about in page.tags if {"src", "onclick", "data-url"} & set(about)]
    assert not loading
    links = [about["href"] or "" for tag, about in page.tags if tag == "a"]
    assert links
    assert all(link.startswith("#") for link in links)
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import", text)


def test_what_does_not_print_is_shown_as_marks(make: Make, good: pl.DataFrame) -> None:
    raw = "\x1b]0;t\x07\x7f\x9b\u202e\u2028\ue000"
    suite = make(
        ("expect_column_values_to_be_in_set", {"column": f"t{raw}", "value_set": [raw, "b"]}),
        (KNOWN, {"column": f"t{raw}"}),
    )
    frame = good.with_columns(pl.lit(f"a{raw}").alias(f"t{raw}"))
    found = verifier.verify(frame, suite).verdicts.with_columns(
        pl.when(pl.col("row") == 1).then(pl.lit("unknown")).otherwise("verdict").alias("verdict"),
        pl.when(pl.col("row") == 1).then(pl.lit(raw)).otherwise("detail").alias("detail"),
    )
    about = replace(ABOUT, dataset=f"d{raw}", facts={"commit": raw})
    text = data_docs.page(found, suite, about)
    assert not hidden(text, but="\n\t")
    assert not hidden(html.unescape(text), but="\n\t")
    assert text.count(visible(raw)) > 5


def test_every_expectation_has_a_sentence(digits: Suite, make: Make) -> None:
    said = {rule.name: wording.sentence(rule) for rule in digits.rules}
    assert said["label_agrees"] == "Values in label and predicted_label must always be equal."
    assert said["not_a_copy"] == "real_distance values must be greater than 0.06."
    assert said["image_decodable"].startswith("image_bytes values must be whole images, of mode L")
    assert not any("$" in each for each in said.values())
    (one,) = make((KNOWN, {"column": "a $b <i>"})).rules
    assert wording.sentence(one) == "a $b <i> values must never be null."


def test_the_view_is_gxs() -> None:
    assert issubclass(data_docs._View, gx.DefaultJinjaPageView)
    assert issubclass(data_docs._Renderer, gx.ValidationResultsPageRenderer)
