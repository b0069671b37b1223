"""Handlers of repositories: making and removing them, their metadata, protected branches."""

from __future__ import annotations

from lake.errors import NotFoundError
from lake.server import sample_data
from lake.server.catalog.commits import CommitMessage
from lake.server.catalog.protection import etag
from lake.server.http import representations
from lake.server.http.app_state import AppState
from lake.server.http.bodies import (
    BranchProtectionRemoval,
    BranchProtectionRule,
    BranchProtectionRules,
    RepositoryCreation,
    RepositoryMetadataKeys,
    RepositoryMetadataSet,
)
from lake.server.http.requests import Request, Result


def list_repositories(app: AppState, request: Request) -> Result:
    """Repositories by name."""
    query = request.query
    repositories = app.catalog.repositories(
        query.get("prefix", ""),
        query.get("after", ""),
        request.page_size(),
        query.get("search", ""),
        may_see=lambda name: request.key is None or app.keys.may_see(request.key, name),
    )
    return Result(200, representations.listing(repositories, representations.repository))


def create_repository(app: AppState, request: Request, body: RepositoryCreation) -> Result:
    """Make a repository with an empty first commit, and sample data where it is asked for.

    A bare one has no commit and no branch.
    """
    if request.key is not None:
        app.keys.check_repository(request.key, body.name)
    branch, bare = body.default_branch or "main", request.flag("bare")
    with app.catalog.database.change():
        app.versions.create_repository(
            body.name,
            body.storage_namespace,
            branch,
            request.user,
            read_only=body.read_only,
            bare=bare,
        )
        if body.sample_data and not bare:
            add_samples(app, body.name, branch, request.user)
    return Result(201, representations.repository(app.catalog.repository(body.name)))


def add_samples(app: AppState, repository: str, branch: str, committer: str) -> None:
    """Commit the sample data to a branch."""
    for path, data, media_type in sample_data.files():
        app.objects.stage(
            repository,
            branch,
            path,
            app.store.put(data),
            content_type=media_type,
            metadata={},
        )
    message = CommitMessage(sample_data.MESSAGE, committer, {})
    app.versions.commit_staged(repository, branch, message, allow_empty=True)


def get_repository(app: AppState, request: Request) -> Result:
    """One repository."""
    return Result(200, representations.repository(app.catalog.repository(request.repository)))


def delete_repository(app: AppState, request: Request) -> Result:
    """Remove a repository."""
    app.catalog.delete_repository(request.repository)
    return Result(204)


def get_metadata(app: AppState, request: Request) -> Result:
    """Metadata of a repository."""
    return Result(200, dict(app.catalog.repository(request.repository).metadata))


def set_metadata(app: AppState, request: Request, body: RepositoryMetadataSet) -> Result:
    """Add to the metadata of a repository, or change it."""
    app.settings.set_metadata(request.repository, body.metadata)
    return Result(204)


def delete_metadata(app: AppState, request: Request, body: RepositoryMetadataKeys) -> Result:
    """Remove keys from the metadata of a repository."""
    app.settings.delete_metadata(request.repository, body.keys)
    return Result(204)


def get_gc_rules(app: AppState, request: Request) -> Result:
    """Rules of the garbage collection: there are none, and none can be set.

    Raises:
        NotFoundError: always.
    """
    app.catalog.repository(request.repository)
    raise NotFoundError(f"repository {request.repository!r} has no garbage collection rules")


def get_protection(app: AppState, request: Request) -> Result:
    """Patterns of the branches that take changes by merge only."""
    patterns = app.settings.patterns(request.repository)
    rules = [{"pattern": pattern} for pattern in patterns]
    return Result(200, rules, {"etag": f'"{etag(patterns)}"'})


def set_protection(app: AppState, request: Request, body: BranchProtectionRules) -> Result:
    """Replace the patterns; with If-Match only where they are still what the client saw."""
    patterns = [rule.pattern for rule in body.root]
    app.settings.set_patterns(request.repository, patterns, request.headers.get("if-match"))
    return Result(204)


def add_protection(app: AppState, request: Request, body: BranchProtectionRule) -> Result:
    """Protect the branches that match one more pattern."""
    app.settings.add_pattern(request.repository, body.pattern)
    return Result(204)


def remove_protection(app: AppState, request: Request, body: BranchProtectionRemoval) -> Result:
    """Forget a pattern; without one, all."""
    if body.pattern:
        app.settings.remove_pattern(request.repository, body.pattern)
    else:
        app.settings.set_patterns(request.repository, ())
    return Result(204)
