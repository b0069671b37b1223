"""The script for `dvc plots show`: written once for a release, and only where the page is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.project import plots_script, scaffold


def test_the_script_is_written_once_where_the_page_is(tmp_path: Path) -> None:
    assert not plots_script.write(tmp_path)  # no project with the page
    page = tmp_path / plots_script.PAGE
    page.parent.mkdir(parents=True)
    page.write_bytes((scaffold.TEMPLATES / "plots_page.html").read_bytes())
    assert plots_script.write(tmp_path)
    script = tmp_path / plots_script.SCRIPT
    content = script.read_text(encoding="utf-8")
    assert content.startswith("// vl-convert-python ")
    assert "vegaEmbed" in content
    assert not plots_script.write(tmp_path)
    script.write_text("// of another release", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots_script, "bundle", lambda: "vegaEmbed")
        assert plots_script.write(tmp_path)
        assert not plots_script.write(tmp_path)


def test_the_page_has_the_places_that_dvc_fills() -> None:
    page = (scaffold.TEMPLATES / "plots_page.html").read_text(encoding="utf-8")
    for place in ("{plot_divs}", "{scripts}", "{refresh_tag}"):
        assert page.count(place) == 1
