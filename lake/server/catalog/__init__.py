"""Repositories, branches, commits and trees, in SQLite."""
