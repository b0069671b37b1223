"""Labels are whole numbers or names, and stay what they are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from pipelines.common.errors import DataError
from pipelines.modalities import labels


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([0, 7, -3], [0, 7, -3]),
        ([1.0, 2.0], [1, 2]),
        ([Decimal("3.00")], [3]),
        (["10", "2"], [10, 2]),
        (["cat", "dog"], ["cat", "dog"]),
        (["01", "2"], ["01", "2"]),
        (["1", "99999999999999999999"], ["1", "99999999999999999999"]),
        ([True, False], ["true", "false"]),
        ([" cat "], [" cat "]),
    ],
)
def test_labels_stay_what_they_are(given: list[Any], wanted: list[Any]) -> None:
    typed = labels.typed("x", pl.Series("label", given))
    assert typed.to_list() == wanted
    assert typed.dtype in {pl.Int64, pl.String}


def test_categories_are_names() -> None:
    given = pl.Series("label", ["a", "b"], dtype=pl.Categorical)
    assert labels.typed("x", given).to_list() == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, None], "x: row 1 has no label"),
        ([1.0, 1.9, 2.2], "x: rows 1, 2 have a label that is no whole number"),
        ([1.0, float("nan")], "x: row 1 has a label that is no whole number"),
        (["a", " ", ""], "x: rows 1, 2 have a label without a visible character"),
        ([[1], [2]], r"column 'label' is List\(Int64\)"),
        ([b"a"], "column 'label' is Binary"),
        (pl.Series([2**63], dtype=pl.UInt64), "must hold whole numbers of 64 bits"),
        ([1e300], "must hold whole numbers of 64 bits"),
    ],
)
def test_what_is_no_label_is_named(given: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        labels.typed("x", pl.Series("label", given))
