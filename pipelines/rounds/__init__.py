"""A round at work in the lake: what it reads, what it writes, and where it stands."""
