from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.common import digests
from pipelines.params import Generate
from pipelines.rounds import keys


def key(**change: object) -> str:
    given = {"settings": Generate(), "code": ["params.yaml"], "inputs": {"commit": "a"}}
    return keys.input_key("generate", **(given | change))


def test_equal_inputs_give_equal_keys() -> None:
    assert key() == key()
    assert len(key()) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"settings": Generate(candidates=7)},
        {"settings": None},
        {"code": ["dvc.yaml"]},
        {"code": []},
        {"inputs": {"commit": "b"}},
        {"inputs": {"commit": "a", "key": "a"}},
    ],
)
def test_anything_else_gives_another(change: dict[str, object]) -> None:
    assert key(**change) != key()


def test_a_folder_is_its_files_without_compiled_ones(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "one.py").write_text("1", encoding="utf-8")
    first = digests.of_file(tmp_path)
    (tmp_path / "part" / "__pycache__").mkdir()
    (tmp_path / "part" / "__pycache__" / "one.pyc").write_bytes(b"compiled")
    assert digests.of_file(tmp_path) == first
    (tmp_path / "part" / "one.py").rename(tmp_path / "part" / "two.py")
    renamed = digests.of_file(tmp_path)
    assert renamed != first
    (tmp_path / "part" / "two.py").write_text("2", encoding="utf-8")
    assert digests.of_file(tmp_path) not in (first, renamed)
