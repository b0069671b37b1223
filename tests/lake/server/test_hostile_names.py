"""Names in a lake that would lead out of the folder where a command writes what it holds."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import refs
from lake.client import Lake
from lake.errors import InvalidError, LakeError, TooLargeError
from pipelines.common.errors import DataError
from pipelines.rounds import manifest, model_store
from pipelines.verification.verdicts import page_store

HOSTILE = ("../../../outside", "/{root}/outside", "deeper/file", "a\x1b]0;x\x07b", "x" * 220)


@pytest.mark.parametrize("hostile", HOSTILE[1:])  # our server stores no path with `..` in it
def test_a_generator_is_not_written_where_its_names_lead(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    prefix = refs.partition("digits", model_store.TABLE, 1)
    lake.write_bytes("main", prefix + "manifest.json", b"{}")
    lake.write_bytes("main", prefix + hostile.format(root=tmp_path), b"hostile")
    with pytest.raises(InvalidError, match="cannot be the name of a file") as caught:
        model_store.download(lake, "main", "digits", 1)
    assert str(caught.value).isprintable()
    assert [*tmp_path.rglob("*")] == [project]


def test_a_generator_that_would_fill_memory_is_not_taken_over(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table, data = pa.table({"row": pa.nulls(1 << 20, pa.int64())}), io.BytesIO()
    with pq.ParquetWriter(data, table.schema) as writer:
        for _ in range(130):
            writer.write_table(table)
    assert len(data.getvalue()) < 1 << 19
    lake.write_bytes("main", "digits/models/round=001/pool.parquet", data.getvalue())
    with pytest.raises(DataError, match=r"pool\.parquet has .* bytes and would take 1,09"):
        model_store.download(lake, "main", "digits", 1)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_page_is_not_written_where_its_name_leads(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    lake.write_bytes("main", "digits/docs/page", b"hostile")
    pages = {hostile.format(root=tmp_path): {"path": "digits/docs/page", "sha256": "0" * 64}}
    content = {"verdicts": {"pages": {"data_docs": {"path": "digits/docs/page"}, **pages}}}
    lake.write_bytes("main", refs.manifest("digits", 1), json.dumps(content).encode())
    with pytest.raises(InvalidError, match="cannot be the name of a file"):
        page_store.copy(lake, "main", "digits", 1)
    assert [*tmp_path.rglob("*")] == [project]


@pytest.mark.parametrize("given", ["digits\n", "digits-r001\n", "digits-v1\n"])
def test_names_end_where_they_end(given: str) -> None:
    assert not any(each.match(given) for each in (refs.NAME, refs.BRANCH, refs.TAG))


def test_an_object_is_read_to_a_bound(lake: Lake) -> None:
    lake.write_bytes("main", "a", b"12345")
    assert lake.read("main", "a", 5) == lake.read("main", "a") == b"12345"
    with pytest.raises(TooLargeError, match="a at main has more than 4 bytes"):
        lake.read("main", "a", 4)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[" * 100_000, "is nested too deeply"),
        (b"9" * 100_000, "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[]", "is no JSON object"),
        (b"", "is not JSON"),
    ],
)
def test_a_manifest_of_something_else_is_one_sentence(
    lake: Lake, content: bytes, said: str
) -> None:
    lake.write_bytes("main", refs.manifest("digits", 1), content)
    with pytest.raises((DataError, LakeError), match=said) as caught:
        manifest.read(lake, "main", "digits", 1)
    assert str(caught.value).isprintable()
    assert "digits/rounds/001.json" in str(caught.value)
