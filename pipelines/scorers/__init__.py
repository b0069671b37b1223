"""Scorers compute columns for each candidate; suites hold the thresholds.

One file is one scorer: a mapping `COLUMNS` of what it adds, and `score(candidates, real, *, …)`.
Both frames have round, row, image and label. The result has one row per candidate, in its order:
round, row and the columns. What cannot be computed is null, never a number.
"""
