"""Take-down: samples that must go, what holds them, and a main without them."""
