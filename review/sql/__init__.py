"""SQL over the tables of the lake, by DuckDB in a process that can only read them."""
