"""What the summary of a branch says where main changed the same paths."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from review.cli.round_refs import RoundRef
from review.ui.render import ENGINE


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("main", "tiny/head.json. Run <code>dvc repro</code> again.</p>"),
        ("hot", "changed 1 of the same paths meanwhile, which matters to no line that is not"),
    ],
)
def test_only_a_line_that_is_merged_has_to_be_run_again(line: str, says: str) -> None:
    diff = SimpleNamespace(identical=False, changes={}, conflicts=["tiny/head.json"])
    found = ENGINE.get_template("summary.html.j2").render(
        round_ref=RoundRef("tiny-r001", "tiny", 1, "c" * 64, line),
        diff=diff,
        sentences=["conflict: tiny/head.json changed on both sides; a merge stops here"],
        sections=[],
        details=[],
    )
    assert says in found
    assert "a merge stops here" not in found
