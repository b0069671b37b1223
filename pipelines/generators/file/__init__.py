"""Candidates that were made elsewhere: by a vendor, in a notebook, by another library.

A table or a folder of images becomes a round. Its rows have explicit parents where a column names
them, and come from a model of unknown training data otherwise; verdicts, lineage, guard and diff
treat them as any other candidates.
"""
