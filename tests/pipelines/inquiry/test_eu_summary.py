"""The EU's public summary: what lineage knows is filled in, what it cannot know is a blank."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import polars as pl
import pytest

from lineage.export.asked import Model
from pipelines.inquiry.eu_summary import filled, rendering, template, training_content
from pipelines.inquiry.eu_summary.filled import FilledField, Summary
from pipelines.inquiry.eu_summary.training_content import (
    GeneratedContent,
    SourceContent,
    TrainingContent,
)
from review.cli.report import SummaryFormat

HOSTILE = "x\n# Owned\n<script>alert(1)</script> *b* \u202e"
TALK = TrainingContent(
    dataset="talk",
    ref="talk-v1",
    commit="c" * 64,
    modality="text",
    rows=10,
    real=7,
    text_bytes=4_000,
    images=0,
    columns=("prompt", "completion"),
    sources=(
        SourceContent("hf://datasets/me/talk", "CC-BY-4.0", 5, "10/2026"),
        SourceContent("mails", None, 2, "11/2026"),
    ),
    generated=(
        GeneratedContent(
            1, "text/1", 2, (Model("gpt-x", "chat", None, None, ("gpt-x-1",)),), "", "opaque", None
        ),
        GeneratedContent(2, "bytes/1", 1, (), "9 rows of this data set (78.0% real)", "", None),
    ),
    latest="11/2026",
    real_share=0.7,
    personal="redact: email 2 in 2 rows",
    checks=("not_toxic",),
    held_out={"validation": 3, "test": 0},
)


def known(summary: Summary) -> dict[tuple[str, str], FilledField]:
    return {(each.section, each.name): each for each in summary.fields}


def test_each_part_is_filled_from_lineage() -> None:
    fields = known(filled.fill(TALK))
    lines = {key: " | ".join(each.known) for key, each in fields.items()}
    assert lines["1.3", "modalities"].endswith("4,000 bytes in UTF-8; less than 1 billion tokens")
    assert lines["1.3", "latest"].startswith("11/2026")
    assert lines["2.1", "listed"] == (
        "hf://datasets/me/talk: 5 rows in the training mix, licence CC-BY-4.0, taken in 10/2026"
    )
    assert lines["2.6", "others"].startswith(
        "mails: 2 rows in the training mix, licence not stated"
    )
    assert lines["2.5", "used"] == "yes, text: 3 of 10 rows, 30.0% of the weight in training"
    assert lines["2.5", "models"] == "gpt-x, which answered as gpt-x-1: 2 rows of round 1"
    assert lines["2.5", "own"].startswith("bytes/1: 1 rows of round 2; fitted on 9 rows")
    assert "not_toxic" in lines["3.2", "illegal"]
    assert "redact: email 2" in lines["3.3", "processing"]
    assert "3 for validation" in lines["3.3", "processing"]


@pytest.mark.parametrize(
    ("values", "size"),
    [
        (["é", None], 2),
        ([[{"role": "user", "content": "é"}], None], len("[user] é".encode())),
        ([["a", "b"]], len('["a","b"]')),
        ([1, 2], 0),
        ([b"abc"], 0),
        ([{"bytes": b"abc", "path": "x.png"}], 0),
    ],
)
def test_chats_and_lists_are_texts_too(values: list[object], size: int) -> None:
    assert training_content._text_bytes(pl.DataFrame({"content": values}), "content") == size


def test_what_a_lake_cannot_know_says_what_to_write() -> None:
    summary = filled.fill(TALK)
    fields = known(summary)
    for section in ("1.1", "1.2", "2.2", "2.3", "2.4", "3.1"):
        blanks = [each for (at, _), each in fields.items() if at == section]
        assert blanks
        assert not any(each.known for each in blanks)
        assert all(each.write for each in blanks)
    assert summary.blanks == sum(not each.known for each in fields.values())
    assert not fields["2.5", "used"].write
    assert fields["2.5", "models"].write


def test_real_data_alone_is_no_synthetic_data() -> None:
    fields = known(filled.fill(replace(TALK, real=10, generated=(), real_share=1.0)))
    assert fields["2.5", "used"].known == ("no: all 10 rows are real",)
    assert fields["2.5", "models"].known == ("none that the lake knows of",)
    assert not fields["2.5", "models"].write


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (999_999, "less than 1 million"),
        (10**6, "1 million to 1 billion"),
        (10**9, "over 1 billion"),
    ],
)
def test_sizes_of_images_are_the_templates_ranges(count: int, words: str) -> None:
    fields = known(filled.fill(replace(TALK, images=count, modality="image")))
    assert words in fields["1.3", "modalities"].known[0]


def test_the_sections_are_the_templates_in_their_order() -> None:
    assert list(template.SECTIONS) == [
        *("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "3.1", "3.2", "3.3")
    ]
    content = json.loads(rendering.as_json(filled.fill(TALK)))
    assert [part["number"] for part in content["parts"]] == ["1", "2", "3"]
    numbers = [each["number"] for part in content["parts"] for each in part["sections"]]
    assert numbers == list(template.SECTIONS)
    assert content["template"]["version"] == template.VERSION
    assert [each.value for each in SummaryFormat] == list(rendering.FORMATS)


def test_every_question_of_the_template_is_asked() -> None:
    """As summaries that providers published repeat the questions, section by section."""
    asked = {
        "1.1": ("contact", "representative"),
        "1.2": ("Versioned model", "modified or fine-tuned", "date for each version"),
        "1.3": ("range of size", "scientific", "Latest date", "Linguistic", "demographic"),
        "2.1": ("modalities", "link or description", "period of collection", "smaller"),
        "2.2": ("2.2.1", "licensing agreements", "2.2.2", "publicly known"),
        "2.3": ("names and purposes", "behave", "from when to when", "modalities", "domains"),
        "2.4": ("with the model", "other services or products", "modalities"),
        "2.5": ("by modality", "links to their summaries", "own models"),
        "2.6": ("narrative",),
        "3.1": ("Code of Practice", "before and during collection"),
        "3.2": ("illegal content",),
        "3.3": ("processing",),
    }
    for number, (_, fields) in template.SECTIONS.items():
        told = " ".join(f"{each.title} {each.hint}" for each in fields.values()).lower()
        missing = [words for words in asked[number] if words.lower() not in told]
        assert not missing, (number, missing)
    assert "links to earlier ones" in rendering.markdown(filled.fill(TALK))


def test_foreign_texts_are_no_markup() -> None:
    source = SourceContent(HOSTILE, HOSTILE, 7, "")
    summary = filled.fill(replace(TALK, ref=HOSTILE, sources=(source,), checks=(HOSTILE,)))
    marked = rendering.markdown(summary)
    assert not any(line.startswith("# Owned") for line in marked.splitlines())
    assert "<script>" not in marked
    assert "\\*b\\*" in marked
    page = rendering.html(summary)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in marked + page
    assert not re.search(r"(src|href)=", page)
    assert page.count("<dd") == page.count("</dd>")
    assert HOSTILE in json.loads(rendering.as_json(summary))["ref"]
