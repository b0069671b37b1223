"""The pages of the site that are read from the code, and how pages are put together."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docs.site import __main__ as site
from docs.site import commands, environment, settings, tables

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lake", "lineage", "expectations", "pipelines", "review", "stemma")
NAME = re.compile(r'"((?:STEMMA|LAKECTL|OPENAI)_[A-Z_]+)"')


def test_every_setting_says_what_it_is() -> None:
    rows = [line for line in settings.page().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []
    by_name = {row.split("`")[1]: row for row in rows}
    assert "number, > 0, &lt; 0.5; `0.25`" in by_name["ingest.validation"]
    assert "**Operational.**" in by_name["executor.workers"]
    assert by_name["fit.diffusion.device"].count("`auto`") == 2
    assert "publish.guard.real_share_block" in by_name


def test_every_command_is_there_with_its_options() -> None:
    page = commands.page()
    for name in (
        "stemma audit",
        "stemma dataset add",
        "stemma lake serve",
        "stemma takedown purge",
    ):
        assert f" `{name}`\n" in page
    assert "stemma audit [OPTIONS] [ID]" in page
    assert "| `--history` |" in page
    assert "| Name in commits. | the access key id |" in page
    assert "``" not in page.replace("```", "")
    assert "--help" not in page.replace("COMMAND --help", "")


def test_the_variables_are_those_that_the_packages_read() -> None:
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found |= set(NAME.findall(path.read_text(encoding="utf-8")))
    listed = set(environment.VARIABLES)
    assert {name for name in found if name not in environment.INTERNAL} <= listed
    told = "".join(
        path.read_text(encoding="utf-8") for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    )  # fmt: skip
    assert [name for name in listed if name not in told] == []


def test_every_column_of_a_table_is_explained() -> None:
    page = tables.page()
    for _, columns, _ in tables.TABLES.values():
        for name in columns:
            assert f"| `{name}` |" in page


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ("[a](guard.md#limits)", "[a](guard.md#limits)"),
        ("[a](../README.md)", "[a](readme.md)"),
        ("[a](../benchmarks/README.md#x)", "[a](benchmarks.md#x)"),
        ("[a](../lake/refs.py)", "a"),
        ("[a](../../etc/passwd)", "a"),
        ("![a](images/flow.svg)", "![a](images/flow.svg)"),
        ("[a](https://example.org/b.md)", "[a](https://example.org/b.md)"),
        ("[a](#b)", "[a](#b)"),
    ],
)
def test_links_lead_to_pages_of_the_site(link: str, place: str) -> None:
    assert site._linked(link, Path("docs/review.md"), Path("review.md")) == place


def test_links_of_a_page_in_a_folder_lead_up() -> None:
    link = "[a](../lake.md) [b](0001-lakefs-python-sdk.md)"
    where = Path("decisions/0002-embedded-lake.md")
    turned = site._linked(link, Path("docs") / where, where)
    assert turned == "[a](../lake.md) [b](../decisions/0001-lakefs-python-sdk.md)"


def test_every_page_is_assembled_and_every_link_inside_has_a_page(tmp_path: Path) -> None:
    site.assemble(tmp_path / "pages")
    pages = list((tmp_path / "pages").rglob("*.md"))
    assert len(pages) > 60
    for page in pages:
        for mark, _, link in site.LINK.findall(page.read_text(encoding="utf-8")):
            path = link.partition("#")[0]
            assert not path or (page.parent / path).is_file(), (page.name, mark, link)


def test_a_folder_with_anything_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.md").write_text("mine")
    with pytest.raises(SystemExit, match="holds no assembled pages"):
        site.assemble(tmp_path)
    assert (tmp_path / "thesis.md").read_text() == "mine"


def test_every_page_is_in_the_navigation() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    found = re.findall(r"'([\w/-]+\.md)'", str(nav))
    assert len(found) == len(set(found))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    pages |= {f"tutorials/{path.name}" for path in (ROOT / "docs" / "tutorials").glob("*.md")}
    pages |= {*site.GENERATED, *site.BESIDE.values(), "reference/python.md"}
    assert set(found) == pages
