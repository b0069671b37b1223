"""WHAT a sample is and WHERE it came from: identity, records, mixes, decisions, the guard."""
