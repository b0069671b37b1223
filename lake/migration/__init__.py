"""The move of a repository with its whole history to another lake, over the API alone.

`plan` reads what there is, `matching` finds what an interrupted move has made already, `replay`
makes the commits that are missing, and `run` puts these together and makes branches and tags.

A move keeps no notes of how far it is: what was made is recognised in the target itself, by
parents, message, metadata and tree. So it may be killed at any moment and run again, anywhere.
"""
