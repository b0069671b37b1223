"""Checks of the guard that a project asks for in `publish.checks`; each of them only warns."""
