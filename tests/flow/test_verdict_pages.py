"""Pages about a round's verdicts go where the round goes; `stemma verdicts` tells the same."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from lake import refs
from lake.errors import NotFoundError
from pipelines.gate import history_audit
from pipelines.inquiry import overview
from pipelines.rounds import manifest, receipts, tables
from pipelines.verification.verdicts import page_store
from review.commands import verdicts
from review.errors import UsageError
from tests.flow.projects import Project

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

PAGES = ("data_docs", "verdicts")


def harsher(project: Project) -> None:
    """Ask for a distance that half of the candidates do not have."""
    place = Path("expectations/suites/tiny.json")
    suite = json.loads(place.read_text(encoding="utf-8"))
    near = project.lake().scan("tiny-v1", refs.partition("tiny", "scores", 1))
    middle = near.select(pl.col("real_distance").median()).collect().item()
    suite["expectations"][4]["kwargs"]["min_value"] = middle
    suite["expectations"][4]["severity"] = "warning"
    place.write_text(json.dumps(suite), encoding="utf-8")


def held(project: Project, ref: str) -> dict[str, bytes]:
    """The pages at a ref, by path."""
    lake = project.lake()
    found = [item.path for item in lake.objects(ref, refs.table("tiny", refs.DOCS))]
    return {path: lake.read(ref, path) for path in found}


def shown(capsys: pytest.CaptureFixture[str], ref: str, **options: object) -> str:
    given = {"dataset": None, "round_number": None, "html": None, "limit": 8, "as_json": False}
    capsys.readouterr()
    verdicts.run(ref=ref, **{**given, **options})  # type: ignore[arg-type]
    return capsys.readouterr().out


def test_pages_are_published_and_stand_in_the_checkout(unchanged: Project) -> None:
    pages = held(unchanged, "main")
    assert set(pages) == {refs.page("tiny", number, name) for number in (1, 2) for name in PAGES}
    for number in (1, 2):
        about = manifest.read(unchanged.lake(), "main", "tiny", number)["verdicts"]
        assert set(about["pages"]) == set(PAGES)
        for name, page in about["pages"].items():
            assert page_store.local("tiny", number, name).read_bytes() == pages[page["path"]]
        counted = json.loads(receipts.path("tiny", number, "verdicts").read_text(encoding="utf-8"))
        assert counted["no_copy"]["passed"] == about["expectations"]["no_copy"]["passed"]
        assert about["expectations"]["no_copy"]["limits"] == {"min_value": 0.01}


def test_status_links_pages_and_a_local_file_only_if_it_is_the_same(copied: Project) -> None:
    first, second = overview.collect(copied.lake(), "tiny")["rounds"][1:]
    assert first["pages"]["verdicts"] == {
        "lake": "lakefs://stemma/tiny-v1/tiny/docs/round=001/verdicts.html",
        "file": "reports/tiny/1/verdicts.html",
    }
    Path("reports/tiny/1/verdicts.html").write_text("another round", encoding="utf-8")
    Path("reports/tiny/2/data_docs.html").unlink()
    first, second = overview.collect(copied.lake(), "tiny")["rounds"][1:]
    assert first["pages"]["verdicts"]["file"] is None
    assert first["pages"]["data_docs"]["file"] is not None
    assert second["pages"]["data_docs"]["file"] is None


def test_a_round_that_is_verified_again_takes_its_pages_along(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    old = held(copied, "main")
    harsher(copied)
    copied.round("tiny-1", "verify", "curate", "evaluate", "publish")
    new = held(copied, "main")
    assert set(new) == {refs.page("tiny", 1, name) for name in PAGES}, "round 2 is superseded"
    assert all(new[path] != old[path] for path in new)
    assert held(copied, "tiny-v1") == {path: old[path] for path in new}
    lake = copied.lake()
    log = list(lake.log("main", first_parent=True))[::-1]
    assert [step.wrong for step in history_audit.walk(lake, log, None) if step.wrong] == []
    (judged,) = json.loads(shown(capsys, "tiny-r001", as_json=True))["rounds"]
    near = next(each for each in judged["expectations"] if each["expectation"] == "no_copy")
    assert near["failed"] > 0
    assert judged["marked"] == near["failed"]


def test_a_deleted_page_comes_back_without_a_second_verification(copied: Project) -> None:
    place, head = Path("reports/tiny/2/verdicts.html"), copied.lake().head("main")
    before = place.read_bytes()
    place.unlink()
    copied.run("verify", "tiny-2")
    assert place.read_bytes() == before
    assert copied.lake().head("main") == head


def test_verdicts_by_reason_in_the_terminal_as_json_and_as_a_page(
    copied: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    harsher(copied)
    copied.run("verify", "tiny-1")
    lake, place = copied.lake(), tmp_path / "page.html"
    table = tables.read_round(lake, "tiny-r001", "tiny", "verdicts", 1)
    failing = table.filter(pl.col("expectation") == "no_copy", pl.col("verdict") == "failed")
    text = shown(capsys, "tiny-r001", html=place, limit=2)
    assert "no_copy" in text
    assert "real_distance below" in text
    assert f"wrote {place}" in text
    ids = tables.read_round(lake, "tiny-r001", "tiny", "lineage", 1).sort("row")["sample_id"]
    assert ids[failing["row"].min()].hex()[:12] in text  # type: ignore[call-overload]
    (found,) = json.loads(shown(capsys, "tiny-r001", as_json=True, limit=2))["rounds"]
    near = next(each for each in found["expectations"] if each["expectation"] == "no_copy")
    (reason,) = near["reasons"]
    assert reason["count"] == near["failed"] == len(failing)
    assert [each["row"] for each in reason["examples"]] == failing["row"].sort()[:2].to_list()
    page = place.read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2 + sum(
        len(one["examples"])
        for each in found["expectations"]
        if each["expectation"] != "no_copy"
        for one in each["reasons"]
    )


def test_which_round_is_asked_for(copied: Project, capsys: pytest.CaptureFixture[str]) -> None:
    def asked(ref: str, **options: object) -> int:
        (found,) = json.loads(shown(capsys, ref, as_json=True, **options))["rounds"]
        return int(found["round"])

    assert asked("main") == 2
    assert asked("main", round_number=1) == 1
    assert asked("tiny-v1") == 1
    assert asked("tiny-r002", dataset="tiny") == 2
    with pytest.raises(NotFoundError):
        asked("main", round_number=7)
    with pytest.raises(UsageError, match="real data"):
        asked("tiny-v0")
    copied.edit(lambda found: found["rounds"]["tiny-1"].update(generate={"candidates": 20}))
    copied.round("tiny-1", "generate")
    with pytest.raises(NotFoundError, match=r"no verdicts yet; run `dvc repro verify@tiny-1`"):
        asked("tiny-r001")
