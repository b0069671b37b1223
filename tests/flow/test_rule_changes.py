"""Before a reviewer sees anything else: the suite, or the limits, changed in this round."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from lake import refs
from pipelines.common.errors import BlockedError, StaleError
from pipelines.gate import publication, reviewed_head, rule_changes
from pipelines.gate.reviews import Approval
from pipelines.rounds import context, manifest
from review.commands import diff, guard
from review.errors import Findings
from tests.flow.projects import Project
from tests.flow.served import serving

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

SUITE = Path("expectations/suites/tiny.json")


def loosen_suite() -> None:
    """Loosen the expectation that has a lower bound, and drop the one about labels."""
    suite = json.loads(SUITE.read_text(encoding="utf-8"))
    first = next(entry for entry in suite["expectations"] if "min_value" in entry["kwargs"])
    first["kwargs"]["min_value"] -= 0.25
    del suite["expectations"][2]
    SUITE.write_text(json.dumps(suite), encoding="utf-8")


def show_diff(capsys: pytest.CaptureFixture[str], left: str, right: str, **options: Any) -> str:
    given: Mapping[str, Any] = {
        "dataset": None,
        "path": None,
        "key": (),
        "two_dot": False,
        "rows": False,
        "limit": None,
        "columns": False,
        "fail_on": (),
        "html": None,
        "as_markdown": False,
        "as_json": False,
    }
    capsys.readouterr()
    diff.run(left=left, right=right, **{**given, **options})
    return capsys.readouterr().out


def test_a_loosened_suite_and_changed_limits_are_said_first(
    blocked: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    loosen_suite()
    with pytest.raises(BlockedError):
        blocked.round("tiny-3", "verify", "curate", "evaluate", "publish")
    said = ["The suite changed in this round (tiny-3 beside tiny-2):", "The limits changed in"]
    printed = show_diff(capsys, "main", "tiny-r003")
    lines = printed.splitlines()
    assert lines[0] == said[0]
    assert any(line.startswith(said[1]) for line in lines)
    assert any(re.match(r"  \w+ loosened: min_value \S+ → -", line) for line in lines)
    assert any(re.match(r"  \w+ removed: severity", line) for line in lines)
    assert "  real_share_block tightened: none → 0.99" in lines
    (entry,) = json.loads(show_diff(capsys, "main", "tiny-r003", as_json=True))["datasets"]["tiny"][
        "rules"
    ]
    assert (entry["round"], entry["previous"]) == (3, 2)
    markdown = show_diff(capsys, "main", "tiny-r003", as_markdown=True).splitlines()
    assert markdown[2].startswith("**the suite changed in this round")
    page = tmp_path / "page.html"
    show_diff(capsys, "main", "tiny-r003", html=page)
    assert page.read_text().index("The suite changed") < page.read_text().index("<table>")
    with contextlib.suppress(Findings):
        guard.run(ref="tiny-r003", dataset=None, as_json=False)
    assert capsys.readouterr().out.splitlines()[0] == said[0]
    with serving(blocked.lake()) as page_served:
        text = unescape(page_served.text("/review/tiny/tiny-r003"))
    assert text.index("The suite changed") < text.index("What it changes")


def test_limits_of_the_settings_count_that_will_judge(
    blocked: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked.edit(lambda found: found["rounds"]["tiny-3"].update(publish={}))
    guard.run(ref="tiny-r003", dataset=None, as_json=True)
    (judgement,) = json.loads(capsys.readouterr().out)["rounds"]
    assert judgement["rules"] is None
    with serving(blocked.lake()) as page:
        assert "changed in this round" not in page.text("/review/tiny/tiny-r003")


def test_nothing_is_said_where_nothing_changed_or_nothing_was_before(unchanged: Project) -> None:
    lake = unchanged.lake()
    for number in (1, 2):
        commit = lake.resolve(f"tiny-v{number}").id
        assert rule_changes.of_round(lake, commit, "tiny", number) is None


def test_limits_that_changed_after_the_candidates_are_those_of_the_answer(
    copied: Project,
) -> None:
    """The manifest's settings are from before the change: the answer tells what judged."""
    limits = {"guard": {"depth_max_warn": 1.0}}
    copied.edit(lambda found: found["rounds"]["tiny-2"].update(publish=limits))
    copied.run("publish", "tiny-2")
    lake = copied.lake()
    found = rule_changes.of_round(lake, lake.resolve(refs.MAIN).id, "tiny", 2)
    assert found is not None
    assert [str(change) for change in found.changes] == ["depth_max changed: none → warn >1"]


def test_a_head_that_is_not_what_would_be_published_is_said_and_not_approved(
    blocked: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, branch = blocked.lake(), "tiny-r003"
    answer = lake.resolve(branch)
    evaluated = answer.parents[0]
    ctx = context.open_context("tiny-3")
    sound = reviewed_head.of_branch(ctx, answer.id)
    assert sound is not None
    assert (sound.evaluated, sound.wrong) == (evaluated, None)
    assert f"{answer.id[:12]} is shown, and the evaluate" in show_diff(capsys, "main", branch)
    head = reviewed_head.of_branch(ctx, evaluated)
    assert str(head) == f"the evaluate commit {evaluated[:12]} is shown, which would be published"

    content = manifest.read(lake, branch, "tiny", 3)
    content["metrics"]["summary"]["accuracy_mix"] = 0.123
    manifest.write(lake, branch, "tiny", 3, content)
    planted = lake.commit(branch, "better", answer.metadata)
    found = reviewed_head.of_branch(ctx, planted.id)
    assert found is not None
    assert "holds other tables or figures than the evaluate commit" in str(found.wrong)
    first = show_diff(capsys, "main", branch).splitlines()[0]
    assert first.startswith(f"What is shown, {planted.id[:12]}, is not what would be published")
    with pytest.raises(StaleError, match="is not what would be published"):
        publication.approve(ctx, Approval(planted.id, "looks fine"))
    with serving(lake) as page:
        text = page.text(f"/review/tiny/{branch}")
        assert 'value="approve"' not in text
        assert 'value="reject"' in text
        assert f"What is shown, {planted.id[:12]}, is not what would be published" in text
    lake.set_branch(branch, answer.id)
    foreign = lake.commit(branch, "by hand", {})
    assert "is no commit of a stage" in str(reviewed_head.fault(ctx, foreign.id))
