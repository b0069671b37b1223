"""Candidates that are edited rows of the mix, or mixtures of two: images and texts."""
