"""Candidates that a function makes of a seed each, such as questions with known answers."""
