"""Names in the lake: what is built can be read back, and fits lakeFS's own rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import refs

LAKEFS_BRANCH = re.compile(r"^\w[-\w]*$")
DATASETS = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
ROUNDS = st.integers(0, 5000)
LINES = st.from_regex(r"[a-zA-Z0-9_][-a-zA-Z0-9_]{0,12}", fullmatch=True)


def test_the_names_of_the_design() -> None:
    assert refs.branch_name("digits", 3) == "digits-r003"
    assert refs.branch_name("digits", 3, "hot") == "digits-r003-hot"
    assert refs.part("digits", "samples", 3) == "digits/samples/round=003/part-00000.parquet"
    assert refs.manifest("digits", 3) == "digits/rounds/003.json"
    assert refs.table("digits", "samples") == "digits/samples/"
    assert refs.page("digits", 3, "verdicts") == "digits/docs/round=003/verdicts.html"
    assert refs.round_of(refs.page("digits", 3, "verdicts")) == 3


@given(DATASETS, ROUNDS, LINES)
def test_branch_names_fit_lakefs_and_read_back(dataset: str, number: int, line: str) -> None:
    name = refs.branch_name(dataset, number, line)
    found = refs.BRANCH.match(name)
    assert LAKEFS_BRANCH.match(name)
    assert found is not None
    assert (found["dataset"], int(found["round"]), found["line"] or refs.MAIN) == (
        dataset,
        number,
        line,
    )


@given(DATASETS, ROUNDS, st.integers(1, 6))
def test_tags_never_come_twice_and_grow(dataset: str, number: int, times: int) -> None:
    taken: list[str] = []
    for _ in range(times):
        taken.append(refs.next_tag(dataset, number, taken))
    assert taken == [f"{dataset}-v{number}", *(f"{dataset}-v{number}.{n}" for n in range(1, times))]


def test_a_tag_is_not_taken_by_other_rounds_data_sets_or_foreign_names() -> None:
    taken = ["digits-v30", "digits2-v3", "digits-v3-final", "v3", "digits-v2.4"]
    assert refs.next_tag("digits", 3, taken) == "digits-v3"


def test_a_gap_in_the_tags_is_not_filled() -> None:
    assert refs.next_tag("digits", 3, ["digits-v3", "digits-v3.9"]) == "digits-v3.10"


@given(DATASETS, ROUNDS, st.integers(0, 99999))
def test_a_path_tells_its_round(dataset: str, number: int, index: int) -> None:
    assert refs.round_of(refs.part(dataset, "samples", number, index)) == number
    assert refs.round_of(refs.manifest(dataset, number)) == number
    assert refs.part(dataset, "samples", number, index).startswith(
        refs.partition(dataset, "samples", number)
    )


@pytest.mark.parametrize("path", ["digits/readme.md", "round=3", "digits/rounds/x.json", ""])
def test_a_path_without_a_round_tells_none(path: str) -> None:
    assert refs.round_of(path) is None


@given(DATASETS, st.integers(0, 998))
def test_paths_sort_by_round(dataset: str, number: int) -> None:
    assert refs.manifest(dataset, number) < refs.manifest(dataset, number + 1)
    assert refs.partition(dataset, "t", number) < refs.partition(dataset, "t", number + 1)


def test_records_and_action_files_belong_to_no_data_set() -> None:
    paths = ["tiny/head.json", "_takedowns/a/record.json", "_lakefs_actions/a.yaml", "Read me"]
    assert refs.datasets([*paths, "digits/rounds/000.json", "tiny/x"]) == ["digits", "tiny"]
    assert refs.datasets([]) == []
