"""The family tree of a whole lake as arrays: who descends from whom, at the speed of memory."""
