"""Where a sample came from, and how that is shown."""
