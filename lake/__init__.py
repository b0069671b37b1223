"""WHERE versions live: the lakeFS client, the embedded lake server, refs."""
