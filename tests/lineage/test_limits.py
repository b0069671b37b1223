from __future__ import annotations

import pytest
from pydantic import ValidationError

from lineage.limits import Limits


@pytest.mark.parametrize(
    "wrong",
    [
        {"recal_round_warn": 0.5},
        {"memorised_block": 1.5},
        {"depth_mean_block": -1},
        {"depth_mean_block": float("nan")},
        {"depth_mean_block": float("inf")},
        {"unknown": "pass"},
    ],
)
def test_a_wrong_limit_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(wrong)


LEAST = ("real_", "acceptance", "recall", "coverage", "class_", "rare_")


def test_limits_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Limits().unknown = "warn"


def test_the_digest_is_that_of_the_limits() -> None:
    assert Limits().digest == Limits(unknown="block").digest
    assert Limits().digest != Limits(memorised_block=0.02).digest
    assert Limits().digest != Limits(memorised_block=None).digest


def test_limits_of_later_releases_are_in_the_digest_where_somebody_set_them() -> None:
    assert Limits().digest[:16] == "baa3b275a0590d84"  # as before there were later ones
    assert Limits(label_errors_block=0.08).digest == Limits().digest
    assert Limits(label_errors_block=0.5).digest != Limits().digest
    assert Limits(rare_recall_block=0.1).digest != Limits().digest


def test_a_block_is_never_stricter_than_its_warning() -> None:
    limits = Limits().model_dump()
    compared = 0
    for name in limits:
        if not name.endswith("_warn"):
            continue
        warn, block = limits[name], limits[name.replace("_warn", "_block")]
        if warn is None or block is None:
            continue
        least = name.startswith(LEAST) or "_low_" in name
        assert (block < warn) if least else (block > warn), name
        compared += 1
    assert compared > 10
