"""What a round reads from the lake and writes to it: context, keys, metadata, commits."""
