"""May a round be merged, and was it: evidence, contamination, signatures, reviews."""
