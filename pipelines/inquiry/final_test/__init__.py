"""The final test: rows that no gate reads, opened on purpose, and every opening is recorded."""
