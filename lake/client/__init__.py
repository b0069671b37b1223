"""The lake as the stages see it: versions through lakeFS's Python SDK, tables as Polars frames.

Only this package imports `lakefs` and `lakefs_sdk`. `lake` is one repository with its branches,
commits, objects and tables; `connection` makes the calls and translates their errors; `transfer`
moves bytes by the shortest way there is.

API: https://docs.lakefs.io/reference/api.html
"""

from __future__ import annotations

from lake.client.lake import Lake, connect

__all__ = ["Lake", "connect"]
