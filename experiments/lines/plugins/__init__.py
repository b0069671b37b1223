"""Files as a user writes them, which a line's project has in a folder `plugins`."""
