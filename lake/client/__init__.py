"""The lake as the stages see it: versions through lakeFS's Python SDK, tables as Polars frames.

Only this package imports `lakefs` and `lakefs_sdk`. `lake` is one repository with its branches,
commits, objects and tables; `connection` makes the calls and translates their errors; `transfer`
moves bytes by the shortest way there is.

API: https://docs.lakefs.io/reference/api.html
"""

from __future__ import annotations

from lake.client.connection import open_connection
from lake.client.lake import Lake
from lake.client.migrated import FindIds, MigratedLake
from lake.launch import serve_on_demand
from lake.settings import Embedded, Remote

__all__ = ["Lake", "connect"]


def connect(where: Remote | Embedded, repository: str, find_ids: FindIds | None = None) -> Lake:
    """Open a repository of a lake, starting the embedded server if it is not running.

    A remote lake is asked at the first call, which raises what that call raises.

    Args:
        where: the lake.
        repository: the repository's name.
        find_ids: finds the map of the commits that were moved there; None: none were.

    Raises:
        UnreachableError: the embedded server did not start.
        FullError: the embedded lake's directory cannot be written.
    """
    if isinstance(where, Embedded):
        connection = open_connection(serve_on_demand(where.home), where.home.absolute())
    else:
        connection = open_connection(where, None)
    if find_ids is None:
        return Lake(connection, repository)
    return MigratedLake(connection, repository, find_ids)
