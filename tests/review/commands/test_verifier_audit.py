"""Whose sheet an audit reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from review.commands import verifier_audit
from review.errors import UsageError


@pytest.mark.parametrize("sheet", ["new.csv", None])
def test_a_sheet_that_is_not_there_was_filled_in_by_nobody(
    tmp_path: Path, sheet: str | None
) -> None:
    path = None if sheet is None else tmp_path / sheet
    with pytest.raises(UsageError, match="is not there; draw it without --reviewer, or name the"):
        verifier_audit.run(
            dataset="tiny",
            round_number=None,
            rows=10,
            sheet=path,
            planted=False,
            reviewer="Ada",
            as_json=False,
        )
    assert list(tmp_path.iterdir()) == []
