from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.common import plugin_protocols
from pipelines.common.errors import ParamsError
from pipelines.scorers import (
    json_schema,
    language,
    personal_data,
    registry,
    scoring,
    text_duplicates,
    text_overlap,
    toxicity,
)
from pipelines.scorers.protocol import Given, Scorer
from tests.pipelines.texts import HOSTILE, frame

SCORERS = [
    json_schema.JsonSchema(),
    language.Language(),
    personal_data.PersonalData(),
    text_duplicates.TextDuplicates(),
    text_overlap.TextOverlap(),
    toxicity.Toxicity(),
]
REAL = frame(
    [
        "The ferry leaves the harbour at noon and returns before the tide turns.",
        "Fold the dough three times and let it rest under a damp cloth until the evening.",
        "fold the dough three times and let it rest under a  damp cloth until the evening.",
        None,
    ],
    0,
)
SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 0}, "mail": {"format": "email"}},
    "required": ["age"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a schema, in which scorers run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "person.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    return tmp_path


def scored(
    scorer: Scorer[Any], candidates: pl.DataFrame, given: Given | None = None, **own: object
) -> pl.DataFrame:
    if scorer.name == "json_schema":
        own = {"schema_file": "person.json", **own}
    found = scorer.score(candidates, given or Given(REAL), scorer.Settings(**own))
    assert isinstance(found, pl.DataFrame)
    return found


@pytest.mark.parametrize("scorer", SCORERS)
def test_each_scorer_keeps_the_contract(scorer: Scorer[Any]) -> None:
    assert not plugin_protocols.faults(type(scorer), Scorer)
    candidates = frame([*HOSTILE, None, "The ferry leaves the harbour at noon."])
    found = scored(scorer, candidates)
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **scorer.columns}
    assert found.select("round", "row").equals(candidates.select("round", "row"))
    assert found.row(len(HOSTILE))[2:] == (None,) * len(scorer.columns)
    assert found.equals(scored(scorer, candidates))
    assert found[:, 2][: len(HOSTILE)].null_count() == 0
    for empty in (candidates.clear(), frame([None])):
        none = scored(scorer, empty)
        assert none.schema == found.schema
        assert none.rows() == [
            (*key, *(None,) * len(scorer.columns)) for key in empty[:, :2].rows()
        ]


@pytest.mark.parametrize("scorer", SCORERS)
def test_each_scorer_runs_from_the_cache(scorer: Scorer[Any]) -> None:
    name = scorer.name
    own: dict[str, Any] = {"schema_file": "person.json"} if name == "json_schema" else {}
    candidates = frame(
        ["The ferry leaves at noon.", '{"age": 3}', None, "The ferry leaves at noon."]
    )
    first = scoring.score_all({name: own}, candidates, Given(REAL))
    files = list(Path(".stemma").rglob("*.parquet"))
    assert files
    assert scoring.score_all({name: own}, candidates, Given(REAL)).equals(first)
    assert list(Path(".stemma").rglob("*.parquet")) == files


def test_near_duplicates_of_real_earlier_and_fellow_texts() -> None:
    candidates = frame(
        [
            "Fold the dough three times and let it rest under a damp cloth till the evening.",
            "A cold front brings rain to the coast and snow to the hills.",
            "A cold front brings rain to the coast and snow to the hill.",
            "FOLD the dough three times and let it rest under a damp cloth till the evening.",
            "Nobody wrote anything like this before, as far as anybody knows.",
            None,
            "",
        ]
    )[[3, 0, 1, 2, 4, 5, 6]]  # not in order of rows
    earlier = frame(["A cold front brings rain to the coast and snow to the hills!"], 1)
    found = scored(text_duplicates.TextDuplicates(), candidates, Given(REAL, earlier)).sort("row")
    assert found["text_real_similarity"].to_list() == pytest.approx(
        [67 / 82, 0, 0, 67 / 82, 0, None, 0]
    )
    assert found["text_real_round"].to_list() == [0, None, None, 0, None, None, None]
    assert found["text_real_row"].to_list() == [1, None, None, 1, None, None, None]
    assert [each and round(each, 1) for each in found["text_earlier_similarity"]] == [
        0, 1.0, 0.9, 0, 0, None, 0,
    ]  # fmt: skip
    assert [each and round(each, 1) for each in found["text_candidate_similarity"]] == [
        0, 0, 0.9, 1.0, 0, None, 0,
    ]  # fmt: skip
    assert found["text_held_out_similarity"].null_count() == len(found)
    held_out = earlier.with_columns(split=pl.lit("test"))
    given = Given(REAL, earlier, held_out)
    withheld = scored(text_duplicates.TextDuplicates(), candidates, given).sort("row")
    assert withheld["text_held_out_similarity"].equals(
        withheld["text_earlier_similarity"], check_names=False
    )
    assert found["text_candidate_row"].to_list() == [None, None, 1, 0, None, None, None]
    assert found["text_cluster"].to_list() == [0, 1, 1, 0, 4, None, 6]


def test_blank_texts_are_duplicates_of_each_other() -> None:
    found = scored(text_duplicates.TextDuplicates(), frame(["", "x y z x y z", " \n"]))
    assert found["text_cluster"].to_list() == [0, 1, 0]
    assert found["text_candidate_similarity"].to_list() == [0, 0, 1]


def test_real_texts_are_compared_with_the_others() -> None:
    found = text_duplicates.TextDuplicates().score_real(
        Given(REAL), text_duplicates.TextDuplicatesSettings()
    )
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **text_duplicates.COLUMNS}
    assert found["text_real_similarity"].to_list() == [0, 1, 1, None]
    assert found["text_real_row"].to_list() == [None, 2, 1, None]
    assert found["text_candidate_similarity"].null_count() == 4
    assert found["text_cluster"].null_count() == 4


def test_words_as_shingles() -> None:
    candidates = frame(["one two three four five six", "one two three four five seven"])
    found = scored(
        text_duplicates.TextDuplicates(), candidates, shingles="words", ngram=2, threshold=0.6
    )
    assert found["text_candidate_similarity"].to_list() == pytest.approx([0, 4 / 6])


def test_what_a_scorer_of_whole_frames_depends_on() -> None:
    settings = text_duplicates.TextDuplicatesSettings()
    plain = text_duplicates.TextDuplicates().model_digest(Given(REAL), settings)
    assert text_duplicates.TextDuplicates().model_digest(Given(REAL[:2]), settings) != plain
    assert (
        text_duplicates.TextDuplicates().model_digest(Given(REAL, frame(["x"])), settings) != plain
    )
    assert text_duplicates.TextDuplicates().model_digest(Given(REAL), settings) == plain


def test_overlap_with_real_and_held_out_texts() -> None:
    held = pl.DataFrame({"split": ["test"], "row": [9], "text": ["one two three four five six"]})
    candidates = frame(
        [
            "He said: fold the dough three times, and let it REST",
            "one two three four",
            "zero one two three nine",
            "nothing of this",
            "!!!",
            "one two",
            "noon and",
            None,
        ]
    )
    found = scored(text_overlap.TextOverlap(), candidates, Given(REAL, held_out=held), ngram=3)
    assert found["text_real_overlap"].to_list() == pytest.approx([7 / 9, 0, 0, 0, 0, 0, 0, None])
    assert found["text_held_out_overlap"].to_list() == pytest.approx(
        [0, 1, 1 / 3, 0, 0, 0, 0, None]
    )
    for fingerprints in (None, held.drop("text")):
        blind = scored(
            text_overlap.TextOverlap(), candidates, Given(REAL, held_out=fingerprints), ngram=3
        )
        assert blind["text_held_out_overlap"].null_count() == len(candidates)
        assert blind["text_real_overlap"].equals(found["text_real_overlap"])
    nothing = scored(text_overlap.TextOverlap(), candidates, Given(REAL.clear()))
    assert set(nothing["text_real_overlap"].drop_nulls()) == {0.0}


def test_a_short_line_that_is_quoted_whole_is_contained() -> None:
    line = "Ginger tea helps against a cold."
    held = pl.DataFrame(
        {"text": ["Thank you so much!", "Thank you.", "no no no no no", line, None]}
    )
    padding = "and so we went on and on about this and that, " * 40
    candidates = frame(
        [
            f"{padding}{line.upper()} {padding}",
            f"{padding}ginger tea helps against {padding}",
            f"Thank you. {padding} thank you, no no no no no.",
            "!!!",
            None,
        ]
    )
    given = Given(REAL, held_out=held)
    found = scored(text_overlap.TextOverlap(), candidates, given)
    assert found["text_held_out_contained"].to_list() == [1.0, 0.5, 0.0, 0.0, None]
    assert found["text_held_out_overlap"].to_list() == [0.0, 0.0, 0.0, 0.0, None]
    few = scored(text_overlap.TextOverlap(), candidates, given, quote_words=2, quote_ngram=2)
    assert few["text_held_out_contained"].to_list() == [1.0, 0.6, 1.0, 0.0, None]
    with pytest.raises(ParamsError, match=r"quote_words is 2, less than the 3 words of a run"):
        registry.settings("text_overlap", {"quote_words": 2})


def test_what_nothing_is_long_enough_for_is_not_measured() -> None:
    held = pl.DataFrame({"text": ["Thank you.", "好的多谢您呀"]})
    asked = frame(["Thank you, said she, 好的多谢您呀"])
    found = scored(text_overlap.TextOverlap(), asked, Given(REAL, held_out=held))
    assert found["text_held_out_contained"].to_list() == [None]
    assert found["text_real_contained"].to_list() == [0.0]
    longer = Given(REAL, held_out=pl.DataFrame({"text": ["好的多谢您呀再见"]}))
    assert scored(text_overlap.TextOverlap(), asked, longer)["text_held_out_contained"][0] == 4 / 6


def test_thirteen_words_of_a_real_text() -> None:
    words = [f"w{at}" for at in range(40)]
    real = frame([" ".join(words)], 0)
    candidates = frame([" ".join(["x", *words[5:18]]), " ".join(["x", *words[5:17], "y"])])
    found = scored(text_overlap.TextOverlap(), candidates, Given(real))
    assert found["text_real_overlap"].to_list() == [0.5, 0.0]


def test_languages() -> None:
    candidates = frame(
        [
            "Where did you put the keys of the car?",
            "Wo hast du denn die Schlüssel für das Auto hingelegt?",
            "Où as-tu mis les clés de la voiture ?",
            "車の鍵をどこに置きましたか。",
            "12345 !?",
        ]
    )
    found = scored(language.Language(), candidates)
    assert found["language"].to_list() == ["en", "de", "fr", "ja", "und"]
    assert found["language_confidence"][:4].is_between(0.3, 1).all()
    assert found["language_confidence"][4] == 0
    assert (
        scored(language.Language(), candidates, among=("en", "fr"))["language"].to_list()[0] == "en"
    )
    with pytest.raises(ParamsError, match="there is no language 'english'"):
        scored(language.Language(), candidates, among=("english",))


def test_toxicity() -> None:
    candidates = frame(
        [
            "you are a stupid fucking idiot",
            "what a piece of shit",
            "The ferry leaves the harbour at noon.",
            "Fold the dough three times.",
        ]
    )
    found = scored(toxicity.Toxicity(), candidates)["toxicity"]
    assert found.is_between(0, 1).all()
    assert (found[:2] > 0.9).all()
    assert (found[2:] < 0.5).all()


def test_json_documents() -> None:
    candidates = frame(
        [
            '{"age": 3}',
            '{"age": -1}',
            '{"age": 3, "mail": "nobody"}',
            "{}",
            '{"age": NaN}',
            "Sure! {}",
            '{"age": 3} trailing',
            "3",
            "1" * 5000,
        ]
    )
    found = scored(json_schema.JsonSchema(), candidates)
    assert found["json_valid"].to_list() == [True] + [False] * 8
    said = found["json_problem"].to_list()
    assert said[0] == ""
    assert said[1] == "age: -1 is less than the minimum of 0"
    assert "email" in said[2]
    assert said[3] == '"age" is a required property'
    assert said[4] == "not JSON: NaN is no number in JSON"
    assert all(each.startswith("not JSON") for each in said[5:7])
    assert all(len(each) <= json_schema.SHOWN for each in said)


def test_any_json_will_do_without_a_schema() -> None:
    found = scored(
        json_schema.JsonSchema(), frame(["3", '{"a": [1, {}]}', "[1,", None]), schema_file=None
    )
    assert found["json_valid"].to_list() == [True, True, False, None]


def test_a_changed_schema_is_another_model(project: Path) -> None:
    settings = json_schema.JsonSchemaSettings(schema_file="person.json")
    before = json_schema.JsonSchema().model_digest(Given(REAL), settings)
    (project / "person.json").write_text("{}", encoding="utf-8")
    assert json_schema.JsonSchema().model_digest(Given(REAL), settings) != before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ('{"type": "nope"}', "no JSON schema of draft 2020-12"),
        ('{"$ref": "http://localhost:9/other"}', "another document"),
        ('{"$ref": "file:///etc/hostname"}', "another document"),
        ("3", "no JSON schema"),
    ],
)
def test_schemas_that_are_none(project: Path, content: str, said: str) -> None:
    (project / "person.json").write_text(content, encoding="utf-8")
    with pytest.raises(ParamsError, match=said):
        scored(json_schema.JsonSchema(), frame(["3"]))


def test_a_pattern_of_a_schema_that_does_not_end_is_said() -> None:
    library = pytest.importorskip("jsonschema_rs")
    validator = library.Draft202012Validator({"pattern": r"(a*)*\1b"})
    said = json_schema._problem(json.dumps("a" * 40), validator)
    assert said == "not checked: a pattern of the schema does not end on it"


@pytest.mark.parametrize("place", ["nowhere.json", "../person.json", "/etc/hostname"])
def test_schemas_elsewhere(place: str) -> None:
    with pytest.raises(ParamsError, match=r"cannot be read|within the project"):
        scored(json_schema.JsonSchema(), frame(["3"]), schema_file=place)
