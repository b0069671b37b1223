"""What paths alone say of a commit: whose round it is, what it took and brought."""

from __future__ import annotations

import pytest

from lake.values import Change
from pipelines.rounds import path_scope


def change(kind: str, path: str) -> Change:
    return Change(path, kind, 1)


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("digits/samples/round=003/part-00000.parquet", True),
        ("digits/anything/round=003/part-00000.parquet", True),
        ("digits/rounds/003.json", True),
        ("digits/head.json", True),
        ("digits/rounds/004.json", False),
        ("digits/rounds/0003.json", False),
        ("digits/samples/round=004/part-00000.parquet", False),
        ("digits/samples/round=0003/part-00000.parquet", False),
        ("digits/samples/round=3/part-00000.parquet", False),
        ("digits/samples/x/round=003/part-00000.parquet", False),
        ("digits/round=003/part-00000.parquet", False),
        ("digits//round=003/part-00000.parquet", False),
        ("digits/samples", False),
        ("digits", False),
        ("letters/samples/round=003/part-00000.parquet", False),
        ("letters/head.json", False),
        ("samples/round=003/part-00000.parquet", False),
    ],
)
def test_a_rounds_own_paths(path: str, own: bool) -> None:
    assert path_scope.is_part(path, "digits", 3) is own


@pytest.mark.parametrize("kind", ["added", "changed", "removed"])
def test_publishing_takes_later_rounds_away_and_adds_none(kind: str) -> None:
    own = change(kind, "digits/samples/round=003/part-00000.parquet")
    later = change(kind, "digits/samples/round=004/part-00000.parquet")
    earlier = change(kind, "digits/samples/round=002/part-00000.parquet")
    other = change(kind, "letters/samples/round=004/part-00000.parquet")
    assert path_scope.foreign([own, later], "digits", 3) == (None if kind == "removed" else later)
    assert path_scope.foreign([own, earlier], "digits", 3) == earlier
    assert path_scope.foreign([own, other], "digits", 3) == other
    left = change(kind, "digits/left")
    assert path_scope.foreign([left], "digits", 0) == (None if kind == "removed" else left)
    assert path_scope.foreign([left], "digits", 3) == left
    for number in (0, 3):  # what was rejected stays rejected
        review = change(kind, "digits/reviews/r003-0123456789abcdef.json")
        assert path_scope.foreign([review], "digits", number) == review


def test_a_summary_speaks_of_rounds_where_it_can() -> None:
    brought = [
        change("added", "digits/rounds/003.json"),
        change("added", "digits/samples/round=003/part-00000.parquet"),
        change("changed", "digits/head.json"),
        change("removed", "digits/rounds/004.json"),
        change("removed", "digits/rounds/005.json"),
    ]
    assert path_scope.summary(brought) == (
        "took away round 4 of digits, round 5 of digits and brought round 3 of digits"
    )
    assert path_scope.summary(brought[1:3]) == "brought 1 object and changed 1 object"
    many = [change("removed", f"x/{number:04d}") for number in range(1200)]
    assert path_scope.summary(many) == "took away 1,200 objects"
    assert path_scope.datasets([*brought, *many]) == ["digits", "x"]


def test_a_calibration_adds_to_its_table_alone() -> None:
    added = Change("digits/calibration/0a/planted-001.json", "added", 1)
    assert path_scope.calibrates([added])
    assert not path_scope.calibrates([])
    assert not path_scope.calibrates([added, Change("digits/samples/round=001/x", "added", 1)])
    assert not path_scope.calibrates([added, Change("faces/calibration/0a/x.json", "added", 1)])
    assert not path_scope.calibrates([Change(added.path, "changed", 1)])
