"""Several people at one lake, each with a key pair of their own."""

from __future__ import annotations

import json

from lake import refs, settings
from lake.client import Lake
from lake.home import LakeHome
from pipelines import params
from pipelines.rounds import moved_commits
from tests.flow.projects import Project


def lake_of(project: Project, name: str) -> Lake:
    """The project's lake with the key pair of a reviewer."""
    said = project.stemma("lake", "keys", "add", name, "--role", "writer", "--json")
    key = json.loads(said.out)
    project.lake().head(refs.MAIN)  # it is served
    served = LakeHome(project.root / ".lake").endpoint()
    assert served is not None
    where = settings.Remote(served.url, key["access_key_id"], key["secret_access_key"])
    return moved_commits.opened(where, params.load().lake.repository)
