"""Croissant descriptions as another library writes and reads them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import pytest

from pipelines.common.errors import DataError
from pipelines.modalities.tables import Tables
from pipelines.modalities.texts import Texts
from pipelines.sources import registry
from pipelines.sources.read import read

CSV = "body,kind,stars\nGrüße aus Ulm,note,5\nnaïve café,review,4\n"
USAGE = "Not for the training of models that write mails to people."
TEXTS = Texts(("text",))


def described(root: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> str:
    """A description of `mails.csv`, as the library of MLCommons writes it."""
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "mails.csv").write_text(CSV, encoding="utf-8")
    file = mlc.FileObject(
        id="mails.csv",
        name="mails.csv",
        content_url="data/mails.csv",
        encoding_formats=["text/csv"],
        sha256=hashlib.sha256(CSV.encode()).hexdigest(),
    )
    fields = [
        mlc.Field(
            id=f"mails/{name}",
            name=name,
            data_types=kind,
            source=mlc.Source(file_object="mails.csv", extract=mlc.Extract(column=column)),
        )
        for name, kind, column in (
            ("text", mlc.DataType.TEXT, "body"),
            ("label", mlc.DataType.TEXT, "kind"),
            ("stars", mlc.DataType.INTEGER, "stars"),
        )
    ]
    metadata = mlc.Metadata(
        name="mails",
        url="https://example.org/mails",
        license=["https://creativecommons.org/licenses/by/4.0/"],
        distribution=[file],
        record_sets=[mlc.RecordSet(id="mails", name="mails", fields=fields)],
    )
    content = json.loads(json.dumps(metadata.to_json(), default=str))
    content["usageInfo"] = USAGE
    change(content)
    place = root / "croissant.json"
    place.write_text(json.dumps(content), encoding="utf-8")
    return str(place)


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")  # of rdflib
def test_a_description_gives_the_records_that_its_own_library_reads(tmp_path: Path) -> None:
    source = described(tmp_path)
    found = read(source, Tables(("text", "stars")))
    theirs = mlc.Dataset(jsonld=source).records(record_set="mails")
    names = {"text": "mails/text", "stars": "mails/stars", "label": "mails/label"}
    told = [
        {
            ours: value.decode() if isinstance(value := row[name], bytes) else value
            for ours, name in names.items()
        }
        for row in theirs
    ]
    assert found.frame.select(list(names)).to_dicts() == told
    assert found.name == "https://example.org/mails"
    assert found.licence == "https://creativecommons.org/licenses/by/4.0/"
    assert found.account.notes == (f"its description says about usageInfo: {USAGE}",)
    digest = hashlib.sha256(Path(source).read_bytes()).hexdigest()
    origin = {"sha256": digest, "url": "https://example.org/mails"}
    assert dict(found.account.conditions) == {
        "usageInfo": USAGE,
        "sourceDescription": json.dumps(origin),
    }
    assert registry.plugin(source) is None
    assert registry.versions(source) == {"source croissant": "croissant/1"}
    assert [path.name for path in registry.files(source, {})] == ["croissant.json", "mails.csv"]


def test_conditions_in_terms_of_odrl_are_kept_as_such(tmp_path: Path) -> None:
    def restrict(content: dict[str, Any]) -> None:
        content["@context"]["duo"] = "http://purl.obolibrary.org/obo/DUO_"
        content["@context"]["odrl"] = "http://www.w3.org/ns/odrl/2/"
        content["usageInfo"] = {
            "@type": "odrl:Offer",
            "odrl:permission": {"odrl:action": {"@id": "duo:0000042"}},
        }

    conditions = dict(read(described(tmp_path, restrict), TEXTS).account.conditions)
    assert json.loads(conditions["usagePolicy"]) == [
        {
            "@type": ["odrl:Offer"],
            "odrl:permission": [
                {"odrl:action": [{"@id": "http://purl.obolibrary.org/obo/DUO_0000042"}]}
            ],
        }
    ]
    assert "usageInfo" in conditions


def test_a_set_of_files_is_one_table(tmp_path: Path) -> None:
    def to_set(content: dict[str, Any]) -> None:
        item = {"@type": "cr:FileSet", "@id": "mails.csv", "includes": "data/*.csv"}
        content["distribution"] = [item]

    source = described(tmp_path, to_set)
    (tmp_path / "data" / "more.csv").write_text("body,kind,stars\nmore,note,1\n", encoding="utf-8")
    found = read(source, TEXTS)
    assert found.frame["text"].to_list() == ["Grüße aus Ulm", "naïve café", "more"]
    assert "gives no checksum of mails.csv" in found.account.notes[-1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found["distribution"][0].update(sha256="0" * 64), "fetch it again"),
        (lambda found: found["distribution"][0].update(contentUrl="../x.csv"), "names no file"),
        (lambda found: found["distribution"][0].update(contentUrl="gone.csv"), "is not there"),
        (lambda found: found["distribution"][0].update(containedIn={"@id": "zip"}), "unpack it"),
        (
            lambda found: found["recordSet"][0]["field"][0]["source"].update(
                transform={"regex": "x"}
            ),
            "field 'text' asks for transform, which is not read",
        ),
        (lambda found: found["recordSet"].append({"@id": "other"}), "behind '#': mails, other"),
    ],
)
def test_what_is_not_read_is_refused_by_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    source = described(tmp_path, change)
    with pytest.raises(DataError) as caught:
        read(source, TEXTS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_record_set_is_named_where_there_are_several(tmp_path: Path) -> None:
    source = described(tmp_path, lambda found: found["recordSet"].append({"@id": "other"}))
    assert read(f"{source}#mails", TEXTS).frame["label"].to_list() == ["note", "review"]
