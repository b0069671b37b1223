"""Where versions are stored: the lakeFS client, the embedded lake server, refs."""
