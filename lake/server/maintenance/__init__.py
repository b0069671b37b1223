"""Checks and clean-up of a whole lake."""
