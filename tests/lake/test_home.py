"""The directory of an embedded lake: made once, kept private, read without a server."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lake.errors import CorruptError
from lake.home import LakeHome


def test_identity_and_credentials_are_made_once(tmp_path: Path) -> None:
    first, again = LakeHome(tmp_path / "lake"), LakeHome(tmp_path / "lake")
    assert first.identity() == again.identity()
    assert first.credentials() == again.credentials()
    assert first.identity() != LakeHome(tmp_path / "other").identity()


def test_many_at_once_agree(tmp_path: Path) -> None:
    home = LakeHome(tmp_path / "lake")
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: home.credentials(), range(64)))
        ids = set(pool.map(lambda _: home.identity(), range(64)))
    assert len(keys) == 1
    assert len(ids) == 1
    assert sorted(path.name for path in home.path.iterdir()) == [
        "credentials.json",
        "identity.json",
    ]


def test_credentials_are_for_their_owner_only_and_not_shown(tmp_path: Path) -> None:
    home = LakeHome(tmp_path)
    keys = home.credentials()
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600
    assert keys.secret_access_key not in repr(keys)


def test_a_torn_announcement_counts_as_none(tmp_path: Path) -> None:
    home = LakeHome(tmp_path)
    for text in ("", "{", "[]", "{}", json.dumps({"url": "http://127.0.0.1:1"})):
        (tmp_path / "endpoint.json").write_text(text, encoding="utf-8")
        assert home.endpoint() is None
        assert home.serving() is None


def test_reading_the_identity_needs_the_standard_library_only(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from lake.home import LakeHome; "
        f"LakeHome(pathlib.Path({str(tmp_path)!r})).identity(); "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "{'lakefs', 'lakefs_sdk', 'polars', 'starlette', 'uvicorn', 'pydantic', 'httpx'}])"
    )
    root = Path(__file__).resolve().parents[2]
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root
    )
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("file", ["identity.json", "credentials.json"])
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": '])
def test_a_damaged_file_is_named_and_never_replaced(tmp_path: Path, file: str, text: str) -> None:
    home = LakeHome(tmp_path)
    home.identity()
    home.credentials()
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(CorruptError, match=file):
        _ = (home.identity(), home.credentials())
    assert (tmp_path / file).read_text(encoding="utf-8") == text
