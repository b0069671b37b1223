"""Changes that hooks are asked and told of: what each event says, as lakeFS says it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lake.server.actions.events import Event, EventType
from lake.server.catalog.commits import Commit


@dataclass(frozen=True, slots=True)
class Change:
    """A change with the event before it and the one after it.

    `token` says what exactly comes of it: two changes with one token are the same. `commit` is the
    commit that it makes, None where it makes none.
    """

    before: Event
    after: Event
    token: tuple[str, ...]
    commit: Commit | None = None


def commit(repository: str, branch: str, made: Commit) -> Change:
    """A commit of staged changes, or of an import."""
    before = Event(
        EventType.PRE_COMMIT,
        repository,
        made.root,
        branch=branch,
        source_ref=branch,
        commit=made,
    )
    after = replace(before, type=EventType.POST_COMMIT, source_ref=made.id, commit_id=made.id)
    return Change(before, after, (made.id,), made)


def merge(repository: str, branch: str, made: Commit, source: Commit, name: str) -> Change:
    """A merge into a branch; `name` is the source as who merges wrote it."""
    before = Event(
        EventType.PRE_MERGE,
        repository,
        source.root,
        branch=branch,
        source_ref=source.id,
        commit_id=made.id,
        commit=made,
        merge_source=name,
    )
    after = replace(before, type=EventType.POST_MERGE, root=made.root, source_ref=made.id)
    return Change(before, after, (made.id, source.id), made)


def create_branch(repository: str, branch: str, ref: str, at: Commit) -> Change:
    """A new branch; `ref` is its source as who makes it wrote it."""
    return _of_ref(
        EventType.PRE_CREATE_BRANCH,
        EventType.POST_CREATE_BRANCH,
        repository,
        at,
        branch=branch,
        source_ref=ref,
        commit_id=at.id,
    )


def delete_branch(repository: str, branch: str, at: Commit) -> Change:
    """The end of a branch."""
    return _of_ref(
        EventType.PRE_DELETE_BRANCH,
        EventType.POST_DELETE_BRANCH,
        repository,
        at,
        branch=branch,
        source_ref=at.id,
    )


def create_tag(repository: str, tag: str, at: Commit) -> Change:
    """A new tag."""
    return _of_tag(EventType.PRE_CREATE_TAG, EventType.POST_CREATE_TAG, repository, tag, at)


def delete_tag(repository: str, tag: str, at: Commit) -> Change:
    """The end of a tag."""
    return _of_tag(EventType.PRE_DELETE_TAG, EventType.POST_DELETE_TAG, repository, tag, at)


def _of_tag(before: EventType, after: EventType, repository: str, tag: str, at: Commit) -> Change:
    return _of_ref(before, after, repository, at, tag=tag, source_ref=at.id, commit_id=at.id)


def _of_ref(
    before: EventType,
    after: EventType,
    repository: str,
    at: Commit,
    *,
    branch: str = "",
    tag: str = "",
    source_ref: str,
    commit_id: str = "",
) -> Change:
    """A change of a branch or tag that points to a commit; both events say the same."""
    event = Event(
        before,
        repository,
        at.root,
        branch=branch,
        tag=tag,
        source_ref=source_ref,
        commit_id=commit_id,
    )
    return Change(event, replace(event, type=after), (branch, tag, at.id))
