"""`stemma lineage export` of a project at work: both forms, as other libraries read them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import mlcroissant
import polars as pl
import pytest
from mlcroissant._src.operation_graph.operations import download
from prov.model import ProvDocument, ProvEntity, ProvGeneration, ProvMembership

from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.rounds import history, tables
from review.commands import lineage_export
from review.errors import ReviewError, UsageError
from tests.flow.projects import Project


def export(
    ref: str = "main",
    form: str = "prov",
    dataset: str | None = None,
    output: Path | None = None,
    *,
    as_json: bool = False,
) -> None:
    lineage_export.run(ref=ref, form=form, dataset=dataset, output=output, as_json=as_json)


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON object on standard output."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_prov_names_every_candidate_and_what_was_accepted(unchanged: Project) -> None:
    lake = unchanged.lake()
    done = unchanged.stemma("lineage", "export", "main", "--format", "prov", "--json")
    assert (done.code, done.err) == (0, ""), done.said
    document = ProvDocument.deserialize(content=done.out, format="json")
    space = next(each for each in document.namespaces if each.prefix == "lake")
    assert space.uri == f"lakefs://{lake.repository}/{lake.head('main')}#"
    entities = {str(each.identifier): each for each in document.get_records(ProvEntity)}
    lineage = tables.read(lake, "main", "tiny", "lineage").collect()
    assert _places(lineage) <= entities.keys()
    assert {f"mix:{each}" for each in lineage["trained_on"].drop_nulls()} <= entities.keys()
    assert len(list(document.get_records(ProvGeneration))) == len(lineage) + 3
    members = [each.args for each in document.get_records(ProvMembership)]
    samples = tables.read(lake, "main", "tiny", "samples").collect()
    kept = [str(member) for whole, member in members if whole.localpart.endswith("/accepted")]
    assert sorted(kept) == sorted(_places(samples))
    facts = {str(name): value for name, value in entities["lake:tiny/2/accepted"].extra_attributes}
    assert (facts["stemma:tag"], facts["stemma:guard"]) == ("tiny-v2", "pass")
    assert facts["stemma:commit"] == history.published(lake, "tiny")[2].commit


def _places(rows: pl.DataFrame) -> set[str]:
    return {f"lake:tiny/{at}/{row}" for at, row in rows.select("round", "row").rows()}


def test_croissant_is_read_from_a_lake_by_its_address(
    unchanged: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """mlcroissant fetches the files over lakeFS's API, checks them, and opens the images."""
    lake = unchanged.lake()
    _by_address(unchanged, monkeypatch, tmp_path / "cache")
    output = tmp_path / "tiny.json"
    export("tiny-v2", "croissant", "tiny", output)
    content = json.loads(output.read_text(encoding="utf-8"))
    assert content["version"] == "2.0.0"
    assert content["license"] == ["https://spdx.org/licenses/CC0-1.0"]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "ConjunctiveGraph is deprecated")  # of rdflib, by rdflib
        warnings.filterwarnings("ignore", "The inplace keyword")  # of pandas, by mlcroissant
        found = mlcroissant.Dataset(str(output))
        assert not found.metadata.ctx.issues.errors
        assert not found.metadata.ctx.issues.warnings
        _compare(lake, found, "samples", 2)
        _compare(lake, found, "lineage", 0)


def _by_address(project: Project, patch: pytest.MonkeyPatch, cache: Path) -> None:
    """Know the lake by address and keys alone, as somebody on another machine does."""
    home = project.root / ".lake"
    keys = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    url = json.loads((home / "endpoint.json").read_text(encoding="utf-8"))["url"]
    patch.setenv("LAKECTL_SERVER_ENDPOINT_URL", url)
    for ours, theirs, name in (
        ("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "USERNAME", "access_key_id"),
        ("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "PASSWORD", "secret_access_key"),
    ):
        patch.setenv(ours, keys[name])
        patch.setenv(f"CROISSANT_BASIC_AUTH_{theirs}", keys[name])
    folder = type(download.constants.DOWNLOAD_PATH)(cache)
    patch.setattr(download.constants, "DOWNLOAD_PATH", folder)


def _compare(lake: Lake, found: mlcroissant.Dataset, table: str, at: int) -> None:
    name = f"tiny/{table}/round={at:03d}"
    rows = list(found.records(name))
    expected = tables.read_round(lake, "main", "tiny", table, at)
    assert [row[f"{name}/row"] for row in rows] == expected["row"].to_list()
    assert [row[f"{name}/sample_id"] for row in rows] == expected["sample_id"].to_list()
    if table == "samples":
        assert {row[f"{name}/image"].size for row in rows} == {(8, 8)}


def test_a_file_is_written_and_summed_up(
    unchanged: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unchanged.lake()
    output = tmp_path / "lineage.json"
    export("tiny-v1", output=output, as_json=True)
    found = printed(capsys)
    assert found["bytes"] == output.stat().st_size
    assert (found["file"], found["format"]) == (str(output), "prov")
    document = ProvDocument.deserialize(output, format="json")
    counted = found["entities"] + found["activities"] + found["agents"] + found["relations"]
    assert counted == len(document.records)
    export(form="croissant", output=output)
    said = capsys.readouterr().out
    assert said.startswith(f"wrote {output}: 13 files, 10 record sets, ")
    content = json.loads(output.read_text(encoding="utf-8"))
    assert content["distribution"][0]["contentUrl"].startswith("lakefs://stemma/")


def test_what_cannot_be_exported_is_said_in_a_sentence(unchanged: Project, tmp_path: Path) -> None:
    lake = unchanged.lake()
    with pytest.raises(NotFoundError, match="nowhere"):
        export("nowhere")
    with pytest.raises(UsageError, match="there is no data set 'digits'; known: tiny"):
        export(dataset="digits")
    with pytest.raises(ReviewError, match=r"absent/x cannot be written: No such file or directory"):
        export(output=tmp_path / "absent" / "x")
    lake.set_branch("empty", str(lake.head("main")))
    lake.delete("empty", [item.path for item in lake.objects("empty")])
    lake.commit("empty", "Remove everything", {})
    with pytest.raises(NotFoundError, match="empty holds no lineage; name another ref"):
        export("empty")
    with pytest.raises(NotFoundError, match="empty holds no lineage of tiny; name another ref"):
        export("empty", dataset="tiny")
    done = unchanged.stemma("lineage", "export", "nowhere", "--format", "croissant")
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)


def test_a_parent_in_another_data_set_is_told_with_it_or_by_name(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A data set whose round was made from rows of `tiny`, put into the lake by hand."""
    lake = copied.lake()
    lineage = tables.read_round(lake, "main", "tiny", "lineage", 1).head(2)
    parent = {"dataset": "tiny", "round": 1, "row": 1, "relation": "seed", "weight": 1.0}
    parents = pl.Series("parents", [[parent], []], dtype=lineage.schema["parents"])
    lake.set_branch("more", str(lake.head("main")))
    path = "words/lineage/round=001/part-00000.parquet"
    lake.write("more", path, lineage.with_columns(parents))
    lake.commit("more", "Add another data set", {})
    export("more")
    whole = printed(capsys)
    export("more", dataset="words")
    alone = printed(capsys)
    assert "stemma:sample_id" in whole["entity"]["lake:tiny/1/1"]
    assert "stemma:sample_id" not in alone["entity"]["lake:tiny/1/1"]
    samples = [name for name in alone["entity"] if name.startswith("lake:words/")]
    assert samples == ["lake:words/1/0", "lake:words/1/1"]
    export("more", "croissant", "words")
    described = printed(capsys)
    assert [each["@id"] for each in described["distribution"]] == [path]
    assert described["license"] == [{"@type": "sc:CreativeWork", "name": "not stated"}]
