"""The models that were asked, in both forms of an export, as other libraries read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import prov.tests
import pytest
from prov.model import ProvActivity, ProvAgent, ProvAssociation, ProvEntity, ProvInfluence

from lineage.errors import SchemaError
from lineage.export import asked, prov_rows
from lineage.export.values import Round
from tests.lineage.conftest import derived, real_rows
from tests.lineage.exports import (
    a_round,
    described,
    giving,
    loaded,
    of,
    read_back,
    said,
    stored,
    typed,
    written,
)

SCHEMA = Path(prov.tests.__file__).parent / "schemas" / "prov-json.schema.json"
HOSTILE = 'a "model"\\ of\x1b[31m é😀\nlines'
SERVICES = [{"model": "small", "licence": "MIT"}, {"model": HOSTILE}]
ABOUT: dict[str, Any] = {
    "generator": {"digest": "g", "kind": "text/1"},
    "environment": {"model": "small, large", "services": SERVICES},
}
REQUESTS = [
    (0, 0, "small", "small-2024", "chat", None, "t1", 11),
    (0, 1, HOSTILE, HOSTILE, "chat", None, "t2", 12),
    (1, 0, "small", "small-2025", "chat", None, "t1", 13),
    (1, 1, "small", None, "completions", "gguf", None, None),
    (None, 0, "never", None, "chat", None, "t1", 14),
]


def exchanges() -> pl.DataFrame:
    return pl.DataFrame(REQUESTS, schema=asked.REQUESTS, orient="row").with_columns(
        pl.lit("a prompt").alias("prompt")
    )


def made(frame: pl.DataFrame | None = None, about: dict[str, Any] | None = None) -> Round:
    round_ = a_round("d", derived(2, 1, None), about=ABOUT if about is None else about)
    return Round(
        round_.dataset,
        round_.number,
        round_.lineage,
        round_.decisions,
        round_.manifest,
        exchanges=giving(exchanges() if frame is None else frame),
    )


@pytest.mark.parametrize("batch", [1, 1 << 13])
def test_each_request_of_a_row_names_model_served_name_template_and_seed(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prov_rows, "BATCH", batch)
    text = written([a_round("d", real_rows(3)), made()])
    rules = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(rules)(rules).validate(json.loads(text))
    document = read_back(text)
    requests = typed(of(document, ProvActivity), "stemma:Request")
    names = ("step", "model", "served", "endpoint", "weights", "template", "seed")
    assert {
        str(each.identifier): tuple(said(each, name) for name in names) for each in requests
    } == {  # xsd:long is read as a text
        f"lake:d/1/request/{row}/{step}": (step, *more, None if seed is None else str(seed))
        for row, step, *more, seed in REQUESTS
        if row is not None
    }
    asking = {
        tuple(map(str, each.args[:3]))
        for each in of(document, ProvAssociation)
        if "/request/" in str(each.args[0])
    }
    hostile = asked.named(HOSTILE, "chat", None)
    assert asking == {
        ("lake:d/1/request/0/0", "agent:small/chat", "template:t1"),
        ("lake:d/1/request/0/1", hostile, "template:t2"),
        ("lake:d/1/request/1/0", "agent:small/chat", "template:t1"),
        ("lake:d/1/request/1/1", "agent:small/completions/gguf", "None"),
    }
    assert {tuple(map(str, each.args)) for each in of(document, ProvInfluence)} == {
        (f"lake:d/1/{row}", f"lake:d/1/request/{row}/{step}") for row in (0, 1) for step in (0, 1)
    }
    plans = typed(of(document, ProvEntity), "prov:Plan")
    assert {str(each.identifier) for each in plans} == {"template:t1", "template:t2"}


def test_two_requests_of_a_step_are_two_activities() -> None:
    twice = pl.concat([exchanges().with_columns(step=pl.lit(None, pl.Int32))] * 2)
    document = read_back(written([a_round("d", real_rows(3)), made(twice)]))
    requests = typed(of(document, ProvActivity), "stemma:Request")
    ends = ("0", "0/1", "0/2", "0/3")
    named = {f"lake:d/1/request/{row}/{end}" for row in (0, 1) for end in ends}
    assert {str(each.identifier) for each in requests} == named
    assert {str(each.args[1]) for each in of(document, ProvInfluence)} == named


def test_a_generation_is_associated_with_the_models_of_its_rows() -> None:
    document = read_back(written([a_round("d", real_rows(3)), made()]))
    of_generation = {
        str(each.args[1])
        for each in of(document, ProvAssociation)
        if str(each.args[0]) == "lake:d/1/generation/0"
    }
    agents = {
        "agent:small/chat",
        "agent:small/completions/gguf",
        asked.named(HOSTILE, "chat", None),
    }
    assert of_generation == {"generator:g", *agents}
    found = {str(each.identifier): each for each in of(document, ProvAgent)}
    small = found["agent:small/chat"]
    assert said(small, "licence") == "MIT"
    served = {str(value) for name, value in small.extra_attributes if name.localpart == "served"}
    assert served == {"small-2024", "small-2025"}
    assert said(found[asked.named(HOSTILE, "chat", None)], "model") == HOSTILE


def test_a_round_without_requests_has_the_models_of_its_manifest() -> None:
    environment = {"model": "painter", "weights": "f00d", "licence": "MIT", "served": []}
    about = {**ABOUT, "environment": environment}
    document = read_back(written([a_round("d", derived(2, 1, None), about=about)]))
    agents = {str(each.identifier): each for each in of(document, ProvAgent)}
    assert agents.keys() == {"generator:g", "agent:painter/f00d"}
    assert said(agents["agent:painter/f00d"], "weights") == "f00d"


def test_a_damaged_table_of_requests_is_an_error_of_one_sentence() -> None:
    with pytest.raises(SchemaError, match="column 'served'"):
        written([made(exchanges().drop("served"))])
    with pytest.raises(SchemaError, match="requests of d/1"):
        written([made(exchanges().with_columns(pl.lit("x").alias("step")))])


def test_croissant_names_models_and_describes_the_table_of_requests(tmp_path: Path) -> None:
    real = a_round("d", real_rows(3), about={"source": "a source"})
    path = "d/exchanges/round=001/part-00000.parquet"
    part = stored(tmp_path, path, exchanges())
    content = described([real, made()], [part])
    found = loaded(content, {path: str(tmp_path / path)})
    generation = content["prov:wasGeneratedBy"][1]
    agents = {each["@id"]: each for each in generation["prov:wasAssociatedWith"]}
    small = agents["urn:stemma:agent:small/chat"]
    assert (small["@type"], small["license"]) == ("prov:SoftwareAgent", "MIT")
    properties = [(each["name"], each["value"]) for each in small["additionalProperty"]]
    assert properties == [
        ("model", "small"),
        ("endpoint", "chat"),
        ("served", "small-2024"),
        ("served", "small-2025"),
    ]
    assert "; asked of model" in content["rai:dataManipulationProtocol"]
    assert (
        "model small (served as small-2024, small-2025), chat"
        in (content["rai:dataManipulationProtocol"])
    )
    (table,) = content["recordSet"]
    fields = {each["name"]: each for each in table["field"]}
    assert fields["model"]["equivalentProperty"] == "prov:wasAssociatedWith"
    assert fields["served"]["description"] == "Name under which it answered."
    assert len(found.metadata.record_sets) == 1
