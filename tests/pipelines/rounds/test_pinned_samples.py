"""Rows of another data set that candidates are made of have to be published first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.common.errors import StaleError
from pipelines.rounds import pinned_samples


def test_rows_that_are_not_published_are_an_error_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lake: Any = None
    with pytest.raises(StaleError) as caught:
        pinned_samples.reader(lake)("captions", 1)
    assert str(caught.value) == (
        "round 1 of captions, whose accepted rows the candidates are made of, is not published "
        "yet; publish it first (`stemma run captions`) and then run this round again"
    )
