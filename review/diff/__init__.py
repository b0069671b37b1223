"""The difference between two versions of a data set."""
