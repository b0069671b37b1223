"""Pictures of a round's samples."""
