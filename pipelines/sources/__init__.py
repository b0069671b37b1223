"""Where real data comes from: one module per source that ships with the project."""
