"""The family tree of a whole lake as memory-mapped arrays."""
