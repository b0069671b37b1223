"""Networks that others trained, by which images become points."""
