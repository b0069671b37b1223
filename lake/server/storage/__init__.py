"""Objects: their bytes on disk."""
