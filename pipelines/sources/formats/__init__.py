"""Formats of tables as people keep them: what is in doubt about a file is found out, and said."""
