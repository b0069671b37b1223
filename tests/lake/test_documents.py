from __future__ import annotations

from lake.documents import parse_yaml


def test_a_document_that_is_read_again_is_as_it_was_written() -> None:
    text = "datasets: {tiny: {fit: [1, 2]}}\nno: 010\n"
    first = parse_yaml(text)
    first["datasets"]["tiny"]["fit"].append(3)
    del first["no"]
    assert parse_yaml(text) == {"datasets": {"tiny": {"fit": [1, 2]}}, "no": 10}
