"""Settings that somebody else wrote: read as DVC reads them, strictly, or one sentence and code 2.

Each of these ended in a traceback, never ended, or was taken for something else.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from dvc.utils.serialize import parse_yaml

from expectations import catalogue
from expectations import suite as suites
from lake import documents, settings
from lake.documents import DocumentError
from lake.errors import MisconfiguredError
from pipelines import params
from pipelines.common.errors import ParamsError
from pipelines.common.settings import parse
from pipelines.generators import model_folder
from pipelines.generators.registry import GENERATORS
from pipelines.generators.text.settings import TextGenerate
from pipelines.rounds import model_store, receipts
from pipelines.scorers import json_schema, rubric
from pipelines.stages import runner
from pipelines.verification.calibrations import sheets
from review.commands import gc, rounds

HEAD = "datasets: {digits: {identity: [image], ingest: {source: x.parquet}"
DIGITS = HEAD + "%s}}\n"
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
DEEP = "[" * 100_000
MANY = "9" * 100_000
YAML = {
    "a key twice": ("line: main\nseed: 1\nseed: 2\n", 'line 3: found duplicate key "seed"'),
    "a key twice below": (
        DIGITS % ", fit: {regime: replace, regime: replace}",
        "found duplicate key",
    ),
    "a boolean": (
        DIGITS % ", generate: {candidates: true}",
        "candidates: Input should be a valid int",
    ),
    "a text": (
        DIGITS % ', generate: {candidates: "600"}',
        "candidates: Input should be a valid int",
    ),
    "a share that is true": (DIGITS % ", fit: {real_weight: true}", "real_weight: Input should be"),
    "a weight of nothing": (
        DIGITS % ", fit: {real_weight: 0}",
        "real_weight: Input should be a number above 0, or auto",
    ),
    "a weight of another word": (
        DIGITS % ", fit: {real_weight: best}",
        "real_weight: Input should be a number above 0, or auto",
    ),
    "a text that is yes": (
        DIGITS % ", generate: {text: {service: {batch: yes}}}",
        "batch: Input should be a valid boolean",
    ),
    "a number that is a flag": (
        DIGITS % ", generate: {text: {service: {batch: 1}}}",
        "batch: Input should be a valid boolean",
    ),
    "a number that is a name": ("line: 5\n" + DIGITS % "", "line: Input should be a valid string"),
    "part of a whole": (DIGITS % ", generate: {candidates: 2.5}", "candidates: Input should be"),
    "many digits": (f"seed: {MANY}\n", "a whole number that fits no 64 bits"),
    "more than 64 bits": (f"seed: {10**400}\n", "a whole number that fits no 64 bits"),
    "infinity": ("seed: .inf\n", "holds the number inf"),
    "an infinite power": ("seed: 1.0e+999\n", "holds the number inf"),
    "no number": ("seed: .nan\n", "holds the number nan"),
    "deep in brackets": ("seed: " + DEEP[:5000], "is nested too deeply"),
    "deep in lines": ("- " * 5000 + "x", "is nested too deeply"),
    "aliases of aliases": (LAUGHS, "stands for more than 100,000 values"),
    "an alias of itself": ("seed: &a [*a]\n", "is nested too deeply"),
    "a Python object": (
        "seed: !!python/object/apply:os.abort []\n",
        "could not determine a constr",
    ),
    "another tag": ("seed: !ours 5\n", "could not determine a constructor"),
    "bytes": ("line: !!binary aGk=\n", "a bytes; put it into quotes"),
    "a date": ("line: 2024-01-01\n", "holds 2024-01-01, a date; put it into quotes"),
    "a name that is a number": ("rounds: {1: {}}\n", "holds the key 1, no text"),
    "a name that is nothing": ("rounds: {~: {}}\n", "holds the key None, no text"),
    "a name that is a list": ("? [a]\n: b\n", "no text; put it into quotes"),
    "two documents": ("seed: 1\n---\nseed: 2\n", "found another document"),
    "a control character": ("seed: \x07\n", "#x0007"),
    "nothing": ("", "must be a mapping"),
    "an escape in a key": ('"a\\e]0;x\\a": 1\n' + DIGITS % "", "unknown key"),
}
JSON = {
    "an int of 401 digits": (
        '{"a": %s}' % 10**400,
        "a number of 401 digits, which fits no 64 bits",
    ),
    "an int of 100,000 digits": (f'{{"a": {MANY}}}', "a number of 100,000 digits"),
    "a float beyond all": ('{"a": 1e400}', "holds the number 1e400, which is too large"),
    "NaN": ('{"a": NaN}', "NaN is no number"),
    "infinity": ('{"a": -Infinity}', "-Infinity is no number"),
    "a key twice": ('{"a": {"b": 1, "b": 2}}', "holds the key 'b' twice"),
    "deep": (DEEP, "is nested too deeply"),
    "rather deep": ("[" * 70 + "]" * 70, "is nested too deeply"),
    "half a document": ('{"a": ', "is not JSON"),
    "an escape": ('{"a\\u001b": 1, "a\\u001b": 2}', "holds the key 'a\\x1b' twice"),
}


def params_of(place: Path) -> object:
    return params.load(place)


def schema_of(place: Path) -> object:
    return json_schema._schema(os.path.relpath(place))


def registry_of(place: Path) -> object:
    return GENERATORS.files({"text": TextGenerate(prompt=str(place))})


READERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "params": (params_of, "params.yaml"),
    "suite": (suites.load, "suite.json"),
    "schema": (schema_of, "schema.json"),
    "rubric": (lambda place: rubric.load(str(place)), "rubric.md"),
    "prompt": (registry_of, "prompt.txt"),
    "lakectl": (lambda place: settings.resolve(place.parent, lakectl(place)), "lakectl.yaml"),
}


def lakectl(place: Path) -> dict[str, str]:
    return {"HOME": str(place.parent), "LAKECTL_CONFIG_FILE": str(place)}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sentence(capsys: pytest.CaptureFixture[str], action: Callable[[], object]) -> str:
    """What a command says, and that it ends with code 2 and nothing else."""
    with pytest.raises(SystemExit) as caught:
        runner.guarded(lambda: action() and None)
    said = capsys.readouterr().err
    assert caught.value.code == 2
    assert said.startswith("stemma: ")
    assert said.count("\n") == 1
    assert said.strip().isprintable()
    assert len(said) < 600
    return said


@pytest.mark.parametrize(("text", "said"), YAML.values(), ids=YAML)
def test_params_are_right_or_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    place = tmp_path / "params.yaml"
    place.write_text(text, encoding="utf-8")
    assert said in sentence(capsys, lambda: params.load(place))


@pytest.mark.parametrize(("text", "said"), JSON.values(), ids=JSON)
def test_suites_and_schemas_are_right_or_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    place = tmp_path / "own.json"
    place.write_text(text, encoding="utf-8")
    assert said in sentence(capsys, lambda: suites.load(place))
    assert said in sentence(capsys, lambda: schema_of(place))
    with pytest.raises(DocumentError, match=r"nested|not JSON|twice|number"):
        documents.read_json(place)


@pytest.mark.parametrize(("read", "name"), READERS.values(), ids=READERS)
def test_what_is_no_file_of_text_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], read: Callable[[Path], object], name: str
) -> None:
    place = tmp_path / name
    os.mkfifo(place)
    assert "a named pipe, not a regular file" in sentence(capsys, lambda: read(place))
    place.unlink()
    place.symlink_to("/dev/zero")
    assert "a device, not a regular file" in sentence(capsys, lambda: read(place))
    place.unlink()
    place.write_bytes("seed: é".encode("latin-1"))
    assert "not UTF-8 text (byte 0xe9 at 6)" in sentence(capsys, lambda: read(place))
    place.write_bytes(b"x")
    os.truncate(place, 1 << 40)
    assert "larger than" in sentence(capsys, lambda: read(place))


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    place = tmp_path / "params.yaml"
    place.write_text("\ufeff" + DIGITS % "", encoding="utf-8")
    assert list(params.load(place).datasets) == ["digits"]


def test_values_are_what_dvc_reads(tmp_path: Path) -> None:
    text = (
        "seed: 010\n"
        "datasets:\n"
        "  no:\n"
        "    identity: [y, on]\n"
        "    ingest: {source: x.parquet, near: 1e-5, split_key: 1:30}\n"
        "    generate: {candidates: 0x10, text: {labels: [yes, off], shots: 0o10}}\n"
        "    fit: &fit {real_weight: 1}\n"
        "rounds:\n"
        "  no-1: {dataset: no, round: 1, previous: 0, fit: {<<: *fit}}\n"
    )
    place = tmp_path / "params.yaml"
    place.write_text(text, encoding="utf-8")
    assert documents.read_yaml(place) == parse_yaml(text, "params.yaml")
    found = params.load(place)
    own = found.datasets["no"]
    assert found.seed == 10
    assert own.identity == ("y", "on")
    assert (own.ingest.near, own.ingest.split_key) == (1e-5, "1:30")
    assert own.generate.candidates == 16
    assert own.generate.text is not None
    assert (own.generate.text.labels, own.generate.text.shots) == (("yes", "off"), 8)
    assert params.resolve(found, "no-1").settings.fit.real_weight == 1.0


def test_an_anchor_that_is_given_twice_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert documents.parse_yaml("a: &x 1\nb: &x 2\nc: *x\n") == {"a": 1, "b": 2, "c": 2}


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        ("expect_column_values_to_be_between", {"min_value": True}, "'min_value' is true"),
        ("expect_column_values_to_be_between", {"min_value": "5"}, "'min_value' is \"5\""),
        (
            "expect_column_values_to_be_between",
            {"strict_min": 1, "min_value": 0},
            "'strict_min' is 1",
        ),
        ("expect_column_value_lengths_to_be_between", {"max_value": 9.5}, "'max_value' is 9.5"),
        (
            "expect_rows_recall_to_be_between",
            {"min_value": 0.1, "draws": "50"},
            "'draws' is \"50\"",
        ),
        ("expect_column_values_to_match_regex", {"regex": 5}, "'regex' is 5"),
    ],
)
def test_an_argument_of_a_suite_is_of_its_kind(
    kind: str, kwargs: dict[str, object], said: str
) -> None:
    columns = {"column_list": ["a"]} if "rows" in kind else {"column": "a"}
    rule = suites.Rule("own", kind, {**columns, **kwargs}, "critical", {})
    with pytest.raises(suites.SuiteError, match=r"which would be taken for") as caught:
        catalogue.expectation(rule)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", [5, 5.0, 5.5, "2020-01-01", None])
def test_numbers_and_dates_stay_limits(value: object) -> None:
    kwargs = {"column": "a", "min_value": value, "max_value": 9 if value != "2020-01-01" else None}
    rule = suites.Rule("own", "expect_column_values_to_be_between", kwargs, "critical", {})
    catalogue.expectation(rule)


@pytest.mark.parametrize(
    "text",
    [
        "server: {endpoint_url: 5}\n",
        "server: {endpoint_url: [a]}\n",
        "server: {endpoint_url: http://a, access_key_id: yes}\ncredentials: {access_key_id: 123}\n",
        "server: {a: 1, a: 2}\n",
        LAUGHS,
    ],
)
def test_a_file_of_lakectl_is_right_or_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    place = tmp_path / "lakectl.yaml"
    place.write_text(text, encoding="utf-8")
    said = sentence(capsys, lambda: settings.resolve(tmp_path, lakectl(place)))
    assert "lakectl.yaml" in said
    with pytest.raises(MisconfiguredError):
        settings.resolve(tmp_path, lakectl(place))


RECEIPT = {
    "stage": "fit",
    "dataset": "digits",
    "round": 1,
    "line": "main",
    "repository": "stemma",
    "branch": "digits-r001",
    "commit": "c",
    "input_key": "k",
}


@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        json.dumps(RECEIPT)[:-1] + ', "round": 2}',
        json.dumps(RECEIPT | {"round": True}),
        json.dumps(RECEIPT | {"rows": {"mix": "5"}}),
        json.dumps(RECEIPT).replace("1,", f"{10**400},"),
        "",
    ],
)
def test_a_receipt_is_right_or_one_sentence(tmp_path: Path, text: str) -> None:
    place = receipts.path("digits", 1, "fit")
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(RECEIPT))
    assert receipts.read("digits", 1, "fit").round == 1
    place.write_text(text)
    with pytest.raises(
        receipts.StaleError, match=r"is not a receipt.*; remove it and run"
    ) as caught:
        receipts.read("digits", 1, "fit")
    assert str(caught.value).isprintable()
    place.unlink()
    os.mkfifo(tmp_path / place)
    with pytest.raises(receipts.StaleError, match="is a named pipe, not a regular file"):
        receipts.read("digits", 1, "fit")


@pytest.mark.parametrize("text", [DEEP, "[]", "", "\xff"])
def test_what_stands_beside_is_right_or_one_sentence(tmp_path: Path, text: str) -> None:
    for name in (model_folder.MANIFEST, model_store.COST, "metrics.json"):
        (tmp_path / name).write_text(text, encoding="latin-1")
    for read in (
        lambda: model_folder.read_manifest(tmp_path),
        lambda: receipts.read_json(tmp_path / "metrics.json"),
    ):
        with pytest.raises(receipts.StaleError) as caught:
            read()
        assert str(caught.value).isprintable()
    place = tmp_path / "sheet.csv"
    sheets.request_path(place).write_text(text, encoding="latin-1")
    with pytest.raises(sheets.CalibrationError, match=r"is not what was written with sheet\.csv"):
        sheets.read_request(place)
    os.mkfifo(place)
    with pytest.raises(sheets.CalibrationError, match="is a named pipe"):
        sheets.read(
            place, sheets.LabellingRequest("d", 1, "s", "c", ()), pl.DataFrame({"asked": ["a"]})
        )


@pytest.mark.parametrize("text", [DEEP[:2000], "a: 1\na: 2\n", "plots: !!set {a}\n"])
def test_a_pipeline_that_dvc_cannot_read_is_not_changed(tmp_path: Path, text: str) -> None:
    place = tmp_path / "dvc.yaml"
    place.write_text(text)
    with pytest.raises(ParamsError, match=r"dvc\.yaml (is|holds)"):
        rounds.add_plots(place, "digits")
    assert place.read_text() == text
    place.unlink()
    (tmp_path / "rounds" / "digits" / "1").mkdir(parents=True)
    (tmp_path / "rounds" / "digits" / "1" / "fit.json").write_text(DEEP)
    os.mkfifo(tmp_path / "rounds" / "digits" / "1" / "curate.json")
    assert gc.named(tmp_path / "rounds") == set()


def test_settings_from_a_lake_are_strict_too() -> None:
    content = {"identity": ["image"], "ingest": {"source": "x"}, "generate": {"candidates": True}}
    with pytest.raises(ParamsError, match=r"generate\.candidates: Input should be a valid integer"):
        parse(params.Dataset, content, "the manifest")
