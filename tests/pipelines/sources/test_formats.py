"""Tables as people keep them: the right values, and what was found out is said."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.common.errors import DataError
from pipelines.sources import tables

ROWS = {"text": ["Grüße, Ärger", "naïve café"], "label": ["a", "b"]}
OBJECTS = [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)]
CSV = 'text,label\n"Grüße, Ärger",a\nnaïve café,b\n'


@pytest.mark.parametrize(
    ("name", "content", "notes"),
    [
        ("a.csv", CSV.encode(), []),
        ("a.CSV", CSV.encode(), []),
        ("a.csv", CSV.encode("utf-8-sig"), ["begins with a byte order mark"]),
        ("a.csv", CSV.encode("utf-16"), ["is UTF-16"]),
        (
            "a.csv",
            CSV.encode("cp1252"),
            ["is not UTF-8 (byte 0xfc in line 2); it is read as Windows-1252"],
        ),
        ("a.csv", CSV.replace("\n", "\r\n").encode(), []),
        ("a.csv", CSV.replace("\n", "\r").encode(), ["has carriage returns as line ends"]),
        (
            "a.csv",
            'text;label\nGrüße, Ärger;a\n"naïve café";b\n'.encode(),
            ["has semicolons between its fields"],
        ),
        ("a.csv", b"text\tlabel\nGr\xc3\xbc\xc3\x9fe, \xc3\x84rger\ta\nna\xc3\xafve caf\xc3\xa9\tb",
         ["has tabs between its fields"]),
        ("a.tsv", "text\tlabel\nGrüße, Ärger\ta\nnaïve café\tb\n".encode(), []),
        ("a.json", json.dumps(OBJECTS).encode(),
         ["is a JSON array"]),
        ("a.jsonl", json.dumps(OBJECTS, indent=1).encode(),
         ["is a JSON array"]),
        ("a.json", json.dumps({"version": 1, "data": OBJECTS}, indent=2).encode(),
         ["is a JSON object whose rows are under 'data'"]),
    ],
)  # fmt: skip
def test_a_table_is_read_in_the_form_that_it_has(
    tmp_path: Path, name: str, content: bytes, notes: list[str]
) -> None:
    place = tmp_path / name
    place.write_bytes(content)
    found = tables.read(place)
    assert found.frame.to_dict(as_series=False) == ROWS
    assert list(found.notes) == [f"{place} {note}" for note in notes]


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".arrow", ".feather", ".parquet"])
def test_what_writers_write_is_read(tmp_path: Path, suffix: str) -> None:
    place, frame = tmp_path / f"own{suffix}", pl.DataFrame(ROWS)
    write = {
        ".parquet": frame.write_parquet,
        ".arrow": frame.write_ipc,
        ".feather": frame.write_ipc,
    }
    write.get(suffix, frame.write_ndjson)(place)
    found = tables.read(place)
    assert found.frame.equals(frame)
    assert not found.notes


def test_quotes_that_a_backslash_escapes_keep_their_text(tmp_path: Path) -> None:
    place = tmp_path / "own.csv"
    place.write_text('text,label\n"he said \\"hi, you\\"",a\nplain,b\n', encoding="utf-8")
    found = tables.read(place)
    assert found.frame["text"].to_list() == ['he said "hi, you"', "plain"]
    assert found.notes == (f"{place} escapes quotes by a backslash",)
    place.write_text('text,label\n"C:\\",a\n"D:\\",b\n', encoding="utf-8")  # as the standard has it
    assert tables.read(place).frame["text"].to_list() == ["C:\\", "D:\\"]


def test_half_a_surrogate_pair_is_no_character(tmp_path: Path) -> None:
    place = tmp_path / "own.jsonl"
    place.write_text(
        '{"text": "half \\ud83d pair"}\n{"text": "whole \\ud83d\\ude00"}\n{"text": "\\\\ud83d"}\n',
        encoding="ascii",
    )
    found = tables.read(place)
    assert found.frame["text"].to_list() == ["half \ufffd pair", "whole \U0001f600", "\\ud83d"]
    assert "holds 1 halves of surrogate pairs" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"text,label,label\nx,a,b\n", "its header names column 'label' 2 times"),
        ("a.csv", b"text,label\nx,a\ny,a,b\n", "record 3 (the header is the first) has 3 fields"),
        ("a.csv", b"text,label\nx,a\ny\nz,a\n", "record 3 (the header is the first) has 1 fields"),
        ("a.csv", "text\nждйц\n".encode("cp1251"), "convert it, for example by `iconv"),
        ("a.csv", b"text\n\xff\x00\xfe\n", "it is no text in UTF-8"),
        ("a.jsonl", b'{"label": 1, "label": 2}\n', "line 1: an object has the key 'label' twice"),
        ("a.json", b'[{"a": 1, "a": 2}]', "an object has the key 'a' twice"),
        ("a.jsonl", b'{"text": "a"}\n{"text": {"en": "b"}}\n',
         "line 2 holds an object in column 'text', where other lines hold texts"),
        ("a.jsonl", b'{"text": 5}\n{"text": "a"}\n', "line 1 holds a number in column 'text'"),
        ("a.jsonl", b'{"text": "1"}\n{"text": 1.50}\n', "line 2 holds a number in column 'text'"),
        ("a.jsonl", b'{"text": "a"}\n{"text": true}\n', "line 2 holds a truth value in column"),
        ("a.jsonl", b'{"text": "a"}\n{"te', "line 2 is cut off"),
        ("a.jsonl", b'{"text": "a"}\nnothing\n{"text": "b"}\n', "line 2 is no JSON object"),
        ("a.jsonl", b'{"text": "a"}\n[1]\n', "line 2 is a list, not an object"),
        ("a.json", b"[1, 2]", "is a JSON array with other things in it than objects"),
        ("a.json", b'{\n"a": 1\n}', "it is one JSON object"),
        ("a.json", b'[{"a": 1},', "it is no JSON: Expecting value in line 1, column 11"),
    ],
)  # fmt: skip
def test_a_malformed_table_is_one_sentence_that_says_where(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        tables.read(tmp_path / name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_pages_are_one_sentence_and_nothing_of_polars_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("threading.active_count", lambda: 1)  # other tests leave idle threads
    place = tmp_path / "rows.parquet"
    columns = {"a": list(range(40)), "c": [f"t{at % 7}" for at in range(40)]}
    pl.DataFrame(columns).write_parquet(place, compression="uncompressed")
    whole = place.read_bytes()
    said = set()
    for offset in range(4, 700):
        place.write_bytes(whole[:offset] + b"N" + whole[offset + 1 :])
        try:
            tables.read(place)
        except DataError as error:
            said.add(str(error).partition(" table: ")[2])
    assert "its pages are damaged; get the file again" in said
    assert capfd.readouterr().err == ""
