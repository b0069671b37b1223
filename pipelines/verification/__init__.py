"""Verdicts on candidates, and how good the verifier that gives them is."""
