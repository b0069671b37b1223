"""What a lake holds as Croissant, validated and read by `mlcroissant`."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlcroissant._src.core.context import Context, CroissantVersion
from mlcroissant._src.core.rdf import make_context

from lineage import training_mix
from lineage.export import croissant, use_policy
from lineage.export.values import File, Round
from tests.lineage.conftest import derived, real_rows
from tests.lineage.exports import (
    ORIGIN,
    a_round,
    decisions,
    described,
    loaded,
    records,
    stored,
)

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001482aa4780000000049454e44ae426082"
)
RAI = {
    *("dataCollection", "dataCollectionType", "dataCollectionMissingData"),
    *("dataCollectionRawData", "dataCollectionTimeframe", "dataPreprocessingProtocol"),
    *("dataImputationProtocol", "dataManipulationProtocol", "dataReleaseMaintenancePlan"),
    *("personalSensitiveInformation", "dataAnnotationProtocol", "dataAnnotationPlatform"),
    *("dataAnnotationAnalysis", "annotationsPerItem", "annotatorDemographics"),
    *("machineAnnotationTools", "dataSocialImpact", "dataBiases", "dataLimitations"),
    "dataUseCases",
}
"""All terms of http://mlcommons.org/croissant/RAI/1.0."""


def lake(dataset: str = "d", licence: str = "CC-BY-4.0") -> list[Round]:
    """Real data and a round that learned from it, both published."""
    real = real_rows(3, dataset).with_columns(pl.lit(licence).alias("licence"))
    mix = training_mix.build(real, dataset=dataset, commit="c", regime="accumulate").manifest
    about = {
        "generator": {"digest": "g" * 64, "kind": "walk/1"},
        "mix": mix.model_dump(mode="json"),
        "verdicts": {"suite": "f00d" * 16, "expectations": {"a": {}, "b": {}}},
        "counts": {"candidates": 4, "accepted": 3, "rejected": 1, "duplicate": 0},
    }
    counts = {"candidates": 5, "accepted": 3, "validation": 1, "test": 1}
    source = {"source": "a source", "licence": licence, "counts": counts}
    return [
        a_round(dataset, real, about=source, tag=f"{dataset}-v0"),
        a_round(dataset, derived(4, 1, mix, dataset), 0, about=about, tag=f"{dataset}-v1.2"),
    ]


def samples(lineage: pl.DataFrame) -> pl.DataFrame:
    image = pl.struct(pl.lit(PNG).alias("bytes"), pl.lit(None, pl.String).alias("path"))
    return lineage.select(
        "round", "row", "sample_id", image.alias("image"), pl.col("row").alias("label")
    )


def verdicts(lineage: pl.DataFrame) -> pl.DataFrame:
    return lineage.select(
        "round",
        pl.when(pl.col("row") > 0).then(pl.col("row")).alias("row"),
        pl.lit("like_a_digit").alias("expectation"),
        pl.lit("critical").alias("severity"),
        pl.lit("passed").alias("verdict"),
        pl.lit(0.5).alias("observed"),
        pl.lit('say "cheese"').alias("detail"),
    )


def files(target: Path, rounds: list[Round]) -> list[File]:
    """The tables of some rounds on disk."""
    found = []
    for each in rounds:
        lineage = each.lineage().collect()
        tables = {"samples": samples(lineage), "lineage": lineage}
        if each.number:
            tables |= {"verdicts": verdicts(lineage), "decisions": decisions(lineage, 0)}
        for name, frame in tables.items():
            path = f"{each.dataset}/{name}/round={each.number:03d}/part-00000.parquet"
            found.append(stored(target, path, frame))
    return found


def read_by(target: Path, rounds: list[Round]) -> Any:
    """The description of a lake, and what mlcroissant makes of it with the files at hand."""
    parts = files(target, rounds)
    content = described(rounds, parts)
    return content, loaded(content, {each.path: str(target / each.path) for each in parts})


def test_the_description_is_valid_without_a_word_of_doubt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        content, found = read_by(tmp_path, lake())
    assert not caplog.records
    assert found.metadata.ctx.conforms_to is CroissantVersion.V_1_1
    assert (found.metadata.name, found.metadata.version) == ("d", "1.2.0")
    assert found.metadata.license == ["https://spdx.org/licenses/CC-BY-4.0"]
    assert len(found.metadata.distribution) == len(content["distribution"]) == 6
    assert [each.uuid for each in found.metadata.record_sets] == [
        *("d/samples/round=000", "d/lineage/round=000"),
        *(f"d/{name}/round=001" for name in ("samples", "lineage", "verdicts", "decisions")),
    ]


def test_what_is_said_about_the_use_of_real_data_is_carried_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = lake()
    said = {"usageInfo": "Research only.", "dataLimitations": "Of one town.", "isLiveDataset": "x"}
    about = {**first.manifest, "ingest": {"conditions": said}}
    with caplog.at_level(logging.WARNING):
        content, _ = read_by(tmp_path, [replace(first, manifest=about), second])
    assert not caplog.records
    assert content["usageInfo"] == ["d: Research only."]
    assert len(content["rai:dataLimitations"]) == 2
    assert content["rai:dataLimitations"][1] == "d: Of one town."


OFFER = {
    "@type": ["CreativeWork", "odrl:Offer"],
    "name": "Health research",
    "odrl:permission": {
        "@type": "odrl:Permission",
        "odrl:action": {"@id": "duo:0000006", "name": "Biomedical use"},
        "odrl:constraint": [
            {
                "odrl:operator": {"@id": "odrl:eq"},
                "odrl:rightOperand": {"@id": "duo:0000018"},
            }
        ],
    },
}
DUO = "http://purl.obolibrary.org/obo/DUO_"


def test_conditions_of_use_stay_terms_of_odrl_and_duo(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = lake()
    term = {"@type": "DefinedTerm", "name": "General", "url": "x:42"}
    policies = use_policy.carried([OFFER, term, "text"], {"x": DUO})
    origin = {"url": "https://example.org/mails", "sha256": "a" * 64}
    said = {
        "usageInfo": "the same in words",
        use_policy.POLICY: json.dumps(policies),
        use_policy.DESCRIPTION: json.dumps(origin),
    }
    about = {**first.manifest, "ingest": {"conditions": said}}
    with caplog.at_level(logging.WARNING):
        content, _ = read_by(tmp_path, [replace(first, manifest=about), second])
    assert not caplog.records
    offer, general, words = content["usageInfo"]
    assert words["name"] == "text"
    assert offer["@type"] == ["sc:CreativeWork", "odrl:Offer"]
    assert offer["description"] == general["description"] == "d"
    (permission,) = offer["odrl:permission"]
    assert permission["odrl:action"] == [{"@id": f"{DUO}0000006", "name": "Biomedical use"}]
    (constraint,) = permission["odrl:constraint"]
    assert constraint["odrl:operator"] == [{"@id": "http://www.w3.org/ns/odrl/2/eq"}]
    assert constraint["odrl:rightOperand"] == [{"@id": f"{DUO}0000018"}]
    assert general["url"] == f"{DUO}42"
    (source,) = content["prov:wasDerivedFrom"]
    assert (source["url"], source["sha256"]) == ("https://example.org/mails", "a" * 64)


def test_what_does_not_fit_is_counted() -> None:
    many = {f"odrl:{chr(97 + n // 26)}{chr(97 + n % 26)}": "x" for n in range(53)}
    left_out: Counter[str] = Counter()
    (node,) = use_policy.carried([many], None, left_out)
    assert (len(node), left_out) == (50, {"properties": 3})
    deep: object = "end"
    for _ in range(use_policy.MAX_DEPTH + 1):
        deep = {"odrl:constraint": deep}
    left_out = Counter()
    use_policy.carried([deep, *["text"] * 51], None, left_out)
    assert left_out == {"values": 1 + 2}


@pytest.mark.parametrize(
    "hostile",
    [
        "text",
        None,
        7,
        {"@context": {"name": "https://x.invalid/"}, "@graph": [1], "@reverse": {"a": 1}},
        {"@id": "javascript:alert(1)", "url": "file:///etc/passwd"},
        {"odrl:a b": 1, "odrl:": 1, "evil:permission": {"@id": "https://x.invalid/"}},
        {"odrl:permission": [[], True, {}, "", {"odrl:action": {"@id": "no address"}}]},
    ],
)
def test_nothing_but_conditions_is_carried_over(hostile: object) -> None:
    assert use_policy.carried(hostile, {"evil": "no address"}) == []


def test_dates_and_words_beside_structures_are_no_less_binding(tmp_path: Path) -> None:
    until = {"odrl:rightOperand": {"@value": "2027-01-01", "@type": "xsd:date"}}
    offer = {"@type": "odrl:Offer", "description": "Not for sale.", "odrl:constraint": until}
    policies = use_policy.carried(["Research only.", offer])
    first, second = lake()
    about = {"ingest": {"conditions": {use_policy.POLICY: json.dumps(policies)}}}
    carried = [replace(first, manifest={**first.manifest, **about}), second]
    content, _ = read_by(tmp_path, carried)
    found, words = content["usageInfo"]
    assert found["odrl:constraint"] == [{"odrl:rightOperand": ["2027-01-01"]}]
    assert found["description"] == "d: Not for sale."
    assert (words["name"], words["description"]) == ("Research only.", "d")


def test_deep_and_long_conditions_are_cut() -> None:
    deep: Any = {"@id": "https://example.org/"}
    for _ in range(1000):
        deep = {"odrl:duty": deep}
    assert use_policy.carried(deep) == []
    shallow: Any = {"@id": "https://example.org/"}
    for _ in range(use_policy.MAX_DEPTH):
        shallow = {"odrl:duty": shallow}
    assert json.dumps(use_policy.carried(shallow)).count("odrl:duty") == use_policy.MAX_DEPTH
    (long,) = use_policy.carried({"name": "x" * 10_000})
    assert len(long["name"]) == use_policy.MAX_TEXT


def test_the_context_is_the_one_of_the_specification() -> None:
    standard = make_context(Context(conforms_to=CroissantVersion.V_1_1))
    prefixes = {"prov": "http://www.w3.org/ns/prov#", "odrl": "http://www.w3.org/ns/odrl/2/"}
    assert {**standard, **prefixes} == croissant.CONTEXT


def test_records_are_what_the_tables_hold(tmp_path: Path) -> None:
    rounds = lake()
    _, found = read_by(tmp_path, rounds)
    expected = rounds[1].lineage().collect()
    rows = records(found, "d/lineage/round=001")
    assert [row.keys() for row in rows] == [set(expected.columns)] * 4
    kept = expected.with_columns(pl.col("kind").cast(pl.String)).to_dicts()
    assert [row | {"seed": int(row["seed"])} for row in rows] == kept
    assert records(found, "d/verdicts/round=001") == verdicts(expected).to_dicts()
    decided = records(found, "d/decisions/round=001")
    assert [row["decision"] for row in decided] == ["rejected", *["accepted"] * 3]
    assert decided[0]["duplicate_of"] == {"dataset": None, "round": None, "row": None}
    images = records(found, "d/samples/round=000")
    assert [(row["label"], row["image"].size) for row in images] == [
        (0, (1, 1)),
        (1, (1, 1)),
        (2, (1, 1)),
    ]


def test_parents_are_nested_records(tmp_path: Path) -> None:
    rounds = lake()
    parents = [
        [
            {"dataset": "d", "round": 0, "row": 2, "relation": "seed", "weight": 0.5},
            {"dataset": "e", "round": 0, "row": 1, "relation": "edited", "weight": 0.25},
        ],
        *[[]] * 3,
    ]
    lineage = rounds[1].lineage().collect()
    lineage = lineage.with_columns(pl.Series("parents", parents, dtype=lineage.schema["parents"]))
    content, found = read_by(tmp_path, [rounds[0], replace(rounds[1], lineage=lineage.lazy)])
    assert [row["parents"] for row in records(found, "d/lineage/round=001")] == parents
    (record_set,) = (each for each in content["recordSet"] if each["@id"] == "d/lineage/round=001")
    fields = {each["name"]: each for each in record_set["field"]}
    assert fields["parents"]["equivalentProperty"] == "prov:wasDerivedFrom"
    assert fields["real_roots"]["dataType"] == "cr:Float32"
    assert record_set["key"] == [
        {"@id": "d/lineage/round=001/round"},
        {"@id": "d/lineage/round=001/row"},
    ]


def test_any_column_has_a_type_and_an_id(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "my column": [1],
            'a/"b"': ["é"],
            "deep": [{"a b": {"c": 1.5}, "l": [1, 2]}],
            "when": ["2026-01-02"],
            "matrix": [[[1, 2], [3, 4]]],
            "flag": [True],
            "nothing": [None],
        },
        schema_overrides={"my column": pl.UInt16, "matrix": pl.List(pl.List(pl.Int8))},
    ).with_columns(pl.col("when").str.to_date())
    part = stored(tmp_path, "d/samples/round=000/part-00001.parquet", frame)
    content = described(lake()[:1], [part])
    found = loaded(content, {part.path: str(tmp_path / part.path)})
    (record_set,) = found.metadata.record_sets
    assert record_set.uuid == "d/samples/round=000/part-00001"
    fields = {each["name"]: each for each in content["recordSet"][0]["field"]}
    assert fields["my column"]["@id"].endswith("/my%20column")
    assert [fields[name].get("dataType") for name in fields] == [
        *("cr:UInt16", "sc:Text", None, "sc:Date", "cr:Int8", "sc:Boolean", "sc:Text"),
    ]
    assert fields["matrix"]["arrayShape"] == "-1,-1"
    (row,) = records(found, record_set.uuid)
    assert (row["my%20column"], row["a%2F%22b%22"], row["flag"]) == (1, "é", True)
    assert (row["deep/a%20b"], row["deep"]) == ({"c": 1.5}, {"l": [1, 2]})
    assert row["matrix"] == [[1, 2], [3, 4]]


def test_provenance_names_sources_generators_mixes_and_suites(tmp_path: Path) -> None:
    rounds = lake()
    content, found = read_by(tmp_path, rounds)
    (source,) = content["prov:wasDerivedFrom"]
    assert source == {
        "@id": "urn:stemma:source:a%20source",
        "@type": "prov:Entity",
        "prov:label": "a source",
        "license": "CC-BY-4.0",
    }
    ingested, generated, verified = content["prov:wasGeneratedBy"]
    assert ingested["prov:used"] == {"@id": source["@id"]}
    assert generated["@id"] == f"lakefs://{ORIGIN.repository}/{ORIGIN.commit}#d/1/generation"
    assert generated["prov:wasAssociatedWith"]["@id"] == f"urn:stemma:generator:{'g' * 64}"
    assert generated["prov:used"]["@id"] == f"urn:stemma:mix:{rounds[1].value('mix', 'digest')}"
    assert verified["prov:wasAssociatedWith"]["prov:label"] == "verifier suite f00df00df00d"
    told = found.metadata.to_json()
    assert len(told["prov:wasGeneratedBy"]) == 3
    assert told["prov:wasDerivedFrom"]["prov:label"] == "a source"


def test_what_is_said_for_rai_keeps_to_its_vocabulary(tmp_path: Path) -> None:
    content, found = read_by(tmp_path, lake())
    terms = {name.removeprefix("rai:") for name in content if name.startswith("rai:")}
    assert terms <= RAI
    assert len(terms) == 8
    assert "3 samples are real, 3 were sampled" in found.metadata.data_collection
    assert content["rai:dataManipulationProtocol"] == (
        "d, round 1: walk/1, fitted on mix "
        f"{lake()[1].value('mix', 'digest')[:12]} (accumulate: 3 rows of round 0 of d, real share "
        "1.000), made 4 candidates: 3 accepted, 1 rejected, 0 duplicate."
    )
    (limit,) = content["rai:dataLimitations"]
    assert limit.startswith("d: 50.0% of the samples are generated, up to 1 generation away")


def test_an_opaque_model_is_named_and_its_share_is_told(tmp_path: Path) -> None:
    about = {"generator": {"digest": "g"}, "environment": {"model": "m", "licence": "MIT"}}
    opaque = a_round("d", derived(2, 1, None), about=about)
    content, _ = read_by(tmp_path, [lake()[0], opaque])
    assert content["prov:wasGeneratedBy"][1]["prov:used"] == {
        "@id": "urn:stemma:model:g",
        "@type": "prov:Entity",
        "prov:label": "m, a model of unknown training data",
        "license": "MIT",
    }
    assert "of unknown training data, licence MIT, made" in content["rai:dataManipulationProtocol"]
    assert content["rai:dataLimitations"][1] == (
        "d: 40.0% of the ancestry ends at models of unknown training data."
    )


def test_a_simulator_is_no_model_and_is_fitted_on_nothing(tmp_path: Path) -> None:
    mix = lake()[1].mapping("mix")
    about = {
        "generator": {"digest": "g", "kind": "simulate/1"},
        "environment": {"model": "two dice", "licence": "MIT"},
        "mix": mix,
    }
    made = a_round("d", derived(2, 1, None), about=about)
    content, _ = read_by(tmp_path, [lake()[0], made])
    used = content["prov:wasGeneratedBy"][1]["prov:used"]
    assert used["prov:label"] == "two dice, code that learnt from no data"
    told = content["rai:dataManipulationProtocol"]
    assert "simulate/1, code that learnt from no data, licence MIT, made" in told
    assert "sampled from generative models or made by code" in content["rai:dataCollection"]
    assert content["rai:dataLimitations"][1].endswith(
        "models of unknown training data or at code that learnt from no data."
    )
    # A language model, too, is shown samples of a mix and is not fitted on it.
    about = {**about, "generator": {"digest": "g", "kind": "text/1"}}
    content, _ = read_by(tmp_path, [lake()[0], a_round("d", derived(2, 1, None), about=about)])
    assert (
        "text/1, of unknown training data, licence MIT" in content["rai:dataManipulationProtocol"]
    )


def test_two_data_sets_are_one_description(tmp_path: Path) -> None:
    rounds = [*lake(), *lake("e", "my own terms")]
    content, found = read_by(tmp_path, rounds)
    assert (content["name"], content["version"]) == (ORIGIN.repository, "0.0.0+c0ffee000000")
    assert content["license"] == [
        "https://spdx.org/licenses/CC-BY-4.0",
        {"@type": "sc:CreativeWork", "name": "my own terms"},
    ]
    assert len(found.metadata.record_sets) == 12


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("d-v3", "3.0.0"),
        ("d-v3.1", "3.1.0"),
        (None, "0.0.0+c0ffee000000"),
        ("odd", "0.0.0+c0ffee000000"),
    ],
)
def test_the_version_is_the_tag_of_what_is_described(tag: str | None, expected: str) -> None:
    found = [replace(lake()[0], tag=tag, number=3)]
    assert croissant.version(found, ORIGIN.commit) == expected


def test_a_licence_has_an_address_where_it_is_known_to_have_one() -> None:
    assert croissant.licence("MIT") == "https://spdx.org/licenses/MIT"
    assert croissant.licence("https://example.org/l") == "https://example.org/l"
    assert croissant.licence("MIT-ish") == {"@type": "sc:CreativeWork", "name": "MIT-ish"}


def test_a_file_is_where_the_lake_is(tmp_path: Path) -> None:
    rounds = lake()
    (first, *_) = described(rounds, files(tmp_path, rounds))["distribution"]
    path = "d/samples/round=000/part-00000.parquet"
    assert first["contentUrl"] == f"lakefs://{ORIGIN.repository}/{ORIGIN.commit}/{path}"
    assert first["contentSize"] == f"{(tmp_path / path).stat().st_size} B"
    served = replace(ORIGIN, server="https://lake.example.org")
    assert served.url(path) == (
        f"https://lake.example.org/api/v1/repositories/{ORIGIN.repository}/refs/{ORIGIN.commit}"
        "/objects?path=d/samples/round%3D000/part-00000.parquet"
    )


def test_hostile_words_stay_what_they_are(tmp_path: Path) -> None:
    words = 'a "name"\\ with\nlines, é😀 </script> {@id}'
    rounds = lake(licence=words)
    about = {**rounds[0].manifest, "source": words}
    content, found = read_by(tmp_path, [replace(rounds[0], manifest=about), rounds[1]])
    assert json.loads(json.dumps(content)) == content
    assert content["prov:wasDerivedFrom"][0]["prov:label"] == words
    assert re.fullmatch(r"urn:stemma:source:[\w.~%-]+", content["prov:wasDerivedFrom"][0]["@id"])
    (terms,) = found.metadata.license
    assert terms.name == words
