"""Files that repeat what a lake says: read whole, refused where damaged, gone where empty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.common.errors import StaleError
from pipelines.common.settings import StrictModel
from pipelines.rounds import noted_files


class Noted(StrictModel):
    rounds: Mapping[str, str] = {}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "noted.json"
    assert noted_files.read(file, Noted, "what was noted") == Noted()
    noted_files.write(file, Noted(rounds={"digits-r001": "ab"}))
    assert json.loads(file.read_text()) == {"rounds": {"digits-r001": "ab"}}
    assert noted_files.read(file, Noted, "what was noted").rounds == {"digits-r001": "ab"}


def test_where_there_is_nothing_to_say_there_is_no_file(tmp_path: Path) -> None:
    file = tmp_path / "noted.json"
    noted_files.write(file, Noted())
    assert not file.exists()
    noted_files.write(file, Noted(rounds={"digits-r001": "ab"}))
    noted_files.write(file, Noted())
    assert not file.exists()


@pytest.mark.parametrize("damaged", ["", "[]", '{"rounds": 3}', '{"other": {}}'])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, damaged: str) -> None:
    file = tmp_path / "noted.json"
    file.write_text(damaged)
    with pytest.raises(StaleError, match=r"noted\.json does not say what was noted; remove it"):
        noted_files.read(file, Noted, "what was noted")
