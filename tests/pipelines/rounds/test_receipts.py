from __future__ import annotations

import json
from pathlib import Path

import pytest

from lake import files
from pipelines.common.errors import StaleError
from pipelines.rounds import receipts
from pipelines.rounds.receipts import Receipt


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def receipt(number: int = 3, stage: str = "publish") -> Receipt:
    return Receipt(
        stage=stage,
        dataset="digits",
        round=number,
        line="main",
        repository="stemma",
        branch=f"digits-r{number:03d}",
        commit="c" * 64,
        input_key="k" * 64,
        tag=f"digits-v{number}",
        rows={"candidates": 5},
    )


def test_a_receipt_comes_back_as_it_was() -> None:
    receipts.write(receipt())
    assert receipts.read("digits", 3, "publish") == receipt()
    text = Path("rounds/digits/3/publish.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert [item.name for item in Path("rounds/digits/3").iterdir()] == ["publish.json"]


def test_equal_receipts_are_equal_files() -> None:
    receipts.write(receipt())
    first = Path("rounds/digits/3/publish.json").read_bytes()
    receipts.write(receipt())
    assert Path("rounds/digits/3/publish.json").read_bytes() == first


def test_a_missing_or_damaged_receipt_names_its_stage() -> None:
    with pytest.raises(StaleError, match=r"rounds/digits/3/verify.json is missing; `dvc repro`"):
        receipts.read("digits", 3, "verify")
    files.write_text(Path("rounds/digits/3/verify.json"), '{"stage": "verify"}')
    with pytest.raises(StaleError, match="is not a receipt"):
        receipts.read("digits", 3, "verify")


def test_known_rounds_are_those_with_a_publish_receipt() -> None:
    receipts.write(receipt(1))
    receipts.write(receipt(2, "verify"))
    receipts.write(receipt(10))
    trial = receipt(2).model_copy(update={"line": "trial", "commit": "d" * 64, "main": "e" * 64})
    receipts.write(trial)
    assert receipts.known_commits("digits") == {1: "c" * 64, 2: "e" * 64, 10: "c" * 64}
    assert receipts.known_commits("dialogue") == {}
