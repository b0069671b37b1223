"""Proofs about lineage: each check shows that a lake's record of descent cannot be otherwise.

A stage writes a lineage row once, from what it knows then. A proof takes nothing for granted that
was written: it derives every column again from the graph and holds the tables against each other.
What does not hold is a finding that names the row, never an error.
"""
