"""The card of an export: metadata that the Hub reads, and foreign texts that stay texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import yaml

from lineage.manifest import MixManifest, RoundPart
from pipelines.inquiry.exports.hugging_face import card, licences, rows
from pipelines.inquiry.exports.hugging_face.facts import Facts, RoundFacts, Source
from tests.packages import needs_package

HOSTILE = 'x"\n---\nlicense: mit\n# Owned\n<script>alert(1)</script> | [a](javascript:b) `c` \u202e'


def facts(text: str = "plain", *, synthetic: bool = True) -> Facts:
    mix = MixManifest(
        dataset="tiny",
        commit="c" * 64,
        regime="accumulate",
        rounds=(RoundPart(round=0, accepted=3, rows=3, weight=3.0),),
        rows=3,
        real_weight=1.0,
        real_share=1.0,
        real_roots=1.0,
        depth_mean=0.0,
        depth_min=0,
        depth_max=0,
    )
    kinds = {"real": 1, "synthetic": 2} if synthetic else {"real": 3}
    check = {"name": text, "value": 0.25, "verdict": "warn", "limit": text, "evidence": text}
    return Facts(
        dataset="tiny",
        ref=text,
        commit="c" * 64,
        modality="text",
        mix=mix,
        rounds=(RoundFacts(0, 3, kinds, text, "pass"),),
        sources=(Source(text, text, 0),),
        checks=(check,),
        manifests=(),
    )


def parts(text: str) -> tuple[dict[str, Any], str]:
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    return yaml.safe_load(head), body


def rendered(known: Facts) -> tuple[dict[str, Any], str]:
    return parts(card.render(known, {"train": rows.Written(["a"], 3)}, {}))


@needs_package("datasets")
def test_foreign_texts_end_no_field_and_are_no_markup() -> None:
    head, body = rendered(facts(HOSTILE))
    assert head["license"] == "other"
    assert head["license_name"] == HOSTILE
    assert head["source_datasets"] == [HOSTILE]
    assert set(head) == {
        "pretty_name",
        "license",
        "license_name",
        "source_datasets",
        "task_categories",
        "size_categories",
        "tags",
        "configs",
    }
    assert "<script>" not in body
    assert "](javascript" not in body
    assert "\u202e" not in body
    assert not any(line.startswith(("# Owned", "---", "license:")) for line in body.splitlines())
    widths = {line.count(" | ") for line in body.splitlines() if line.startswith("| x")}
    assert widths <= {2, 4}


@needs_package("datasets")
def test_what_is_synthetic_is_said_first() -> None:
    head, body = rendered(facts())
    assert head["tags"] == ["stemma", "lineage", "synthetic", "modality:text"]
    assert "**2 of 3 rows are synthetic or edited.**" in body
    assert "| plain | 0.25 | warn | plain | plain |" in body
    head, body = rendered(facts(synthetic=False))
    assert "synthetic" not in head["tags"]
    assert "All 3 rows are real" in body


@needs_package("datasets")
def test_held_out_rows_alone_are_no_training_mix() -> None:
    known = replace(facts(), rounds=(RoundFacts(0, 3, {}, "", ""),))
    _, body = parts(card.render(known, {"validation": rows.Written(["a"], 40)}, {}))
    assert "All 40 rows are real, and held out: no row of the training mix is here." in body
    assert "This is what was held out of the training mix of tiny" in body


@pytest.mark.parametrize(
    ("count", "category"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (99_999, "10K<n<100K"),
        (10**6, "1M<n<10M"),
        (10**12, "n>1T"),
    ],
)
def test_sizes_are_the_hubs(count: int, category: str) -> None:
    assert card.size_category(count) == category


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (["CC0-1.0"], {"license": "cc0-1.0"}),
        (["GPL-3.0-or-later", None, ""], {"license": ["gpl-3.0", "unknown"]}),
        (["MIT", "Apache-2.0", "mit"], {"license": ["mit", "apache-2.0"]}),
        (["House rules"], {"license": "other", "license_name": "House rules"}),
        ([None], {"license": "unknown"}),
        ([], {"license": "unknown"}),
    ],
)
def test_licences_have_the_hubs_names(given: list[str | None], fields: dict[str, Any]) -> None:
    assert licences.metadata(given) == fields


@pytest.mark.parametrize(
    ("kind", "attribution", "parents", "source"),
    [
        ("real", None, [], None),
        ("synthetic", "mix/1", [], "trainedAlgorithmicMedia"),
        ("synthetic", "simulated/1", [], "algorithmicMedia"),
        ("edited", "x/1", [{"weight": 0.4}, {"weight": 0.6}], "algorithmicallyEnhanced"),
        ("edited", "x/1", [{"weight": 0.5}], "compositeWithTrainedAlgorithmicMedia"),
    ],
)
@needs_package("datasets")
def test_images_say_how_they_were_made(
    kind: str, attribution: str | None, parents: list[dict[str, Any]], source: str | None
) -> None:
    assert rows.source_type(kind, attribution, parents) == source
    assert Counter() == rows.Written().marked
