"""The parts of an open lake that handlers work with."""

from __future__ import annotations

from dataclasses import dataclass

from lake.home import Credentials
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.imports import ImportService
from lake.server.catalog.object_service import ObjectService
from lake.server.catalog.protection import RepositorySettings
from lake.server.catalog.versions import Versions
from lake.server.http.tokens import Signer
from lake.server.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class User:
    """Who holds the key pair: a name for commits, and since when (unix seconds)."""

    name: str
    created: int


@dataclass(frozen=True, slots=True)
class AppState:
    """Everything that a handler may call, opened once for the process."""

    store: ObjectStore
    catalog: Catalog
    versions: Versions
    objects: ObjectService
    settings: RepositorySettings
    imports: ImportService
    signer: Signer
    credentials: Credentials
    user: User
