"""The lake against a model: branches as dictionaries, histories as lists of dictionaries."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import httpx
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

from tests.lake.servers import Served

Files = dict[str, bytes]
PATHS = st.sampled_from(["a", "a/b", "a/c", "b", "d/e/f", "ü"])
DATA = st.sampled_from([b"", b"1", b"2"])
_NAMES = itertools.count(1)


@dataclass(frozen=True)
class Version:
    """A commit of the model; `generation` and `number` order the log."""

    id: str
    files: Files
    parents: tuple[Version, ...] = ()
    generation: int = 1
    number: int = 0


@dataclass
class Line:
    """A branch of the model: its head and what is staged on it, None where removed."""

    head: Version
    staged: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def files(self) -> Files:
        return laid_over(self.head.files, self.staged)

    @property
    def dirty(self) -> bool:
        return self.files != self.head.files


def laid_over(files: Files, changes: dict[str, bytes | None]) -> Files:
    merged = {**files, **changes}
    return {path: data for path, data in merged.items() if data is not None}


def changed(before: Files, after: Files) -> dict[str, bytes | None]:
    paths = before.keys() | after.keys()
    return {path: after.get(path) for path in paths if before.get(path) != after.get(path)}


def ancestors(version: Version) -> dict[str, Version]:
    found, waiting = {}, [version]
    while waiting:
        item = waiting.pop()
        if item.id not in found:
            found[item.id] = item
            waiting.extend(item.parents)
    return found


def merge_base(left: Version, right: Version) -> Version:
    shared = ancestors(left).keys() & ancestors(right).keys()
    return max(
        (ancestors(left)[name] for name in shared), key=lambda item: (item.generation, item.number)
    )


def conflicts(base: Files, ours: Files, theirs: Files) -> set[str]:
    mine, other = changed(base, ours), changed(base, theirs)
    return {path for path in mine.keys() & other.keys() if mine[path] != other[path]}


class LakeMachine(RuleBasedStateMachine):
    """Random histories on a real server."""

    branches = Bundle("branches")
    api: httpx.Client

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, Line] = {}
        self.tags: dict[str, Version] = {}
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
        return Version(name, files, parents, generation, next(self.numbers))

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

    @rule(branch=branches)
    def revert_head(self, branch: str) -> None:
        line = self.lines[branch]
        number = 1 if len(line.head.parents) > 1 else 0
        wanted = {"ref": f"{branch}@", "parent_number": number}
        answer = self.ask("POST", f"/branches/{branch}/revert", json=wanted)
        before = line.head.parents[0].files if line.head.parents else {}
        if line.dirty or before == line.head.files:
            assert answer.status_code == 400, answer.text
            return
        assert answer.status_code == 204, answer.text
        made = self.done("GET", f"/branches/{branch}")["commit_id"]
        self.lines[branch] = Line(self.version(made, before, line.head))

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
        found = self.done("GET", f"/refs/{branch}/commits?amount=1000")["results"]
        expected = sorted(
            ancestors(self.lines[branch].head).values(),
            key=lambda item: (-item.generation, -item.number),
        )
        assert [item["id"] for item in found] == [item.id for item in expected]

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


def test_any_history_reads_as_its_model(server: Served) -> None:
    with server.http() as api:
        LakeMachine.api = api
        run_state_machine_as_test(
            LakeMachine,
            settings=settings(
                max_examples=40,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
