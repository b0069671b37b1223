"""Which stages a take-down changes the inputs of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.common.errors import StaleError
from pipelines.rounds import denied_inputs
from pipelines.rounds.denied_inputs import Noted

NOTED = Noted(
    entries="e",
    touched={"digits": (0, 2)},
    kept={"digits": (0, 1, 2), "others": (0,)},
    remade={"others": 1},
)


def round_(dataset: str, number: int) -> Any:
    return SimpleNamespace(dataset=dataset, number=number)


@pytest.mark.parametrize(
    ("dataset", "number", "stage", "reads", "applies"),
    [
        ("digits", 1, "fit", (), False),
        ("digits", 3, "fit", (), True),
        ("digits", 3, "verify", (), False),
        ("others", 1, "fit", (), True),
        ("others", 1, "generate", (), False),
        ("others", 1, "generate", (("digits", 2),), True),
        ("others", 1, "generate", (("digits", 1),), False),
        ("words", 1, "fit", (), False),
    ],
)
def test_it_touches_what_reads_what_went_and_is_not_kept(
    dataset: str, number: int, stage: str, reads: tuple[tuple[str, int], ...], applies: bool
) -> None:
    assert NOTED.applies(round_(dataset, number), stage, reads) is applies


def test_a_file_that_is_damaged_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert denied_inputs.of_stage(round_("digits", 3), "fit") == {}
    denied_inputs.FILE.parent.mkdir()
    denied_inputs.FILE.write_text('{"takedowns": 3}')
    with pytest.raises(StaleError, match="does not say what was taken down"):
        denied_inputs.of_stage(round_("digits", 3), "fit")
