"""Handlers of branches, tags and commits: diff, merge, revert, cherry-pick."""

from __future__ import annotations

from lake.errors import InvalidError
from lake.server.catalog.commits import Commit
from lake.server.catalog.common_prefixes import Walk, folded
from lake.server.catalog.entries import Difference
from lake.server.catalog.pagination import Page, page
from lake.server.http import representations
from lake.server.http.requests import Answer, Call, Services


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
    return Answer(
        200, representations.ref(lake.catalog.ref("branches", call.repository, call.branch))
    )


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
    return Answer(201, representations.ref(made))


def get_tag(lake: Services, call: Call) -> Answer:
    """One tag."""
    return Answer(
        200, representations.ref(lake.catalog.ref("tags", call.repository, call.path["tag"]))
    )


def delete_tag(lake: Services, call: Call) -> Answer:
    """Remove a tag."""
    lake.catalog.delete_ref("tags", call.repository, call.path["tag"])
    return Answer(204)


def get_commit(lake: Services, call: Call) -> Answer:
    """The commit behind a ref."""
    return Answer(200, representations.commit(_commit(lake, call, call.path["ref"])))


def commit(lake: Services, call: Call) -> Answer:
    """Commit what is staged."""
    call.text("message")
    made = lake.versions.commit_staged(
        call.repository, call.branch, call.note(""), allow_empty=call.flag("allow_empty")
    )
    return Answer(201, representations.commit(made))


def diff_branch(lake: Services, call: Call) -> Answer:
    """What is staged and makes a difference."""
    with lake.catalog.database.snapshot():
        prefix = call.query.get("prefix", "")
        walk = lake.versions.diff_branch(call.repository, call.branch, prefix)
        return Answer(200, _differences(call, walk))


def diff_refs(lake: Services, call: Call) -> Answer:
    """What changes from left to right."""
    kind = call.query.get("type") or "three_dot"
    if kind not in ("three_dot", "two_dot"):
        raise InvalidError(f"diff type {kind!r} is none of three_dot, two_dot")
    walk = lake.versions.diff_refs(
        call.repository,
        _commit(lake, call, call.path["left"]),
        _commit(lake, call, call.path["right"]),
        three_dot=kind == "three_dot",
        prefix=call.query.get("prefix", ""),
    )
    return Answer(200, _differences(call, walk))


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
    return Answer(201, representations.commit(made))


def _change(lake: Services, call: Call, ref: str) -> tuple[Commit | None, Commit]:
    """A commit and the parent it is compared to: by number where there are several."""
    commit = _commit(lake, call, ref)
    number = call.body.get("parent_number") or 0
    if not isinstance(number, int) or number < 0 or number > len(commit.parents):
        raise InvalidError(f"commit {commit.id} has no parent {number}")
    if len(commit.parents) > 1 and number == 0:
        raise InvalidError(f"commit {commit.id} is a merge: say which parent with parent_number")
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
    return Answer(200, representations.listing(found, representations.ref))


def _differences(call: Call, walk: Walk[Difference]) -> dict[str, object]:
    """A page of a diff; with a delimiter, what follows it is folded."""
    query = call.query
    after = query.get("after", "")
    lines = folded(walk, query.get("prefix", ""), query.get("delimiter", ""), after)
    wanted = (line for line in lines if line[0] > after)
    taken: Page[tuple[str, Difference | None]] = page(wanted, call.amount(), lambda line: line[0])
    return representations.listing(
        taken,
        lambda line: (
            representations.difference(line[1])
            if line[1]
            else representations.prefix_changed(line[0])
        ),
    )
