"""The page for `dvc plots show`: whole in itself, written once, and only where DVC is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.project import plots_page


def test_the_page_loads_nothing_and_is_written_once(tmp_path: Path) -> None:
    assert not plots_page.write(tmp_path)  # no project of DVC
    (tmp_path / ".dvc").mkdir()
    assert plots_page.write(tmp_path)
    path = tmp_path / plots_page.PATH
    page = path.read_text(encoding="utf-8")
    assert page.count(plots_page.HELD) == page.count("{refresh_tag}") == 1
    assert "window.vegaEmbed" in page
    assert len(re.findall("</script", page)) == 1
    assert re.findall(r"<(?:script|link)\b[^>]*>", page) == ["<script>"]
    assert not plots_page.write(tmp_path)
    path.write_text("<!-- of another release -->", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots_page, "page", lambda mark: f"<!-- {mark} -->")
        assert plots_page.write(tmp_path)
        assert not plots_page.write(tmp_path)
