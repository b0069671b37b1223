"""The stages of the pipeline: one module each, run as `stemma stage NAME KEY`."""
