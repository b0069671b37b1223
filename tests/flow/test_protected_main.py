"""A main that only merges change, as docs advise for a server that several people use."""

from __future__ import annotations

import pytest
from lakefs_sdk import BranchProtectionRule

from lake.client import Lake
from lake.errors import ForbiddenError
from tests.flow.projects import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def protected(empty: Project) -> Lake:
    """The project's lake, with a main that takes no direct change."""
    empty.run("lake", "")
    lake = empty.lake()
    rules = [BranchProtectionRule(pattern="main")]
    set_rules = lake.connection.sdk.repositories_api.set_branch_protection_rules
    lake.connection.call(set_rules, lake.repository, rules)
    return lake


def test_stages_publish_and_publish_again_by_merges_alone(empty: Project, protected: Lake) -> None:
    empty.run("ingest", "tiny")
    empty.round("tiny-1")
    empty.edit(lambda found: found["rounds"]["tiny-1"].update(revision=1))
    empty.round("tiny-1")
    assert {"tiny-v0", "tiny-v1", "tiny-v1.1"} <= set(protected.tags())
    with pytest.raises(ForbiddenError):
        protected.write_bytes("main", "tiny/note.txt", b"by hand")
    with pytest.raises(ForbiddenError):
        protected.commit("main", "by hand", {})
