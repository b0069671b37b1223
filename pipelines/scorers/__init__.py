"""Scorers compute columns for each candidate; suites hold the thresholds.

One file holds one scorer. `protocol` says what a scorer is, `registry` finds it by its name, and
`scoring` runs those that params.yaml names.
"""
