"""Handlers of repositories, branches, tags and commits."""

from __future__ import annotations

from itertools import dropwhile, islice
from typing import Final

from lake.errors import Invalid, Unsupported
from lake.server import answers
from lake.server.calls import Answer, Call, Services
from lake.server.catalog import Page, page
from lake.server.commits import Commit
from lake.server.entries import Difference

VERSION: Final = "1.80.0"
"""The version of lakeFS whose API this server follows."""


def healthcheck(_lake: Services, _call: Call) -> Answer:
    """Answer that the server is up."""
    return Answer(204)


def config(_lake: Services, _call: Call) -> Answer:
    """Version and store."""
    return Answer(200, answers.config(version=VERSION))


def version(_lake: Services, _call: Call) -> Answer:
    """Version alone."""
    return Answer(200, {"version": VERSION})


def storage(_lake: Services, _call: Call) -> Answer:
    """Store alone."""
    return Answer(200, answers.storage())


def current_user(_lake: Services, call: Call) -> Answer:
    """Who the credentials belong to."""
    return Answer(200, {"user": {"id": call.user, "creation_date": 0}})


def list_repositories(lake: Services, call: Call) -> Answer:
    """Repositories by name."""
    query = call.query
    found = lake.catalog.repositories(
        query.get("prefix", ""), query.get("after", ""), call.amount()
    )
    return Answer(200, answers.listing(found, answers.repository))


def create_repository(lake: Services, call: Call) -> Answer:
    """Make a repository with an empty first commit."""
    if call.flag("sample_data"):
        raise Unsupported("this lake makes no sample data")
    name = call.text("name")
    lake.versions.create_repository(
        name,
        call.text("storage_namespace"),
        call.optional("default_branch") or "main",
        call.user,
        read_only=call.flag("read_only"),
    )
    return Answer(201, answers.repository(lake.catalog.repository(name)))


def get_repository(lake: Services, call: Call) -> Answer:
    """One repository."""
    return Answer(200, answers.repository(lake.catalog.repository(call.repository)))


def delete_repository(lake: Services, call: Call) -> Answer:
    """Remove a repository."""
    lake.catalog.delete_repository(call.repository)
    return Answer(204)


def repository_metadata(lake: Services, call: Call) -> Answer:
    """Metadata of a repository."""
    return Answer(200, dict(lake.catalog.repository(call.repository).metadata))


def list_branches(lake: Services, call: Call) -> Answer:
    """Branches by name."""
    return _refs(lake, call, "branches")


def list_tags(lake: Services, call: Call) -> Answer:
    """Tags by name."""
    return _refs(lake, call, "tags")


def create_branch(lake: Services, call: Call) -> Answer:
    """Make a branch; the answer is the commit id as bare text."""
    with lake.catalog.database.change():
        source = lake.versions.place(call.repository, call.text("source"))
        made = lake.catalog.create_ref(
            "branches", call.repository, call.text("name"), source.commit.id
        )
    return Answer(201, made.commit, {"content-type": "text/html"})


def get_branch(lake: Services, call: Call) -> Answer:
    """One branch."""
    return Answer(200, answers.ref(lake.catalog.ref("branches", call.repository, call.branch)))


def delete_branch(lake: Services, call: Call) -> Answer:
    """Remove a branch."""
    lake.catalog.delete_ref("branches", call.repository, call.branch)
    return Answer(204)


def reset_branch(lake: Services, call: Call) -> Answer:
    """Forget uncommitted changes."""
    kind = call.optional("type") or "reset"
    path = "" if kind == "reset" else call.text("path")
    lake.content.reset(call.repository, call.branch, kind, path)
    return Answer(204)


def hard_reset_branch(lake: Services, call: Call) -> Answer:
    """Point a clean branch at another commit."""
    with lake.catalog.database.change():
        lake.versions.clean_head(call.repository, call.branch)
        target = lake.versions.place(call.repository, call.query.get("ref", ""))
        lake.catalog.unstage(call.repository, call.branch)  # it makes no difference only here
        lake.catalog.move_branch(call.repository, call.branch, target.commit.id)
    return Answer(204)


def create_tag(lake: Services, call: Call) -> Answer:
    """Make a tag."""
    with lake.catalog.database.change():
        target = lake.versions.place(call.repository, call.text("ref"))
        made = lake.catalog.create_ref("tags", call.repository, call.text("id"), target.commit.id)
    return Answer(201, answers.ref(made))


def get_tag(lake: Services, call: Call) -> Answer:
    """One tag."""
    return Answer(200, answers.ref(lake.catalog.ref("tags", call.repository, call.path["tag"])))


def delete_tag(lake: Services, call: Call) -> Answer:
    """Remove a tag."""
    lake.catalog.delete_ref("tags", call.repository, call.path["tag"])
    return Answer(204)


def get_commit(lake: Services, call: Call) -> Answer:
    """The commit behind a ref."""
    return Answer(200, answers.commit(_commit(lake, call, call.path["ref"])))


def log_commits(lake: Services, call: Call) -> Answer:
    """Commits reachable from a ref, newest first."""
    if call.query.get("objects") or call.query.get("prefixes"):
        raise Unsupported("the log cannot be filtered by objects or prefixes yet")
    start = _commit(lake, call, call.path["ref"])
    found = lake.versions.log(call.repository, start, first_parent=call.flag("first_parent"))
    after = call.query.get("after", "")
    if after:
        found = islice(dropwhile(lambda item: item.id != after, found), 1, None)
    return Answer(200, answers.listing(page(found, call.amount(), _id), answers.commit))


def commit(lake: Services, call: Call) -> Answer:
    """Commit what is staged."""
    call.text("message")
    made = lake.versions.commit_staged(
        call.repository, call.branch, call.note(""), allow_empty=call.flag("allow_empty")
    )
    return Answer(201, answers.commit(made))


def diff_branch(lake: Services, call: Call) -> Answer:
    """What is staged and makes a difference."""
    found = lake.versions.diff_branch(call.repository, call.branch, call.query.get("prefix", ""))
    return Answer(200, _differences(call, sorted(found, key=lambda item: item.path)))


def diff_refs(lake: Services, call: Call) -> Answer:
    """What changes from left to right."""
    kind = call.query.get("type") or "three_dot"
    if kind not in ("three_dot", "two_dot"):
        raise Invalid(f"diff type {kind!r} is none of three_dot, two_dot")
    found = lake.versions.diff_refs(
        call.repository,
        _commit(lake, call, call.path["left"]),
        _commit(lake, call, call.path["right"]),
        three_dot=kind == "three_dot",
        prefix=call.query.get("prefix", ""),
    )
    return Answer(200, _differences(call, list(found)))


def find_merge_base(lake: Services, call: Call) -> Answer:
    """The best common ancestor of two refs."""
    source = _commit(lake, call, call.path["source"])
    destination = _commit(lake, call, call.path["destination"])
    base = lake.versions.merge_base(call.repository, source, destination)
    return Answer(
        200,
        {
            "source_commit_id": source.id,
            "destination_commit_id": destination.id,
            "base_commit_id": base.id,
        },
    )


def merge(lake: Services, call: Call) -> Answer:
    """Merge a ref into a branch."""
    source = _commit(lake, call, call.path["source"])
    branch = call.path["destination"]
    made = lake.versions.merge(
        call.repository,
        source,
        branch,
        call.note(f"Merge {call.path['source']!r} into {branch!r}"),
        strategy=call.optional("strategy"),
        squash=call.flag("squash_merge"),
        allow_empty=call.flag("allow_empty") or call.flag("force"),
    )
    return Answer(200, {"reference": made.id})


def revert(lake: Services, call: Call) -> Answer:
    """Undo a commit on a branch."""
    ref = call.text("ref")
    before, after = _change(lake, call, ref)
    lake.versions.apply(
        call.repository,
        call.branch,
        after,
        before,
        call.inner("commit_overrides").note(f"Revert {ref}"),
        allow_empty=call.flag("allow_empty"),
    )
    return Answer(204)


def cherry_pick(lake: Services, call: Call) -> Answer:
    """Repeat a commit on a branch."""
    ref = call.text("ref")
    before, after = _change(lake, call, ref)
    default = after.message if after else f"Cherry-pick {ref}"
    note = call.inner("commit_overrides").note(default)
    made = lake.versions.apply(call.repository, call.branch, before, after, note)
    return Answer(201, answers.commit(made))


def _change(lake: Services, call: Call, ref: str) -> tuple[Commit | None, Commit]:
    """A commit and the parent it is compared to: by number where there are several."""
    commit = _commit(lake, call, ref)
    number = call.body.get("parent_number") or 0
    if not isinstance(number, int) or number < 0 or number > len(commit.parents):
        raise Invalid(f"commit {commit.id} has no parent {number}")
    if len(commit.parents) > 1 and number == 0:
        raise Invalid(f"commit {commit.id} is a merge: say which parent with parent_number")
    if not commit.parents:
        return None, commit
    return lake.versions.commit(call.repository, commit.parents[max(number, 1) - 1]), commit


def _commit(lake: Services, call: Call, ref: str) -> Commit:
    return lake.versions.place(call.repository, ref).commit


def _refs(lake: Services, call: Call, kind: str) -> Answer:
    query = call.query
    found = lake.catalog.refs(
        kind, call.repository, query.get("prefix", ""), query.get("after", ""), call.amount()
    )
    return Answer(200, answers.listing(found, answers.ref))


def _differences(call: Call, found: list[Difference]) -> dict[str, object]:
    """A page of a diff; with a delimiter, what follows it is folded."""
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    lines: dict[str, Difference | None] = {}
    for item in found:
        cut = item.path.find(delimiter, len(prefix)) if delimiter else -1
        folded = item.path[: cut + len(delimiter)]
        lines.setdefault(*((item.path, item) if cut < 0 else (folded, None)))
    after = call.query.get("after", "")
    wanted = ((path, item) for path, item in sorted(lines.items()) if path > after)
    taken: Page[tuple[str, Difference | None]] = page(wanted, call.amount(), lambda line: line[0])
    return answers.listing(
        taken,
        lambda line: answers.difference(line[1]) if line[1] else answers.prefix_changed(line[0]),
    )


def _id(commit: Commit) -> str:
    return commit.id
