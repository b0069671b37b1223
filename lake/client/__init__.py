"""The lake as the stages see it: versions through lakeFS's Python SDK, tables as Polars frames.

Only this package imports `lakefs` and `lakefs_sdk`. `lake` is one repository with its branches,
commits, objects and tables; `connection` makes the calls and translates their errors; `transfer`
moves bytes by the shortest way there is.

API: https://docs.lakefs.io/reference/api.html
"""

from __future__ import annotations

from lake.client.connection import open_connection
from lake.client.lake import Lake
from lake.launch import serve_on_demand
from lake.settings import Embedded, Remote

__all__ = ["Lake", "connect"]


def connect(where: Remote | Embedded, repository: str) -> Lake:
    """Open a repository of a lake, starting the embedded server if it is not running.

    A remote lake is asked at the first call, which raises what that call raises.

    Raises:
        UnreachableError: the embedded server did not start.
        FullError: the embedded lake's directory cannot be written.
    """
    if isinstance(where, Embedded):
        return Lake(open_connection(serve_on_demand(where.home), where.home.absolute()), repository)
    return Lake(open_connection(where, None), repository)
