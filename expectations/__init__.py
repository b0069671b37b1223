"""WHETHER a sample is good: suites, the project's own expectations, the verifier."""
