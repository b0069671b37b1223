"""The embedded lake: a lakeFS-API server on SQLite and content-addressed files."""
