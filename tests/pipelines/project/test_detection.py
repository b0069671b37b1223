"""What sources are taken for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.modalities.registry import MODALITIES
from pipelines.project import suited_scorers
from pipelines.project.detection import Choice, Detected, detect

WORDS = "the ship left port at dawn with salt and rope on deck for sail"


def texts(count: int) -> list[str]:
    words = WORDS.split()
    return [" ".join([*words[at % 9 :], f"number {at}", *words[: at % 9]]) for at in range(count)]


def found(path: Path, frame: pl.DataFrame, choice: Choice | None = None) -> Detected:
    place = path / "rows.parquet"
    frame.write_parquet(place)
    return detect(str(place), {}, choice or Choice())


def test_image_files_make_images(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((12, 8, 8)).astype(np.float32)
    files = images.encode_lenient(pixels)
    frame = pl.DataFrame({"image": files, "label": [0, 1] * 6, "caption": texts(12)})
    seen = found(tmp_path, frame)
    assert (seen.modality, seen.identity, seen.label, seen.rows) == (
        "image",
        ("image",),
        "label",
        12,
    )
    assert (seen.keep, dict(seen.unused)) == (("caption",), {})
    bytes_alone = frame.select(pl.col("image").struct.field("bytes").alias("picture"))
    assert found(tmp_path, bytes_alone).image == "picture"


def test_a_column_of_a_table_that_is_kept_is_not_its_content(tmp_path: Path) -> None:
    frame = pl.DataFrame({"size": range(40), "weight_g": range(40, 80), "by": ["a", "b"] * 20})
    frame = frame.with_columns(pl.col("size", "weight_g") * 0.5)
    assert found(tmp_path, frame).identity == ("size", "weight_g", "by")
    seen = found(tmp_path, frame, Choice(keep=("by",)))
    assert (seen.identity, seen.keep) == (("size", "weight_g"), ("by",))


def test_sentences_make_texts_and_a_named_column_of_few_values_their_labels(tmp_path: Path) -> None:
    columns = {"subject": texts(40), "body": texts(40)[::-1], "topic": ["sea", "land"] * 20}
    frame = pl.DataFrame(columns | {"mail": list(range(40)), "empty": [None] * 40})
    seen = found(tmp_path, frame)
    assert (seen.modality, seen.identity, seen.label) == ("text", ("subject", "body"), "topic")
    assert (seen.id, seen.keep, dict(seen.unused)) == (None, ("mail",), {"empty": "empty"})


def test_the_only_column_of_codes_is_the_key_of_a_table(tmp_path: Path) -> None:
    frame = pl.DataFrame({"patient": [f"P{at:03d}" for at in range(40)], "size": range(40)})
    frame = frame.with_columns(pl.col("size") * 0.5)
    seen = found(tmp_path, frame)
    assert (seen.id, seen.identity) == ("patient", ("size",))
    assert "a code, another one in each row" in seen.why_key
    content = found(tmp_path, frame, Choice(columns=("patient", "size")))
    assert (content.id, content.identity, content.why_key) == (None, ("patient", "size"), "")
    for other in (
        frame.with_columns(batch=pl.col("patient").str.replace("P", "B")),
        frame.with_columns(patient=pl.concat_str(pl.lit("Ann "), "patient")),
        frame.with_columns(patient=pl.col("patient").shift(1)),
    ):
        assert found(tmp_path, other).id is None


def test_a_column_of_few_whole_numbers_could_hold_the_labels_of_texts(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": texts(50), "stars": [1, 2, 3, 4, 5] * 10, "score": range(50)})
    seen = found(tmp_path, frame)
    assert (seen.label, seen.could_be_label) == (None, "stars")
    assert found(tmp_path, frame, Choice(label="stars")).could_be_label is None
    assert found(tmp_path, frame.drop("stars")).could_be_label is None


def test_a_unique_column_named_like_an_id_is_the_key(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": texts(40), "mail_id": [f"m{at}" for at in range(40)]})
    twice = frame.with_columns(user_id=pl.lit("u"), id=pl.int_range(40), key=pl.lit(1.5))
    assert (found(tmp_path, frame).id, found(tmp_path, frame).keep) == ("mail_id", ())
    seen = found(tmp_path, twice)
    assert (seen.id, seen.keep) == ("id", ("mail_id", "user_id", "key"))
    seen = found(tmp_path, twice, Choice(id="mail_id", keep=("user_id",)))
    assert (seen.id, seen.keep, set(seen.unused)) == ("mail_id", ("user_id",), {"id", "key"})
    seen = found(tmp_path, twice, Choice(keep=()))
    assert (seen.id, seen.keep) == ("id", ())


def test_the_key_of_a_table_is_no_content(tmp_path: Path) -> None:
    frame = pl.DataFrame({"row_id": range(40), "price": [float(at) for at in range(40)]})
    seen = found(tmp_path, frame)
    assert (seen.modality, seen.identity, seen.id) == ("table", ("price",), "row_id")


def test_an_answer_beside_a_question_is_content_and_the_truth_is_kept(tmp_path: Path) -> None:
    answers = [str(at % 3) for at in range(40)]
    frame = pl.DataFrame({"question": texts(40), "answer": answers, "truth": answers})
    seen = found(tmp_path, frame)
    assert (seen.identity, seen.label, seen.keep) == (("question", "answer"), None, ("truth",))
    alone = found(tmp_path, frame.drop("question").with_columns(note=pl.Series(texts(40))))
    assert alone.identity == ("note",)
    frame.with_columns(truth=pl.Series(texts(40))).write_csv(tmp_path / "rows.csv")
    seen = detect(str(tmp_path / "rows.csv"), {}, Choice())
    assert (seen.identity, seen.keep) == (("question", "answer"), ("truth",))


def test_labels_without_a_telling_name_are_the_only_column_of_few_values(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": texts(60), "thème": ["a", "b", "c"] * 20})
    seen = found(tmp_path, frame)
    assert (seen.label, dict(seen.reasons)) == (
        "thème",
        {"thème": "3 values, each in 20 rows or more"},
    )
    unlabelled = found(tmp_path, frame, Choice(unlabelled=True))
    assert (unlabelled.label, unlabelled.keep) == (None, ("thème",))
    two = frame.with_columns(ton=pl.Series(["x", "y"] * 30))
    assert (found(tmp_path, two).label, found(tmp_path, two).keep) == (None, ("thème", "ton"))
    rare = frame.with_columns(thème=pl.Series(["a"] * 56 + ["b"] * 4))
    assert found(tmp_path, rare).label is None
    assert found(tmp_path, frame.rename({"thème": "language"})).label is None


def test_a_name_that_samples_have_is_not_kept(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"subject": texts(40), "split": ["train", "test"] * 20, "weight": range(40)}
    )
    seen = found(tmp_path, frame)
    assert (seen.keep, set(seen.unused)) == ((), {"split", "weight"})


def test_a_column_named_topic_of_different_values_holds_no_labels(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": texts(40), "topic": [f"t{at}" for at in range(40)]})
    assert found(tmp_path, frame).label is None
    assert found(tmp_path, frame, Choice(label="topic")).label == "topic"


def test_texts_without_spaces_are_texts(tmp_path: Path) -> None:
    lines = [f"今天天气很好我们去公园散步{chr(0x4E00 + at)}" for at in range(30)]
    seen = found(tmp_path, pl.DataFrame({"line": lines}))
    assert (seen.modality, seen.identity, seen.label) == ("text", ("line",), None)


def test_a_column_that_the_user_names_must_be_there(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": texts(10)})
    with pytest.raises(DataError, match=r"has no column 'txt'; did you mean 'text'"):
        found(tmp_path, frame, Choice(columns=("txt",)))


def test_a_target_that_is_called_as_classes_are_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    pl.DataFrame({"size": [1.5, 2.5, 3.5], "label": [0.1, 0.2, 0.3]}).write_csv(path)
    with pytest.raises(DataError, match="each of its numbers would be a class"):
        detect(str(path), {}, Choice(target="label"))


def test_columns_that_nothing_knows_are_named(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [[1], [2]], "b": [[3], [4]]})
    with pytest.raises(DataError, match=r"a \(lists or objects\), b \(lists or objects\)"):
        found(tmp_path, frame)


def test_runs_that_are_compared_fit_short_texts_of_any_script() -> None:
    modality = MODALITIES.load("text", ("text",))
    chinese = [f"今天天气很好我们去公园散步{chr(0x4E00 + at)}" for at in range(30)]
    for lines, ngram in ((chinese, 10), (texts(30), 5), ([" ".join(texts(30))] * 3, None)):
        rows = pl.DataFrame({"row": range(len(lines)), "text": lines})
        scorers, _ = suited_scorers.suited(modality, rows)
        assert scorers["text_overlap"].get("ngram") == ngram


@pytest.mark.parametrize(("count", "sampled"), [(2_048, False), (2_049, True)])
def test_scorers_of_very_many_images_take_no_time_as_the_square_of_them(
    count: int, *, sampled: bool
) -> None:
    modality = MODALITIES.load("image", ("image",))
    rows = pl.DataFrame({"row": range(count), "label": 0, "image": b"x"})
    scorers, _ = suited_scorers.suited(modality, rows)
    assert scorers["agreement"].get("sample", False) is sampled
    assert scorers["distance"].get("search", "exact") == ("forest" if sampled else "exact")
    written = suited_scorers.suited_evaluation(modality, rows, 100)
    assert written == ({"task_settings": {"sample": True}} if sampled else {})
    assert suited_scorers.suited_evaluation(modality, rows.drop("label"), 100) == {}
    of_many = suited_scorers.suited_evaluation(modality, rows.drop("label"), 20_001)
    assert of_many == {"sample": 20_000}
