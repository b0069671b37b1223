"""What the people of a project do after an attack, and what they are told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lake import refs
from lake.client import Lake
from pipelines.rounds import manifest, receipts
from pipelines.stages import runner
from tests.commands import Finished
from tests.flow.projects import STAGES, Project, content

ROUND = "tiny-3"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round holds that a reader of the data would learn from, and its figures."""

    tables: dict[str, list[dict[str, Any]]]
    metrics: dict[str, Any]


def outcome(lake: Lake, ref: str, number: int = 3) -> Outcome:
    """The outcome of a round of `tiny` at a ref."""
    held = {
        path: rows for path, rows in content(lake, ref).items() if refs.round_of(path) == number
    }
    return Outcome(held, manifest.read(lake, ref, "tiny", number)["metrics"])


def unblock(project: Project) -> Outcome:
    """Let the guard pass round 3; what is to be published then."""
    project.edit(lambda found: found["rounds"]["tiny-3"].update(publish={}))
    return outcome(project.lake(), receipts.read("tiny", 3, "evaluate").commit)


def run(project: Project, *stages: str, key: str = ROUND) -> str | None:
    """Run stages as `dvc repro` does, up to the first that stops; its sentence."""
    try:
        project.round(key, *stages)
    except runner.FAILURES as error:
        sentence = str(error)
        assert sentence.strip()
        return sentence
    return None


def repro(project: Project) -> str | None:
    """Run everything as `dvc repro` does, up to the first stage that stops; its sentence."""
    try:
        project.run("lake", "")
        project.run("ingest", "tiny")
        for number in (1, 2, 3):
            project.round(f"tiny-{number}", *STAGES)
    except runner.FAILURES as error:
        return str(error)
    return None


def audited(project: Project, how: str = "--history") -> dict[str, Any]:
    """What an audit of main finds, as JSON; its exit code says whether it found anything."""
    done = project.stemma("audit", how, refs.MAIN, "--json")
    assert "Traceback" not in done.said
    if done.code == 4 and not done.out.endswith("}\n"):  # what is compared cannot even be read
        assert len(done.err.strip().splitlines()) == 1, done.said
        return {"findings": [{"check": "unreadable", "says": done.err.strip()}]}
    found: dict[str, Any] = json.loads(done.out)
    if done.code == 4 and "error" in found:  # the same, found on the way
        assert not found["clean"]
        return {"findings": [{"check": "unreadable", "says": found["error"]}]}
    assert done.code == (1 if found["findings"] else 0), done.said
    return found


def wrongs(project: Project) -> dict[str, str]:
    """What `stemma audit --history main` names: what is wrong, by commit.

    Where a commit says of itself that this release cannot read it, that sentence is all there is.
    """
    found = audited(project)["findings"]
    return {each.get("commit", each.get("says")): each.get("wrong", "") for each in found}


def proof(project: Project) -> list[dict[str, Any]]:
    """What `stemma audit --recompute main` finds."""
    found: list[dict[str, Any]] = audited(project, "--recompute")["findings"]
    return found


def recomputed(project: Project) -> set[str]:
    """The checks of `stemma audit --recompute main` that found something."""
    return {each["check"] for each in proof(project)}


def status(project: Project) -> Finished:
    """What `stemma status` says."""
    done = project.stemma("status")
    assert "Traceback" not in done.said
    return done


def clean(project: Project) -> None:
    """Both audits of main find nothing."""
    assert wrongs(project) == {}
    assert recomputed(project) == set()
