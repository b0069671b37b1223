"""Where the shards of a stage run: in this process, on this machine's cores, or on a Ray cluster.

`running.run` is the one function between a stage and where its shards run. A stage gives a `Task`,
which is plain data and functions of modules, so that a worker can build what it needs by itself,
and shards, which hold their rows and their seed. What comes out depends on both alone, and so it is
the same whichever executor made it and however many workers it had.
"""
