"""Handlers of repositories: making and removing them, their metadata, protected branches."""

from __future__ import annotations

from lake.errors import InvalidError
from lake.server import sample_data
from lake.server.catalog.commits import Note
from lake.server.catalog.pagination import Page
from lake.server.catalog.protection import mark
from lake.server.http import representations
from lake.server.http.requests import Answer, Call, Services


def list_repositories(lake: Services, call: Call) -> Answer:
    """Repositories by name."""
    query = call.query
    found = lake.catalog.repositories(
        query.get("prefix", ""), query.get("after", ""), call.amount()
    )
    return Answer(200, representations.listing(found, representations.repository))


def create_repository(lake: Services, call: Call) -> Answer:
    """Make a repository with an empty first commit, and sample data where it is asked for."""
    name, branch = call.text("name"), call.optional("default_branch") or "main"
    read_only, sampled = call.flag("read_only"), call.flag("sample_data")
    if read_only and sampled:
        raise InvalidError("a read-only repository takes no sample data")
    with lake.catalog.database.change():
        lake.versions.create_repository(
            name, call.text("storage_namespace"), branch, call.user, read_only=read_only
        )
        if sampled:
            add_samples(lake, name, branch, call.user)
    return Answer(201, representations.repository(lake.catalog.repository(name)))


def add_samples(lake: Services, repository: str, branch: str, committer: str) -> None:
    """Commit the sample data to a branch."""
    for path, data, kind in sample_data.files():
        stored = lake.store.put(data)
        lake.content.stage(
            repository, branch, path, stored, content_type=kind, metadata={}, only_new=False
        )
    note = Note(sample_data.MESSAGE, committer, {})
    lake.versions.commit_staged(repository, branch, note, allow_empty=True)


def get_repository(lake: Services, call: Call) -> Answer:
    """One repository."""
    return Answer(200, representations.repository(lake.catalog.repository(call.repository)))


def delete_repository(lake: Services, call: Call) -> Answer:
    """Remove a repository."""
    lake.catalog.delete_repository(call.repository)
    return Answer(204)


def get_metadata(lake: Services, call: Call) -> Answer:
    """Metadata of a repository."""
    return Answer(200, dict(lake.catalog.repository(call.repository).metadata))


def set_metadata(lake: Services, call: Call) -> Answer:
    """Add to the metadata of a repository, or change it."""
    lake.settings.set_metadata(call.repository, call.metadata("metadata"))
    return Answer(201)


def delete_metadata(lake: Services, call: Call) -> Answer:
    """Remove keys from the metadata of a repository."""
    lake.settings.delete_metadata(call.repository, call.texts("keys"))
    return Answer(204)


def get_protection(lake: Services, call: Call) -> Answer:
    """Patterns of the branches that take changes by merge only."""
    rules = lake.settings.rules(call.repository)
    return Answer(200, [{"pattern": rule} for rule in rules], {"etag": f'"{mark(rules)}"'})


def set_protection(lake: Services, call: Call) -> Answer:
    """Replace the patterns; with If-Match only where they are still what the caller saw."""
    patterns = [item.text("pattern") for item in call.listed]
    lake.settings.set_rules(call.repository, patterns, call.headers.get("if-match"))
    return Answer(204)


def add_protection(lake: Services, call: Call) -> Answer:
    """Protect the branches that match one more pattern."""
    lake.settings.add_rule(call.repository, call.text("pattern"))
    return Answer(204)


def remove_protection(lake: Services, call: Call) -> Answer:
    """Forget a pattern; without one, all."""
    pattern = call.optional("pattern")
    if pattern:
        lake.settings.remove_rule(call.repository, pattern)
    else:
        lake.settings.set_rules(call.repository, ())
    return Answer(204)


def list_runs(lake: Services, call: Call) -> Answer:
    """Runs of actions: there are none, because this server runs none."""
    lake.catalog.repository(call.repository)
    none: Page[str] = Page([], None)
    return Answer(200, representations.listing(none, lambda _: {}))
