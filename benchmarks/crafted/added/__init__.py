"""Crafted rounds of data that is set up as `stemma dataset add` does it."""
