"""Candidates between two close rows of the mix: rows of a table, or images."""
