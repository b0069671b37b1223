"""Generators: one folder per kind of model; `protocol.py` says what each holds."""
