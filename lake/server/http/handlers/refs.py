"""Handlers of branches, tags and commits: diff, merge, revert, cherry-pick."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from lake.errors import ConflictError, InvalidError
from lake.server.actions import changes
from lake.server.catalog.commits import Commit, CommitMessage
from lake.server.catalog.common_prefixes import Walk, fold_common_prefixes
from lake.server.catalog.entries import Difference
from lake.server.catalog.pagination import page
from lake.server.http import representations
from lake.server.http.app_state import AppState
from lake.server.http.bodies import (
    BranchCreation,
    CherryPickCreation,
    CommitCreation,
    Merge,
    ResetCreation,
    RevertCreation,
    TagCreation,
)
from lake.server.http.requests import Request, Result

STRATEGY: Final = ".lakefs.merge.strategy"
"""Key in a merge's metadata: `default`, `source-wins` or `dest-wins`."""
ORIGIN: Final = "cherry-pick-origin"
"""Key in the metadata of a cherry-pick: the commit that it repeats."""
ORIGINAL_COMMITTER: Final = "cherry-pick-committer"
"""Key in the metadata of a cherry-pick: who made the commit that it repeats."""


def list_branches(app: AppState, request: Request) -> Result:
    """Branches by name, hidden ones only where they are asked for."""
    hidden = () if request.flag("show_hidden") else app.catalog.refs.hidden(request.repository)
    return _list_refs(app, request, "branches", hidden)


def list_tags(app: AppState, request: Request) -> Result:
    """Tags by name."""
    return _list_refs(app, request, "tags")


def create_branch(app: AppState, request: Request, body: BranchCreation) -> Result:
    """Make a branch; the result is the commit id as bare text."""
    with app.actions.change(request.approval) as gate:
        commit = _committed(app, request, body.source)
        branch = app.catalog.refs.create("branches", request.repository, body.name, commit.id)
        if body.hidden:
            app.catalog.refs.hide(request.repository, body.name)
        gate.check(changes.create_branch(request.repository, body.name, body.source, commit))
    return Result(201, branch.commit, {"content-type": "text/html"})


def get_branch(app: AppState, request: Request) -> Result:
    """One branch."""
    branch = app.catalog.refs.get("branches", request.repository, request.branch)
    return Result(200, representations.ref(branch))


def delete_branch(app: AppState, request: Request) -> Result:
    """Remove a branch."""
    with app.actions.change(request.approval) as gate:
        head = app.versions.head(request.repository, request.branch)
        app.catalog.refs.delete("branches", request.repository, request.branch)
        gate.check(changes.delete_branch(request.repository, request.branch, head))
    return Result(204)


def reset_branch(app: AppState, request: Request, body: ResetCreation) -> Result:
    """Forget uncommitted changes."""
    app.objects.reset(request.repository, request.branch, body.type, body.path)
    return Result(204)


def hard_reset_branch(app: AppState, request: Request) -> Result:
    """Point a branch at another commit, and forget its uncommitted changes."""
    with app.catalog.database.change():
        app.catalog.refs.get("branches", request.repository, request.branch)
        target = _commit(app, request, request.query.get("ref", ""))
        app.catalog.unstage(request.repository, request.branch)
        app.catalog.refs.move_branch(request.repository, request.branch, target.id)
    return Result(204)


def create_tag(app: AppState, request: Request, body: TagCreation) -> Result:
    """Make a tag."""
    with app.actions.change(request.approval) as gate:
        commit = _committed(app, request, body.ref)
        tag = app.catalog.refs.create("tags", request.repository, body.id, commit.id)
        gate.check(changes.create_tag(request.repository, body.id, commit))
    return Result(201, representations.ref(tag))


def get_tag(app: AppState, request: Request) -> Result:
    """One tag."""
    tag = app.catalog.refs.get("tags", request.repository, request.path["tag"])
    return Result(200, representations.ref(tag))


def delete_tag(app: AppState, request: Request) -> Result:
    """Remove a tag."""
    with app.actions.change(request.approval) as gate:
        tag = app.catalog.refs.get("tags", request.repository, request.path["tag"])
        commit = app.versions.commit(request.repository, tag.commit)
        app.catalog.refs.delete("tags", request.repository, tag.name)
        gate.check(changes.delete_tag(request.repository, tag.name, commit))
    return Result(204)


def get_commit(app: AppState, request: Request) -> Result:
    """The commit behind a ref."""
    return Result(200, representations.commit(_committed(app, request, request.path["ref"])))


def commit(app: AppState, request: Request, body: CommitCreation) -> Result:
    """Commit the staged changes."""
    with app.actions.change(request.approval) as gate:
        created = app.versions.commit_staged(
            request.repository,
            request.branch,
            gate.dated(body.commit_message(request.user)),
            allow_empty=body.allow_empty,
            source=request.query.get("source_metarange", ""),
        )
        gate.check(changes.commit(request.repository, request.branch, created))
    return Result(201, representations.commit(created))


def diff_branch(app: AppState, request: Request) -> Result:
    """Staged changes that make a difference."""
    with app.catalog.database.snapshot():
        prefix = request.query.get("prefix", "")
        walk = app.versions.diff_branch(request.repository, request.branch, prefix)
        return Result(200, _differences(request, walk))


def diff_refs(app: AppState, request: Request) -> Result:
    """Differences from left to right."""
    diff_type = request.query.get("type") or "three_dot"
    if diff_type not in ("three_dot", "two_dot"):
        raise InvalidError(f"diff type {diff_type!r} is neither three_dot nor two_dot")
    walk = app.versions.diff_refs(
        request.repository,
        _commit(app, request, request.path["left"]),
        _commit(app, request, request.path["right"]),
        three_dot=diff_type == "three_dot",
        prefix=request.query.get("prefix", ""),
    )
    return Result(200, _differences(request, walk))


def find_merge_base(app: AppState, request: Request) -> Result:
    """The best common ancestor of two refs."""
    source = _commit(app, request, request.path["source"])
    destination = _commit(app, request, request.path["destination"])
    base = app.versions.merge_base(request.repository, source, destination)
    return Result(
        200,
        {
            "source_commit_id": source.id,
            "destination_commit_id": destination.id,
            "base_commit_id": base.id,
        },
    )


def merge(app: AppState, request: Request, body: Merge) -> Result:
    """Merge a ref into a branch."""
    name, branch = request.path["source"], request.path["destination"]
    message = with_metadata(
        body.commit_message(request.user, f"Merge {name!r} into {branch!r}"),
        {STRATEGY: "default" if body.strategy in ("", "none") else body.strategy},
    )
    with app.actions.change(request.approval) as gate:
        source = _commit(app, request, name)
        created = app.versions.merge(
            request.repository,
            source,
            branch,
            gate.dated(message),
            strategy=body.strategy,
            squash=body.squash_merge,
            allow_empty=body.allow_empty or body.force,
        )
        gate.check(changes.merge(request.repository, branch, created, source, name))
    return Result(200, {"reference": created.id})


def revert(app: AppState, request: Request, body: RevertCreation) -> Result:
    """Undo a commit on a branch."""
    before, after = _commit_and_parent(app, request, body.ref, body.parent_number)
    app.versions.apply(
        request.repository,
        request.branch,
        after,
        before,
        body.commit_overrides.commit_message(request.user, f"Revert {body.ref}"),
        allow_empty=body.allow_empty,
    )
    return Result(204)


def cherry_pick(app: AppState, request: Request, body: CherryPickCreation) -> Result:
    """Repeat a commit on a branch."""
    before, after = _commit_and_parent(app, request, body.ref, body.parent_number)
    origin = {ORIGIN: after.id, ORIGINAL_COMMITTER: after.committer}
    message = with_metadata(
        body.commit_overrides.commit_message(request.user, after.message),
        {**after.metadata, **origin},
    )
    created = app.versions.apply(request.repository, request.branch, before, after, message)
    return Result(201, representations.commit(created))


def with_metadata(message: CommitMessage, metadata: Mapping[str, str]) -> CommitMessage:
    """A message with metadata of the server's own below what the client gave."""
    return replace(message, metadata={**metadata, **message.metadata})


def _commit_and_parent(
    app: AppState, request: Request, ref: str, number: int
) -> tuple[Commit | None, Commit]:
    """The parent that a commit is compared to, by number where there are several, and the commit.

    Raises:
        InvalidError: it has no parent of this number.
        ConflictError: it has several, and no number is given.
    """
    commit = _commit(app, request, ref)
    if number > len(commit.parents):
        raise InvalidError(f"commit {commit.id} has no parent {number}")
    if len(commit.parents) > 1 and number == 0:
        raise ConflictError(f"commit {commit.id} is a merge: say which parent with parent_number")
    if not commit.parents:
        return None, commit
    return app.versions.commit(request.repository, commit.parents[max(number, 1) - 1]), commit


def _commit(app: AppState, request: Request, ref: str) -> Commit:
    return app.versions.resolve(request.repository, ref).commit


def _committed(app: AppState, request: Request, ref: str) -> Commit:
    """The commit behind a ref that stands for no staged changes.

    Raises:
        InvalidError: it ends with `$`.
    """
    if ref.endswith("$"):
        raise InvalidError(f"{ref!r} stands for staged changes, which are no commit")
    return _commit(app, request, ref)


def _list_refs(app: AppState, request: Request, table: str, hidden: Collection[str] = ()) -> Result:
    query = request.query
    refs = app.catalog.refs.page(
        table,
        request.repository,
        query.get("prefix", ""),
        query.get("after", ""),
        request.page_size(),
        hidden=hidden,
    )
    return Result(200, representations.listing(refs, representations.ref))


def _differences(request: Request, walk: Walk[Difference]) -> dict[str, object]:
    """A page of a diff; with a delimiter, what follows it is folded into common prefixes."""
    query = request.query
    after = query.get("after", "")
    lines = fold_common_prefixes(walk, query.get("prefix", ""), query.get("delimiter", ""), after)
    rest = (line for line in lines if line[0] > after)
    return representations.listing(
        page(rest, request.page_size(), lambda line: line[0]),
        lambda line: (
            representations.difference(line[1], right=request.flag("include_right_stats"))
            if line[1]
            else representations.prefix_changed(line[0])
        ),
    )
