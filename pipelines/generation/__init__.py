"""The candidates of a round: what is asked of its generator, and where and how shards are made."""
