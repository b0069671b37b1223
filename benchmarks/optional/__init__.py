"""Runs that count how often the checks a project asks for are right: healthy ones and bad ones."""
