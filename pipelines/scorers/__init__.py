"""Scorers compute columns for each candidate; suites hold the thresholds.

One file with a `model_digest` is one scorer. `protocol` says what such a file holds, `registry`
finds it by its name, and `scoring` runs those that params.yaml names.
"""
