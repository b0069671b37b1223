"""Generators: one module per kind of model, each with `fit` and `generate`."""
