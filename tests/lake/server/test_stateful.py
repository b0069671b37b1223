"""The lake against a model: any history of calls reads as its dictionaries say."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.lake.server.model import (
    Files,
    Line,
    Version,
    against,
    ancestors,
    changed,
    conflicts,
    laid_over,
    merge_base,
)
from tests.lake.servers import Served

PATHS = st.sampled_from(["a", "a/b", "a/c", "b", "d/e/f", "ü"])
DATA = st.sampled_from([b"", b"1", b"2"])
NUMBERS = st.integers(0, 1000)
_NAMES = itertools.count(1)


class LakeMachine(RuleBasedStateMachine):
    """Random histories on a real server."""

    branches = Bundle("branches")
    api: httpx.Client

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, Line] = {}
        self.tags: dict[str, Version] = {}
        self.made: list[Version] = []
        self.numbers = itertools.count(1)
        self.repo = ""

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        return self.api.request(method, self.repo + path, **options)

    def done(self, method: str, path: str, **options: object) -> Any:
        answer = self.ask(method, path, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content.startswith((b"{", b"[")) else answer.text

    def version(self, name: str, files: Files, *parents: Version) -> Version:
        generation = 1 + max((item.generation for item in parents), default=0)
        self.made.append(Version(name, files, parents, generation, next(self.numbers)))
        return self.made[-1]

    def listed(self, ref: str) -> Files:
        items = self.done("GET", f"/refs/{ref}/objects/ls?amount=1000")["results"]
        return {
            item["path"]: self.ask(
                "GET", f"/refs/{ref}/objects", params={"path": item["path"]}
            ).content
            for item in items
        }

    @initialize(target=branches)
    def begin(self) -> str:
        name = f"model-{next(_NAMES)}"
        wanted = {"name": name, "storage_namespace": f"local://{name}"}
        self.done("POST", "/repositories", json=wanted)
        self.repo = f"/repositories/{name}"
        head = self.done("GET", "/branches/main")["commit_id"]
        self.lines["main"] = Line(self.version(head, {}))
        return "main"

    @rule(branch=branches, path=PATHS, data=DATA)
    def upload(self, branch: str, path: str, data: bytes) -> None:
        where = f"/branches/{branch}/objects"
        self.done("POST", where, params={"path": path}, content=data)
        self.lines[branch].staged[path] = data

    @rule(branch=branches, paths=st.lists(PATHS, min_size=1, max_size=3))
    def delete(self, branch: str, paths: list[str]) -> None:
        self.done("POST", f"/branches/{branch}/objects/delete", json={"paths": paths})
        self.lines[branch].staged.update(dict.fromkeys(paths))

    @rule(branch=branches)
    def reset(self, branch: str) -> None:
        self.done("PUT", f"/branches/{branch}", json={"type": "reset"})
        self.lines[branch].staged.clear()

    @rule(branch=branches)
    def commit(self, branch: str) -> None:
        line = self.lines[branch]
        answer = self.ask("POST", f"/branches/{branch}/commits", json={"message": "m"})
        assert answer.status_code == (201 if line.dirty else 400), answer.text
        if line.dirty:
            made = self.version(answer.json()["id"], line.files, line.head)
            self.lines[branch] = Line(made)

    @rule(target=branches, source=branches)
    def branch(self, source: str) -> str:
        name = f"b{next(self.numbers)}"
        self.done("POST", "/branches", json={"name": name, "source": source})
        self.lines[name] = Line(self.lines[source].head)
        return name

    @rule(target=branches, name=consumes(branches))
    def delete_branch(self, name: str) -> object:
        answer = self.ask("DELETE", f"/branches/{name}")
        assert answer.status_code == (403 if name == "main" else 204)
        if name == "main":
            return name
        del self.lines[name]
        return multiple()

    @rule(branch=branches)
    def tag(self, branch: str) -> None:
        name = f"v{next(self.numbers)}"
        self.done("POST", "/tags", json={"id": name, "ref": branch})
        self.tags[name] = self.lines[branch].head

    @rule(
        source=branches,
        into=branches,
        strategy=st.sampled_from(["", "source-wins", "dest-wins"]),
        squash=st.booleans(),
    )
    def merge(self, source: str, into: str, strategy: str, squash: bool) -> None:
        theirs, line = self.lines[source].head, self.lines[into]
        wanted = {"strategy": strategy, "squash_merge": squash}
        answer = self.ask("POST", f"/refs/{source}@/merge/{into}", json=wanted)
        base = merge_base(theirs, line.head)
        clash = conflicts(base.files, line.head.files, theirs.files)
        if line.dirty or base.files == theirs.files:
            assert answer.status_code == 400, answer.text
        elif clash and not strategy:
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 200, answer.text
            take = changed(base.files, theirs.files)
            if strategy != "source-wins":
                take = {path: data for path, data in take.items() if path not in clash}
            parents = (line.head,) if squash else (line.head, theirs)
            files = laid_over(line.head.files, take)
            self.lines[into] = Line(self.version(answer.json()["reference"], files, *parents))

    @rule(branch=branches, number=NUMBERS, side=st.sampled_from([0, 1]))
    def revert(self, branch: str, number: int, side: int) -> None:
        """Undo any commit there is, compared to one of its parents."""
        commit = self.made[number % len(self.made)]
        parent, wanted = against(commit, side)
        answer = self.ask("POST", f"/branches/{branch}/revert", json=wanted)
        found = self.applied(branch, commit.files, parent, answer, 204)
        if found is not None:
            made = self.done("GET", f"/branches/{branch}")["commit_id"]
            self.lines[branch] = Line(self.version(made, found, self.lines[branch].head))

    @rule(branch=branches, number=NUMBERS, side=st.sampled_from([0, 1]))
    def cherry_pick(self, branch: str, number: int, side: int) -> None:
        """Repeat any commit there is, compared to one of its parents."""
        commit = self.made[number % len(self.made)]
        parent, wanted = against(commit, side)
        answer = self.ask("POST", f"/branches/{branch}/cherry-pick", json=wanted)
        found = self.applied(branch, parent, commit.files, answer, 201)
        if found is not None:
            made = self.version(answer.json()["id"], found, self.lines[branch].head)
            self.lines[branch] = Line(made)

    def applied(
        self, branch: str, before: Files, after: Files, answer: httpx.Response, good: int
    ) -> Files | None:
        """Check the answer to a call that repeats a change; return the files, None if refused."""
        line = self.lines[branch]
        files = laid_over(line.head.files, changed(before, after))
        if line.dirty:
            expected = 400
        elif conflicts(before, line.head.files, after):
            expected = 409
        else:
            expected = 400 if files == line.head.files else good
        assert answer.status_code == expected, answer.text
        return files if expected == good else None

    @rule(branch=branches, number=NUMBERS)
    def hard_reset(self, branch: str, number: int) -> None:
        commit = self.made[number % len(self.made)]
        answer = self.ask("PUT", f"/branches/{branch}/hard_reset", params={"ref": commit.id})
        assert answer.status_code == 204, answer.text
        self.lines[branch] = Line(commit)

    @rule(number=NUMBERS)
    def delete_tag(self, number: int) -> None:
        if self.tags:
            name = sorted(self.tags)[number % len(self.tags)]
            self.done("DELETE", f"/tags/{name}")
            del self.tags[name]

    @rule()
    def collect(self) -> None:
        """Collect garbage: what nothing leads to is gone, and all else is as it was."""
        self.api.post("/_stemma/gc", json={"keep_seconds": 0}).raise_for_status()
        kept: dict[str, Version] = {}
        for version in [*(line.head for line in self.lines.values()), *self.tags.values()]:
            kept |= ancestors(version)
        for version in self.made:
            code = self.ask("GET", f"/commits/{version.id}").status_code
            assert code == (200 if version.id in kept else 404)
        self.made = [version for version in self.made if version.id in kept]

    @rule(left=branches, right=branches)
    def diffs(self, left: str, right: str) -> None:
        ours, theirs = self.lines[left].head, self.lines[right].head
        where = f"/refs/{left}@/diff/{right}@?amount=1000&type="
        two = self.done("GET", where + "two_dot")["results"]
        assert {item["path"] for item in two} == set(changed(ours.files, theirs.files))
        base = merge_base(ours, theirs).files
        clash = conflicts(base, ours.files, theirs.files)
        already = changed(base, ours.files)
        three = self.done("GET", where + "three_dot")["results"]
        assert {item["path"] for item in three} == {
            path for path in changed(base, theirs.files) if path not in already or path in clash
        }
        assert {item["path"] for item in three if item["type"] == "conflict"} == clash

    @rule(branch=branches)
    def log(self, branch: str) -> None:
        head = self.lines[branch].head
        where = f"/refs/{branch}/commits?amount=1000"
        expected = sorted(
            ancestors(head).values(), key=lambda item: (-item.generation, -item.number)
        )
        found = self.done("GET", where)["results"]
        assert [item["id"] for item in found] == [item.id for item in expected]
        line = [head]
        while line[-1].parents:
            line.append(line[-1].parents[0])
        found = self.done("GET", where + "&first_parent=true")["results"]
        assert [item["id"] for item in found] == [item.id for item in line]

    @invariant()
    def every_ref_holds_its_files(self) -> None:
        if not self.lines:
            return
        name, line = list(self.lines.items())[-1]
        assert self.listed(name) == line.files
        staged = self.done("GET", f"/branches/{name}/diff?amount=1000")["results"]
        assert {item["path"] for item in staged} == set(changed(line.head.files, line.files))

    def teardown(self) -> None:
        if not self.lines:
            return
        for name, line in self.lines.items():
            assert self.listed(name) == line.files
            assert self.listed(f"{name}@") == line.head.files
        for name, version in self.tags.items():
            assert self.listed(name) == version.files


@pytest.mark.parametrize("histories", [12, pytest.param(40, marks=pytest.mark.slow)])
def test_any_history_reads_as_its_model(server: Served, histories: int) -> None:
    with server.http() as api:
        LakeMachine.api = api
        run_state_machine_as_test(
            LakeMachine,
            settings=settings(
                max_examples=histories,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
