"""What ends a stage is one sentence, whoever raised it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipelines.stages import runner


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (lambda: pl.DataFrame({"a": [1]})["b"], "ColumnNotFoundError"),
        (b"\xff".decode, "UnicodeDecodeError"),
    ],
)
def test_a_library_that_refuses_data_ends_in_a_sentence(
    action: object, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        runner.guarded(action)  # type: ignore[arg-type]
    assert caught.value.code == 4
    err = capsys.readouterr().err
    assert err.startswith(f"stemma: the data cannot be processed: {said}: ")
    assert err.count("\n") == 1
    assert "Traceback" in (tmp_path / ".stemma" / "traceback.txt").read_text(encoding="utf-8")
