"""What of a project holds the disk, and what of it nothing refers to."""
