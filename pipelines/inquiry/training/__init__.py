"""Training data at a version of a data set, for programs that train on it (`stemma.load`).

- `mix_at`: the mix that the next generator would be fitted on, at any commit
- `blocks`: Parquet parts as local files, read in blocks
- `stream`: the rows of the mix as Arrow tables, for processes that were forked
- `data`: `TrainingData`, the rows of the mix and, where asked for, of the hold-out
- `columns`: which columns are images and classes
- `hugging_face`, `pytorch`: the same as data sets of these libraries
"""
