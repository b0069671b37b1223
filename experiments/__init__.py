"""What papers found and the project builds on, as experiments with a criterion that can fail."""
