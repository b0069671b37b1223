"""One module for each command of `stemma`."""
