"""Which split a new real row goes to, beside those that are there."""

from __future__ import annotations

import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import DataError
from pipelines.generators.real import RealGenerate
from pipelines.params import Dataset
from pipelines.rounds.arrivals.taking import Arrivals, Known, take
from pipelines.rounds.real_data import Refuses, refuses_none

WORDS = "the cat sat on a mat and looked at two small birds in the old apple tree all day long"
OTHER = "nobody knew why our train to the coast had stopped for an hour between two empty fields"
THIRD = "she wrote her first program on paper because no computer stood in any room of the school"


def texts(*rows: str, label: str = "a") -> pl.DataFrame:
    frame = pl.DataFrame({"text": list(rows)}, schema={"text": pl.String})
    return frame.with_columns(
        pl.lit(label).alias("label"), sample_ids(frame, ("text",)).alias("sample_id")
    )


def taken(
    new: list[str], train: list[str], held: list[str], refuses: Refuses = refuses_none
) -> Arrivals:
    frame = pl.DataFrame({"text": new, "label": ["a"] * len(new)})
    frame.write_ndjson("new.jsonl")
    ingest = {"source": "first.jsonl", "modality": "text", "near": 0.4}
    settings = Dataset.model_validate({"identity": ("text",), "ingest": ingest})
    known = Known(
        texts(*train),
        texts(*held).drop("label").with_columns(pl.lit("validation").alias("split")),
        texts("made by a model").select("sample_id"),
        texts("refused before").select("sample_id"),
    )
    return take(settings, RealGenerate(source="new.jsonl"), known, refuses)


@pytest.fixture(autouse=True)
def _here(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))


def test_a_near_duplicate_goes_with_its_fellow() -> None:
    near_held, near_train = f"{WORDS} too", f"{OTHER} too"
    found = taken([near_held, near_train], [OTHER, THIRD], [WORDS])
    assert found.train["text"].to_list() == [near_train]
    assert found.held_out.select("text", "split").rows() == [(near_held, "validation")]


def test_a_row_between_both_is_held_out() -> None:
    first, second = f"{WORDS} again", f"{WORDS} and more"
    found = taken([f"{WORDS} too"], [first, second], [WORDS])
    assert found.train.is_empty()
    assert found.held_out["split"].to_list() == ["validation"]


def test_known_repeated_and_generated_rows_are_counted() -> None:
    found = taken(
        [WORDS, THIRD, THIRD, "made by a model", "refused before", OTHER], [OTHER, "gone"], [WORDS]
    )
    assert found.counts.to_dict() == {
        "read": 6,
        "known": 2,
        "repeated": 1,
        "generated": 1,
        "refused": 1,
        "changed": 0,
        "train": len(found.train),
        "held_out": 1 - len(found.train),
        "gone": 1,
    }


def test_labels_that_were_not_there_are_named() -> None:
    pl.DataFrame({"text": [THIRD], "label": [7]}).write_ndjson("new.jsonl")
    ingest = {"source": "first.jsonl", "modality": "text"}
    settings = Dataset.model_validate({"identity": ("text",), "ingest": ingest})
    known = Known(
        texts(OTHER),
        texts(WORDS).drop("label").with_columns(pl.lit("test").alias("split")),
        texts().select("sample_id"),
        texts().select("sample_id"),
    )
    found = take(settings, RealGenerate(source="new.jsonl"), known)
    assert found.unknown_labels == {"7": 1}
    pl.DataFrame({"text": [THIRD], "label": [0.5]}).write_ndjson("new.jsonl")
    with pytest.raises(DataError):
        take(settings, RealGenerate(source="new.jsonl"), known)


def test_what_was_taken_down_is_left_out_and_counted() -> None:
    found = taken([OTHER, WORDS, OTHER], [], [WORDS], lambda rows: rows["text"] == OTHER)
    assert found.train.is_empty()
    assert found.counts.to_dict()["denied"] == 1
    assert (found.counts.known, found.counts.repeated) == (1, 1)
    assert "denied" not in taken([THIRD], [], []).counts.to_dict(), "as before, where there is none"
