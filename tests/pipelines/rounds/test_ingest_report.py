"""An ingest says what it did, loses nothing, and refuses splits that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.common.errors import DataError
from pipelines.params import Dataset
from pipelines.rounds import ingest_report, real_data
from pipelines.rounds.real_data import Prepared
from pipelines.sources import personal_data

WORDS = ("river", "stone", "cloud", "apple", "window", "garden", "music", "paper")


def sentence(number: int) -> str:
    """A text that shares few words with others."""
    return " ".join(f"{WORDS[(number * step) % 8]}{number * step}" for step in range(1, 7))


def prepared(folder: Path, columns: dict[str, Any], **ingest: object) -> Prepared:
    source = folder / "own.parquet"
    pl.DataFrame(columns).write_parquet(source)
    settings = {"source": str(source), "modality": "text", **ingest}
    return real_data.prepare(Dataset.model_validate({"identity": ("text",), "ingest": settings}))


def test_thirty_rows_are_enough_and_are_accounted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [*(sentence(number) for number in range(29)), sentence(0)]
    columns = {
        "text": texts,
        "label": ["spam", "ham", "ham"] * 10,
        "truth": list(range(30)),
        "weight": [1.0] * 30,
    }
    report = prepared(tmp_path, columns, keep=("truth",)).report
    ingest_report.tell(report)
    ingest_report.write("mails", report)
    told = json.loads((tmp_path / "rounds" / "mails" / "0" / "ingest.json").read_text("utf-8"))
    assert told["rows"] == {"read": 30, "kept": 30}
    assert told["columns"] == {"used": ["text", "label", "truth"], "passed_over": ["weight"]}
    assert told["near_duplicates"] == {"groups": 29, "of_several_rows": 1, "largest": 2}
    assert sum(told["splits"].values()) == 30
    by_label = {row.pop("label"): sum(row.values()) for row in told["labels"]}
    assert by_label == {"ham": 20, "spam": 10}
    assert report.section() == {"passed_over": ["weight"]}
    said = capsys.readouterr().err
    assert "columns not used: weight" in said
    assert "near-duplicates: 29 groups; 1 of them of several rows, the largest of 2" in said
    assert "personal data: none (ingest.pii: report); not found are names" in said


@pytest.mark.parametrize(
    ("columns", "ingest", "said"),
    [
        (
            {"text": [f"{sentence(1)} {number % 2}" for number in range(40)]},
            {"near": 0.9},
            "the 40 rows are in 1 group of near-duplicates, the largest of 40; lower ingest.near",
        ),
        (
            {"text": [sentence(number) for number in range(3)]},
            {},
            "give more rows, or another ingest.split_key",
        ),
    ],
)
def test_splits_that_cannot_be_used_are_one_sentence(
    tmp_path: Path, columns: dict[str, Any], ingest: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError) as caught:
        prepared(tmp_path, columns, **ingest)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_label_without_a_training_row_is_named(tmp_path: Path) -> None:
    texts = [sentence(number) for number in range(90)]
    split = prepared(tmp_path, {"text": texts}).rows["split"]
    held = (split != "train").arg_true()[0]
    labels = ["rare" if row == held else "common" for row in range(90)]
    with pytest.raises(DataError) as caught:
        prepared(tmp_path, {"text": texts, "label": labels})
    assert "all rows of label 'rare' (1 rows) are held out, so no generator learns it" in str(
        caught.value
    )
    assert "or another ingest.split_key, or leave the label out" in str(caught.value)


MAILS = pl.DataFrame(
    {
        "text": ["write to a.b@example.org or +49 30 1234567", "nothing here", None],
        "note": ["card 4111 1111 1111 1111", "", "c@example.org, d@example.org"],
        "tags": [["e@example.org"], [], []],
    }
)


def test_personal_data_is_counted_by_kind() -> None:
    same, found = personal_data.scan("mails", MAILS, "report")
    assert same.equals(MAILS)
    assert found.counts == {"email": 3, "phone": 1, "credit card": 1}
    assert (found.rows, found.columns, found.not_scanned) == (2, ("text", "note"), ("tags",))
    assert found.sentence() == (
        "personal data: credit card 1, email 3, phone 1 in 2 rows, kept (ingest.pii: report); not "
        "found are names, street addresses, birthdays, and what is written out in words; not "
        "looked at: tags"
    )


def test_personal_data_is_replaced_or_refused() -> None:
    redacted, _ = personal_data.scan("mails", MAILS, "redact")
    assert redacted["text"].to_list() == ["write to [email] or [phone]", "nothing here", None]
    assert redacted["note"].to_list() == ["card [credit card]", "", "[email], [email]"]
    with pytest.raises(DataError, match=r"mails: row 0 holds personal data in column 'text' \("):
        personal_data.scan("mails", MAILS, "refuse")
    clean = MAILS.select(pl.lit("nothing here").alias("text"))
    assert personal_data.scan("mails", clean, "refuse")[1].counts == {}


def test_a_large_report_says_that_it_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_data, "SAMPLE", 10)
    many = pl.DataFrame({"text": [f"mail {number}@example.org" for number in range(95)]})
    _, found = personal_data.scan("mails", many, "report")
    assert found.counts == {"email": 10}
    assert "in a sample of 11% of the texts, kept" in found.sentence()
    assert personal_data.scan("mails", many, "redact")[1].counts == {"email": 95}
