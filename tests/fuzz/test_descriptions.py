"""Arrays of JSON, descriptions of data sets, candidates made elsewhere, and edits of settings."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from lake import documents as parsed
from pipelines.modalities.texts import Texts
from pipelines.project import yaml_edit
from pipelines.rounds import file_digests
from pipelines.sources import candidates, croissant, read
from tests.fuzz.engine import fuzzed
from tests.fuzz.mutations import documents, mutated
from tests.fuzz.test_sources import CSV, JSONL, OF_CSV, OF_JSONL, ROWS, TEXTS

ARRAY: Final = json.dumps(ROWS.to_dicts()).encode()
SPREAD: Final = json.dumps({"rows": ROWS.to_dicts()}, indent=1).encode()
OF_ARRAYS = (
    *(b"[", b"{", b"[]", b"{}", b"[" * 5_000, b'{"a":' * 5_000, b"\n", b"],[", b"},{"),
    *(b'"text":', b'{"text":"a","text":"b"}', b'"\\ud800"', b"1e999", b"9" * 5_000, b"NaN"),
)


@fuzzed(mutated([ARRAY, SPREAD, b'{\n"rows": []}', b"[{}]"], OF_ARRAYS), reasons=4)
def test_arrays_of_json(data: bytes) -> object:
    Path("a.jsonl").write_bytes(data)
    found = read.read("a.jsonl", TEXTS).frame
    assert data not in (ARRAY, SPREAD) or found.equals(ROWS)
    return found


DESCRIPTION: Final[dict[str, Any]] = {
    "@context": {"cr": "http://mlcommons.org/croissant/", "@vocab": "https://schema.org/"},
    "@type": "sc:Dataset",
    "name": "mails",
    "conformsTo": "http://mlcommons.org/croissant/1.1",
    "license": ["MIT", {"name": "other"}],
    "usageInfo": "Not for all.",
    "distribution": [
        {
            "@type": "cr:FileObject",
            "@id": "rows",
            "contentUrl": "data.csv",
            "sha256": hashlib.sha256(CSV).hexdigest(),
        },
        {"@type": "cr:FileSet", "@id": "all", "includes": "d*.csv"},
    ],
    "recordSet": [
        {
            "@type": "cr:RecordSet",
            "@id": "mails",
            "field": [
                {
                    "@id": f"mails/{name}",
                    "name": name,
                    "source": {"fileObject": {"@id": "rows"}, "extract": {"column": name}},
                }
                for name in ROWS.columns
            ],
        }
    ],
}
OF_SETS: Final = DESCRIPTION | {"recordSet": []}
NAMES: Final = ("a\0b", "\ud800", "/etc/passwd", "../secret.csv", "x" * 9_000, "link.csv", ".", "")
NAMED: Final = st.sampled_from(NAMES).map(
    lambda name: json.dumps(
        DESCRIPTION | {"distribution": [DESCRIPTION["distribution"][0] | {"contentUrl": name}]}
    )
)


RIGHT: Final = st.sampled_from([json.dumps(DESCRIPTION), json.dumps(OF_SETS)])


@fuzzed(st.one_of(documents([DESCRIPTION, OF_SETS]), RIGHT, NAMED), reasons=4)
def test_descriptions_of_data_sets(content: str) -> object:
    Path("data").mkdir(exist_ok=True)
    Path("data/data.csv").write_bytes(CSV)
    Path("secret.csv").write_text("text,label\nsecret,a\n", encoding="utf-8")
    Path("data/link.csv").unlink(missing_ok=True)
    Path("data/link.csv").symlink_to(Path("secret.csv").absolute())
    Path("data/croissant.json").write_text(content, encoding="utf-8", errors="replace")
    place = "data/croissant.json"
    if not croissant.is_description(place):
        return None
    found = read.read(place, TEXTS).frame
    assert "secret" not in found["text"].to_list(), "a file outside of the source is read"
    assert content != json.dumps(DESCRIPTION) or found.equals(ROWS)
    return croissant.paths(place)


@fuzzed(
    st.tuples(
        st.sampled_from(["a.csv", "a.jsonl", "a.parquet", "a", "a\x1b.txt"]),
        st.one_of(mutated([CSV], OF_CSV), mutated([JSONL], OF_JSONL), mutated([ARRAY], OF_ARRAYS)),
        st.sampled_from([None, "label", "text", "\x1b", "no"]),
    ),
    reasons=4,
)
def test_candidates_made_elsewhere(content: tuple[str, bytes, str | None]) -> object:
    name, data, label = content
    Path(name).write_bytes(data)
    return candidates.rows(name, label, Texts(("text",)), {"text": "body", "label": "class"})


SETTINGS: Final = b"# what it is\nline: main\ndatasets:\n  a: {seed: 1}  # kept\n  b:\n  - 1\n"
OF_SETTINGS = (
    *(b"&a ", b"*a", b"<<: *a", b"!!python/object:os.system x", b"!x ", b"? ", b"- ", b"%YAML 9\n"),
    *(b"---\n", b"...\n", b"{" * 500, b"[" * 5_000, b"\t", b"\x1b", b"'", b'"', b"datasets: 1\n"),
    *(
        b"datasets: {}\n",
        b"9" * 5_000,
        b"1e999",
        b"\xff",
        b"\r",
        b"2024-99-99",
        b"0x",
        b"!!set {a}",
    ),
)


@fuzzed(mutated([SETTINGS, b"datasets:\n", b"{}\n"], OF_SETTINGS), reasons=3)
def test_edits_of_settings(data: bytes) -> object:
    Path("params.yaml").write_bytes(data)

    def change(content: Any) -> None:
        if isinstance(content, dict) and isinstance(content.get("datasets") or {}, dict):
            yaml_edit.put(content, "datasets", "new", {"seed": 7})

    yaml_edit.edit(Path("params.yaml"), change)
    after = Path("params.yaml").read_text(encoding="utf-8")
    if data == SETTINGS:
        assert after.startswith("# what it is\n")
        assert "# kept" in after
    return parsed.parse_yaml(after) or None


def digests_database() -> bytes:
    database = sqlite3.connect(":memory:")
    database.execute(file_digests.SCHEMA)
    database.execute("INSERT INTO digests VALUES ('x', 1, 1, 1, 'a')")
    return database.serialize()


DATABASE: Final = digests_database()
OF_DATABASES = (b"SQLite format 3\0", b"\0" * 100, b"CREATE TABLE digests (path)", b"\xff" * 20)


@fuzzed(mutated([DATABASE, DATABASE, b""], OF_DATABASES), reasons=0, cost=3)
def test_kept_digests_of_files(data: bytes) -> object:
    file_digests.DATABASE.parent.mkdir(exist_ok=True)
    file_digests.DATABASE.write_bytes(data)
    Path("x").write_bytes(b"content")
    found = file_digests.of_path(Path("x"))
    assert found == hashlib.sha256(b"content").hexdigest()
    return found
