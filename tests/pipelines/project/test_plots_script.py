"""The script for `dvc plots show`: written once for a release, and only where the page is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.project import plots_script, scaffold
from tests.flow.browser import browsing


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


@pytest.mark.parametrize("name", ["data/plots.html", "../plots.html"])
def test_the_page_asks_no_web_address_wherever_it_is_written(tmp_path: Path, name: str) -> None:
    project = tmp_path / "project"
    script = project / plots_script.SCRIPT
    script.parent.mkdir(parents=True)
    script.write_text("window.vegaEmbed = (id) => { document.title = `drawn ${id}`; };")
    page = (project / "plots" / name).resolve()
    page.parent.mkdir(parents=True, exist_ok=True)
    content = (scaffold.TEMPLATES / "plots_page.html").read_text(encoding="utf-8")
    web = '<script src="https://plots.invalid/vega.js"></script>'
    content = content.replace("{scripts}", web).replace("{refresh_tag}", "")
    page.write_text(content.replace("{plot_divs}", "<script>vegaEmbed('#one');</script>"))
    with browsing(None, tmp_path / "home") as browser:
        browser.driver.get(page.as_uri())
        assert browser.driver.title == "drawn #one"
        assert not browser.find("#missing").is_displayed()
        script.unlink()
        browser.driver.get(page.as_uri())
        assert browser.find("#missing").is_displayed()
        assert browser.all("script[src*='plots.invalid']") == []
        assert "plots.invalid" not in " ".join(browser.complaints())
        browser.find("#missing a").click()
        browser.find("script[src*='plots.invalid']")
