"""Lineage as W3C PROV, read back by the library `prov` and compared with the frames."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import prov.tests
import pytest
from prov.model import (
    ProvActivity,
    ProvAgent,
    ProvAssociation,
    ProvCommunication,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvMembership,
    ProvUsage,
)

from lineage import record, schema, training_mix
from lineage.export import prov as exporting
from lineage.export import prov_rows
from lineage.export.values import Round
from lineage.training_mix import MixManifest
from tests.examples import few_and_many, holds
from tests.lineage.conftest import derived, real_rows
from tests.lineage.exports import (
    ORIGIN,
    Place,
    a_round,
    occurrence,
    of,
    read_back,
    said,
    typed,
    written,
)
from tests.lineage.worlds import World, worlds

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Path(prov.tests.__file__).parent / "schemas" / "prov-json.schema.json"
HOSTILE = 'a "name"\\ with\t\x1b, é😀 </script> and\nlines'
PARENTS = pl.DataFrame(
    [
        (0, "d", 0, 1, "seed", 0.25),
        (0, "d", 0, 1, "edited", 0.25),
        (2, "captions", 4, 7, "seed", 0.5),
    ],
    schema={
        "row": pl.Int64,
        "dataset": pl.String,
        "round": pl.Int32,
        "parent_row": pl.Int64,
        "relation": pl.Enum(schema.RELATIONS),
        "weight": pl.Float32,
    },
    orient="row",
)


def mix_of(*lineage: pl.DataFrame) -> MixManifest:
    rows = pl.concat(lineage)
    return training_mix.build(rows, dataset="d", commit="c", regime="accumulate").manifest


def small() -> list[Round]:
    """Real data, a fitted round with parents in and out of what is exported, an opaque round."""
    real = real_rows(3)
    mix = mix_of(real)
    first = derived(3, 1, mix).with_columns(_parents())
    opaque = derived(2, 2, None)
    about = {
        "generator": {"digest": "g", "kind": "walk/1", "steps": 7, "seed": 1 << 40, "deep": {}},
        "mix": mix.model_dump(mode="json"),
        "verdicts": {"suite": "f00d", "expectations": {"a": {}, "b": {}}},
        "counts": {"candidates": 3, "accepted": 2},
        "guard": {"verdict": "warn"},
    }
    return [
        a_round("d", real, about={"source": HOSTILE, "licence": "CC0-1.0"}, tag="d-v0"),
        a_round("d", first, 1, about=about, tag="d-v1"),
        a_round("d", opaque, about={"environment": {"licence": "MIT"}}, decided=False),
    ]


def _parents() -> pl.Series:
    places = pl.struct("dataset", "round", pl.col("parent_row").alias("row"), "relation", "weight")
    found = PARENTS.group_by("row").agg(places.alias("parents"))
    rows = pl.DataFrame({"row": [0, 1, 2]}, schema={"row": pl.Int64})
    joined = rows.join(found, on="row", how="left", maintain_order="left")["parents"]
    return joined.cast(schema.PARENTS).fill_null(pl.Series([[]], dtype=schema.PARENTS))


def generations(document: ProvDocument) -> dict[Place, str]:
    """The activity that each sample was made by."""
    pairs = [(each.args[0].localpart, str(each.args[1])) for each in of(document, ProvGeneration)]
    return {occurrence(name): made for name, made in pairs if not name.endswith("/accepted")}


def derivations(document: ProvDocument) -> list[tuple[Place, Place, str, float, str]]:
    """Explicit parents: child, parent, relation, weight, type."""
    return sorted(
        (
            occurrence(each.args[0].localpart),
            occurrence(each.args[1].localpart),
            said(each, "relation"),
            np.float32(said(each, "weight")).item(),
            *map(str, each.get_asserted_types()),
        )
        for each in of(document, ProvDerivation)
        if said(each, "relation") is not None
    )


def expected_derivations(
    rows: dict[Place, dict[str, Any]],
) -> list[tuple[Place, Place, str, float, str]]:
    types = {"edited": "prov:Revision", "seed": "stemma:Seed"}
    return sorted(
        (
            at,
            (parent["dataset"], parent["round"], parent["row"]),
            parent["relation"],
            parent["weight"],
            types[parent["relation"]],
        )
        for at, row in rows.items()
        for parent in row["parents"]
    )


def members(document: ProvDocument) -> list[Place]:
    """The members of what the rounds accepted."""
    pairs = [each.args for each in of(document, ProvMembership)]
    return sorted(
        occurrence(member.localpart)
        for collection, member in pairs
        if collection.localpart.endswith("/accepted")
    )


@few_and_many(4, 30)
def test_what_prov_reads_is_what_the_frames_hold(examples: int) -> None:
    holds(examples, check_prov, worlds())


def check_prov(world: tuple[World, dict[str, pl.DataFrame]]) -> None:
    """Any family tree; row 0 of every generated round is refused."""
    rows: dict[Place, dict[str, Any]] = {
        (name, row["round"], row["row"]): row
        for name, lineage in world[1].items()
        for row in lineage.to_dicts()
    }
    rounds = [
        a_round(name, lineage, 0)
        for name, whole in world[1].items()
        for lineage in whole.partition_by("round", maintain_order=True)
    ]
    document = read_back(written(rounds))
    samples = {
        occurrence(each.identifier.localpart): each
        for each in typed(of(document, ProvEntity), "stemma:Sample")
    }
    assert samples.keys() == rows.keys()
    for at, row in rows.items():
        sample = samples[at]
        accepted = at[1] == 0 or at[2] != 0
        assert said(sample, "sample_id") == row["sample_id"].hex()
        assert said(sample, "kind") == row["kind"]
        assert said(sample, "decision") == ("accepted" if accepted else "rejected")
        for name in ("real_inputs", "real_roots", "depth_mean"):
            value = said(sample, name)
            assert (value if value is None else np.float32(value).item()) == row[name]
        for name in ("depth_min", "depth_max", "source", "licence"):
            assert said(sample, name) == row[name]
    assert derivations(document) == expected_derivations(rows)
    assert members(document) == sorted(at for at in rows if at[1] == 0 or at[2] != 0)
    assert generations(document) == {
        at: f"lake:{at[0]}/{at[1]}/{'ingestion' if at[1] == 0 else 'generation/0'}" for at in rows
    }


def test_a_document_keeps_to_the_schema_and_survives_other_forms() -> None:
    text = written(small())
    rules = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(rules)(rules).validate(json.loads(text))
    document = read_back(text)
    assert read_back(document.serialize(format="json")) == document
    assert ProvDocument.deserialize(content=document.get_provn(), format="provn") == document
    assert len(document.unified().records) == len(document.records)


def test_a_round_hangs_together() -> None:
    document = read_back(written(small()))
    activities = {str(each.identifier): each for each in of(document, ProvActivity)}
    assert sorted(activities) == [
        "lake:d/0/ingestion",
        "lake:d/1/generation/0",
        "lake:d/1/verification",
        "lake:d/2/generation/0",
    ]
    made = activities["lake:d/1/generation/0"]
    facts = {
        name: said(made, name) for name in ("shard", "seed", "generator", "attribution", "rows")
    }
    assert facts == {"shard": 0, "seed": 7, "generator": "g", "attribution": "mix/1", "rows": 3}
    agents = {str(each.identifier): each for each in of(document, ProvAgent)}
    assert agents.keys() == {"generator:g", "suite:f00d"}
    told = agents["generator:g"]
    assert (said(told, "kind"), said(told, "steps"), said(told, "seed")) == ("walk/1", 7, 1 << 40)
    assert said(told, "deep") is None
    assert said(agents["suite:f00d"], "expectations") == 2
    assert {tuple(map(str, each.args[:2])) for each in of(document, ProvAssociation)} == {
        ("lake:d/1/generation/0", "generator:g"),
        ("lake:d/2/generation/0", "generator:g"),
        ("lake:d/1/verification", "suite:f00d"),
    }
    assert [tuple(map(str, each.args)) for each in of(document, ProvCommunication)] == [
        ("lake:d/1/verification", "lake:d/1/generation/0")
    ]
    accepted = next(
        each for each in of(document, ProvEntity) if str(each.identifier) == "lake:d/1/accepted"
    )
    names = ("round", "commit", "tag", "guard", "candidates", "accepted")
    assert [said(accepted, name) for name in names] == [1, "d1", "d-v1", "warn", 3, 2]
    assert not any(
        each.args[0].localpart == "d/2/accepted" for each in of(document, ProvMembership)
    )


def test_a_mix_is_one_edge_and_never_a_row_by_row_one() -> None:
    rounds = small()
    mix = rounds[1].value("mix")
    document = read_back(written(rounds))
    source = "source:" + "a%20%22name%22%5C%20with%09%1B%2C%20%C3%A9%F0%9F%98%80%20%3C%2Fscript%3E"
    source += "%20and%0Alines"
    assert {tuple(map(str, each.args[:2])) for each in of(document, ProvUsage)} == {
        ("lake:d/0/ingestion", source),
        ("lake:d/1/generation/0", f"mix:{mix['digest']}"),
        ("lake:d/2/generation/0", "model:g"),
    }
    entities = {str(each.identifier): each for each in of(document, ProvEntity)}
    assert str(next(iter(entities["model:g"].get_asserted_types()))) == "stemma:OpaqueModel"
    assert said(entities["model:g"], "licence") == "MIT"
    assert entities[source].label == HOSTILE
    whole, part = entities[f"mix:{mix['digest']}"], entities[f"mix:{mix['digest']}/0"]
    assert (said(whole, "regime"), said(whole, "rows")) == ("accumulate", 3)
    assert said(whole, "real_share") == 1.0
    assert (said(part, "rows"), said(part, "weight")) == (3, 3.0)
    found = [tuple(map(str, each.args)) for each in of(document, ProvMembership)]
    assert [pair for pair in found if pair[0].startswith("mix:")] == [
        (f"mix:{mix['digest']}", f"mix:{mix['digest']}/0")
    ]
    round_level = {
        tuple(map(str, each.args[:2])): set(map(str, each.get_asserted_types()))
        for each in of(document, ProvDerivation)
        if said(each, "relation") is None
    }
    assert round_level == {
        ("lake:d/0/accepted", source): {"prov:PrimarySource"},
        (f"mix:{mix['digest']}/0", "lake:d/0/accepted"): set(),
    }


def test_a_parent_that_is_not_exported_is_an_entity_of_which_only_the_name_is_known() -> None:
    document = read_back(written(small()))
    entities = {str(each.identifier): each for each in of(document, ProvEntity)}
    outside = entities["lake:captions/4/7"]
    assert [str(each) for each in outside.get_asserted_types()] == ["stemma:Sample"]
    assert said(outside, "sample_id") is None
    assert said(entities["lake:d/0/1"], "sample_id") is not None
    alone = read_back(written(small()[1:2]))
    names = {str(each.identifier) for each in of(alone, ProvEntity)}
    assert {"lake:d/0/1", "lake:d/0/accepted", "lake:captions/4/7"} <= names


def test_hostile_names_and_strings_stay_what_they_are() -> None:
    rows = real_rows(2, "x").with_columns(
        pl.lit(HOSTILE).alias("source"), pl.lit("\\").alias("licence")
    )
    made = derived(1, 1, None, "x").with_columns(
        pl.lit(HOSTILE).alias("generator"),
        pl.lit('"').alias("attribution"),
        pl.lit("mix of\n'mine'").alias("trained_on"),
        pl.Series(
            "parents",
            [[{"dataset": HOSTILE, "round": 9, "row": 1, "relation": "seed", "weight": 1.0}]],
            dtype=schema.PARENTS,
        ),
    )
    document = read_back(written([a_round("x", rows), a_round("x", made)]))
    samples = typed(of(document, ProvEntity), "stemma:Sample")
    assert [said(each, "source") for each in samples[:2]] == [HOSTILE, HOSTILE]
    assert [said(each, "licence") for each in samples[:2]] == ["\\", "\\"]
    assert len(samples) == 4
    (agent,) = of(document, ProvAgent)
    assert said(agent, "digest") == HOSTILE
    assert read_back(document.serialize(format="json")) == document


def test_rows_in_any_order_with_gaps_and_in_small_batches_give_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds = small()
    monkeypatch.setattr(prov_rows, "BATCH", 1)
    monkeypatch.setattr(prov_rows, "WINDOW", 2)
    assert read_back(written(rounds)) == read_back(written([_mixed_up(each) for each in rounds]))
    in_small = written(rounds)
    monkeypatch.undo()
    assert in_small == written(rounds)


def _mixed_up(each: Round) -> Round:
    lineage = each.lineage().collect()
    shuffled = lineage.sample(fraction=1.0, shuffle=True, seed=1)
    about = each.manifest
    return Round(
        each.dataset, each.number, shuffled.lazy, each.decisions, about, each.commit, each.tag
    )


def test_a_shard_of_many_seeds_tells_each_with_its_sample() -> None:
    lineage = derived(4, 1, None).with_columns(
        pl.Series("seed", [5, 5, 6, 7], dtype=pl.Int64),
        pl.Series("shard", [0, 0, None, None], dtype=pl.Int32),
    )
    document = read_back(written([a_round("d", lineage)]))
    seeds = {str(each.identifier): said(each, "seed") for each in of(document, ProvActivity)}
    assert seeds == {
        "lake:d/1/generation/0": 5,
        "lake:d/1/generation/1": None,
        "lake:d/1/verification": None,
    }
    made = {each.args[0].localpart: each for each in of(document, ProvGeneration)}
    assert [said(made[f"d/1/{row}"], "seed") for row in range(4)] == [None, None, "6", "7"]
    assert [str(made[f"d/1/{row}"].args[1]) for row in range(4)] == [
        *["lake:d/1/generation/0"] * 2,
        *["lake:d/1/generation/1"] * 2,
    ]


def test_the_summary_counts_what_was_written() -> None:
    document = exporting.Document(ORIGIN, small())
    found = read_back("".join(document.chunks()))
    elements = {
        name: len(of(found, kind))
        for name, kind in (
            ("entities", ProvEntity),
            ("activities", ProvActivity),
            ("agents", ProvAgent),
        )
    }
    relations = len(found.records) - sum(elements.values())
    assert document.summary() == {**elements, "relations": relations}


def test_the_work_is_told_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prov_rows, "BATCH", 1)
    seen: dict[str, int] = {}

    def track(items: Any, name: str, /) -> Any:
        for seen[name], item in enumerate(items, start=1):
            yield item

    assert list(exporting.Document(ORIGIN, small()).chunks(track))
    rows, outside, decided, without_rows = 8, 1, 6, 9
    assert seen == {"survey": 3, "export": 3 * rows + decided + outside + without_rows}


PEAK = r"""
import re, sys
from functools import partial
from pathlib import Path

import polars as pl

from lineage.export.prov import Document
from lineage.export.values import Origin, Round

place = Path(sys.argv[1])
rounds = [
    Round(
        "big",
        number,
        partial(pl.scan_parquet, place / f"{number}.parquet"),
        partial(pl.scan_parquet, place / "decisions.parquet") if number else None,
        {},
    )
    for number in range(2)
]
size = sum(len(each) for each in Document(Origin("r", "main", "c", 0), rounds).chunks())
held = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(size, int(held[1]) * 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_written(tmp_path: Path) -> None:
    """A fresh process that would hold its 178 MB of text, or its rows, would need more."""
    rows = 100_000
    real = real_rows(rows)
    real.write_parquet(tmp_path / "0.parquet")
    parents = pl.struct(
        pl.lit("big").alias("dataset"),
        pl.lit(0, pl.Int32).alias("round"),
        pl.col("row"),
        pl.lit("seed").cast(pl.Enum(schema.RELATIONS)).alias("relation"),
        pl.lit(0.5, pl.Float32).alias("weight"),
    )
    made = real.with_columns(
        pl.lit(1, pl.Int32).alias("round"),
        pl.lit("synthetic").cast(real.schema["kind"]).alias("kind"),
        pl.concat_list(parents, parents).cast(schema.PARENTS).alias("parents"),
        pl.lit("g").alias("generator"),
        (pl.col("row") // 1000).cast(pl.Int32).alias("shard"),
    )
    schema.conform(made, schema.LINEAGE).write_parquet(tmp_path / "1.parquet")
    made.select("row", pl.lit("accepted").alias("decision")).write_parquet(
        tmp_path / "decisions.parquet"
    )
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    size, peak = map(int, done.stdout.split())
    assert size > 170e6
    assert peak < 280e6


def test_what_reviewers_edited_is_theirs_and_no_generators() -> None:
    *_, first, _ = small()
    lineage = first.lineage().collect()
    keys = lineage.select(
        pl.lit(24, pl.Int64).alias("row"), "sample_id", pl.lit(0, pl.Int64).alias("edits")
    )[:1]
    made = record.edited(keys, lineage, round_number=1, dataset="d")
    document = read_back(written([a_round("d", pl.concat([lineage, made]), about=first.manifest)]))
    activity = generations(document)["d", 1, 24]
    assert activity != generations(document)["d", 1, 0]
    types = {str(each.identifier): each for each in of(document, ProvActivity)}
    assert [str(each) for each in types[activity].get_asserted_types()] == ["stemma:Review"]
    assert said(types[activity], "generator") is None
    agents = [
        str(each.args[1]) for each in of(document, ProvAssociation) if str(each.args[0]) == activity
    ]
    assert agents == ["lake:d/1/reviewers"]
    used = [str(each.args[0]) for each in of(document, ProvUsage)]
    assert activity not in used
