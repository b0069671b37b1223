"""SPDX documents of a ref, read back by SPDX's own library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from spdx_python_model import v3_0_1 as spdx

from pipelines.inquiry.exports.spdx import expression
from tests.flow.projects import Project


def test_a_document_is_read_back_by_the_library_of_spdx(unchanged: Project, tmp_path: Path) -> None:
    place = tmp_path / "spdx.json"
    done = unchanged.stemma("export", "tiny-v2", "--format", "spdx", "-o", str(place), "--json")
    assert done.code == 0, done.said
    objects = spdx.SHACLObjectSet()
    with place.open("rb") as file:
        spdx.JSONLDDeserializer().read(file, objects)
    (document,) = objects.foreach_type("SpdxDocument")
    (package,) = document.rootElement
    assert (package.name, package.software_packageVersion) == ("tiny", "tiny-v2")
    assert package.dataset_datasetType == [spdx.dataset_DatasetType.image]
    assert package.dataset_dataCollectionProcess == (
        "89 real rows were read from sources; synthetic rows: 24 by diffusion/1 in round 1, 24 by "
        "diffusion/1 in round 2"
    )
    relations = {
        each.relationshipType.rpartition("/")[2]: each.to
        for each in objects.foreach_type("Relationship")
    }
    lake = unchanged.lake()
    held = {item.path: item.checksum for item in lake.objects("tiny-v2", "tiny/samples/")}
    assert {each.name: each.verifiedUsing[0].hashValue for each in relations["contains"]} == held
    assert package.dataset_datasetSize == sum(
        item.size for item in lake.objects("tiny-v2", "tiny/samples/")
    )
    assert [each.name for each in relations["descendantOf"]] == ["tests/tiny"]
    (licence,) = relations["hasDeclaredLicense"]
    assert licence.simplelicensing_licenseExpression == "CC0-1.0"
    assert json.loads(done.out)["DatasetPackage"] == 2
    again = unchanged.stemma("export", "main", "--format", "spdx")
    assert again.out == place.read_text()


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("cc-by-4.0", "CC-BY-4.0"),
        ("mit or apache-2.0", "(MIT OR Apache-2.0)"),
        ("our own terms, 2024", "LicenseRef-stemma-our-own-terms-2024-e75e62c2"),
        ("our own terms (2024)", "LicenseRef-stemma-our-own-terms-2024-f51262b7"),
        ("not-recorded", "LicenseRef-stemma-not-recorded-699b7756"),
        ("自有许可", "LicenseRef-stemma-other-0c0539f3"),
        ("unknown", "LicenseRef-stemma-not-recorded"),
        (" ", "LicenseRef-stemma-not-recorded"),
        (None, "LicenseRef-stemma-not-recorded"),
    ],
)
def test_a_licence_is_an_expression_or_a_reference(licence: str | None, expected: str) -> None:
    assert expression(licence) == expected
