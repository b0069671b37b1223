"""Proofs about lineage: checks that the recorded descent is the only one possible.

A stage writes a lineage row once, from what it knows at that time. A proof trusts nothing that was
written: it derives every column again from the graph, and compares the tables with each other. What
does not hold is a finding that identifies the row, never an error.
"""
