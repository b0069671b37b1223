"""What forks the workers of a test run begins at once or says at once why not."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests import programs, programs_server


def test_what_cannot_begin_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "server.py"
    server.write_text("raise SystemExit('no module of this name')")
    monkeypatch.setattr(programs, "SERVER", server)
    base = tmp_path / "base"
    base.mkdir()
    ends: list[Any] = []
    config = SimpleNamespace(
        add_cleanup=ends.append, _tmp_path_factory=SimpleNamespace(getbasetemp=lambda: base)
    )
    began = time.monotonic()
    with pytest.raises(pytest.UsageError, match="no module of this name"):
        programs.fork_workers(cast("pytest.Config", config), [])
    assert time.monotonic() - began < 60
    (end,) = ends
    end()


def test_a_module_that_is_broken_is_left_to_its_own_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("broken_one", "warning_one", "missing_one", "sound_one")
    (tmp_path / "broken_one.py").write_text("def (")
    (tmp_path / "warning_one.py").write_text("import warnings; warnings.warn('old')")
    (tmp_path / "sound_one.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(programs_server, "imported_by_tests", lambda: iter(names))
    programs_server.import_tests_modules()
    assert [name for name in names if sys.modules.pop(name, None)] == ["sound_one"]
