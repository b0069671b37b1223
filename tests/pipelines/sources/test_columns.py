"""Which columns of a source are read: any of the user's names, or one sentence."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.modalities.images import Images
from pipelines.modalities.texts import Texts
from pipelines.sources.columns import RESERVED, Columns
from pipelines.sources.formats import csv_types
from pipelines.sources.read import read
from tests.pipelines.sources.test_sources import frame, parquet

TEXTS = Texts(("text",))


def jsonl(path: Path, **columns: object) -> str:
    pl.DataFrame(columns).write_ndjson(path)
    return str(path)


def test_columns_are_named_and_kept_and_the_others_are_passed_over(tmp_path: Path) -> None:
    source = jsonl(
        tmp_path / "mails.jsonl",
        body=["one", "two"],
        category=["a", "b"],
        label=["not", "this"],
        truth=[1, None],
        mail_id=["x", "y"],
        split=["train", "test"],
    )
    columns = Columns(("text",), {"text": "body", "label": "category"}, "mail_id", ("truth",))
    found = read(source, TEXTS, {}, columns).frame
    assert found.to_dict(as_series=False) == {
        "text": ["one", "two"],
        "label": ["a", "b"],
        "mail_id": ["x", "y"],
        "truth": [1, None],
    }


@pytest.mark.parametrize(
    ("aliases", "said"),
    [
        ({"body": "text_"}, ""),
        ({"body": "text_", "other": "text_"}, "column 'text_' of .* was named for two columns"),
        ({"body": "text_", "othre": "more"}, "'more' was named for 'othre', and the data set"),
    ],
)
def test_names_of_a_later_source_are_those_of_columns_that_are_read(
    tmp_path: Path, aliases: dict[str, str], said: str
) -> None:
    source = jsonl(tmp_path / "mails.jsonl", text_=["one", "two"], more=["a", "b"])
    columns = Columns(("text",), {"text": "body"}, aliases=aliases)
    if not said:
        assert read(source, TEXTS, {}, columns).frame["text"].to_list() == ["one", "two"]
        return
    with pytest.raises(DataError, match=said):
        read(source, TEXTS, {}, columns)


def test_images_keep_their_captions(tmp_path: Path) -> None:
    given = frame(caption=["a dog", "a cat"], weight=[1, 2]).rename({"label": "animal"})
    columns = Columns(("image",), {"label": "animal", "text": "caption"})
    found = read(parquet(tmp_path / "own.parquet", given), Images(("image",)), {}, columns).frame
    assert found.columns == ["image", "label", "text"]
    assert found.schema["image"] == images.IMAGE
    assert found["text"].to_list() == ["a dog", "a cat"]


@pytest.mark.parametrize("name", RESERVED)
def test_a_reserved_name_is_refused_before_anything_is_read(name: str) -> None:
    for columns in (
        Columns((name,)),
        Columns(("text",), keep=(name,)),
        Columns(("text",), id=name),
    ):
        with pytest.raises(DataError) as caught:
            read("nowhere.jsonl", TEXTS, {}, columns)
        assert f"column {name!r} of the source cannot be stored under this name" in str(
            caught.value
        )


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (Columns(("a",), keep=("text",)), "cannot keep a column 'text'"),
        (Columns(("text",), keep=("label",)), "cannot keep a column 'label'"),
        (Columns(("text",), {"text": "a"}, keep=("text",)), "cannot keep a column 'text'"),
        (Columns(("text",), {"label": "lable"}), "has no column 'lable', which ingest.label names"),
        (Columns(("text",), keep=("trut",)), "which ingest.keep names; did you mean 'truth'?"),
        (Columns(("text",), id="n"), "row 2 has no 'n', which ingest.id names"),
        (Columns(("text",), id="a"), "rows 0 and 2 have the same 'a'"),
    ],
)
def test_columns_that_do_not_fit_are_one_sentence(
    tmp_path: Path, columns: Columns, said: str
) -> None:
    source = jsonl(
        tmp_path / "own.jsonl",
        text=["p", "q", "r"],
        a=["x", "y", "x"],
        truth=[1, 2, 3],
        n=[1, 2, None],
    )
    with pytest.raises(DataError) as caught:
        read(source, TEXTS, {}, columns)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_types_of_a_csv_file_lose_nothing() -> None:
    noon = datetime(2024, 2, 29, 12)  # noqa: DTZ001  the file names no zone
    texts = pl.DataFrame(
        {
            "whole": ["1", "-20", "NA"],
            "number": ["1", "2.5", "1e3"],
            "flag": ["true", "False", None],
            "day": ["2024-02-29", None, "2023-01-01"],
            "time": ["2024-02-29 12:00:00", "2024-02-29T12:00:00.5", None],
            "code": ["007", "8", "9"],
            "huge": ["1" * 19, "2", "3"],
            "no_day": ["2024-02-30", "2024-01-01", "2024-01-01"],
            "sex": ["male", "NA", "female"],
        }
    )
    found, missing = csv_types.typed(texts)
    kept = ["code", "huge", "no_day", "sex"]
    assert found.drop(kept).to_dict(as_series=False) == {
        "whole": [1, -20, None],
        "number": [1.0, 2.5, 1000.0],
        "flag": [True, False, None],
        "day": [date(2024, 2, 29), None, date(2023, 1, 1)],
        "time": [noon, noon.replace(microsecond=500_000), None],
    }
    assert found.select(kept).equals(texts.select(kept))
    assert missing == {"whole": 1}


def test_words_for_a_missing_value_are_null_among_categories_and_stay_in_texts() -> None:
    texts = pl.DataFrame(
        {
            "sex": [*["male", "female"] * 9, "NA", "null"],
            "severity": [*["None", "mild"] * 9, "None", "nan"],
            "country": [*["DE", "FR"] * 9, "NA", "NA"],
            "title": [*(f"title {at}" for at in range(18)), "NA", "Null"],
        }
    )
    found, missing = csv_types.typed(texts)
    assert missing == {"sex": 2, "severity": 1}
    assert found["sex"].to_list() == [*["male", "female"] * 9, None, None]
    assert found["severity"].to_list() == [*["None", "mild"] * 9, "None", None]
    assert found.select("country", "title").equals(texts.select("country", "title"))
