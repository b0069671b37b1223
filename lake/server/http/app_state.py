"""The parts of an open lake that handlers work with."""

from __future__ import annotations

from dataclasses import dataclass

from lake.server.actions.service import ActionService
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.imports import ImportService
from lake.server.catalog.object_service import ObjectService
from lake.server.catalog.protection import RepositorySettings
from lake.server.catalog.versions import Versions
from lake.server.http.key_ring import KeyRing
from lake.server.http.tokens import Signer
from lake.server.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class AppState:
    """Everything that a handler may call, opened once for the process."""

    store: ObjectStore
    catalog: Catalog
    versions: Versions
    objects: ObjectService
    settings: RepositorySettings
    imports: ImportService
    actions: ActionService
    signer: Signer
    keys: KeyRing
    created: int
    """When the lake was made, in unix seconds."""
