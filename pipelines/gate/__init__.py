"""The gate to main: evidence, contamination, the guard's answer, signatures, reviews, audit."""
