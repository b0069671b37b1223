"""A version as a data set of Hugging Face: a folder that `datasets.load_dataset` reads.

- `rows`: the rows of a split with their lineage, as Parquet files; images say how they were made
- `facts`: what the lake knows of the version, for the card
- `card`: README.md, with metadata that the Hub reads
- `licences`: names of licences as the Hub has them
- `folder`: the whole of it, which appears when it is complete
- `hub`: its upload
"""
