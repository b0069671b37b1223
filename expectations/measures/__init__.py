"""Figures of sets of rows and of two sets against each other: numbers in, numbers out.

They know no suite and no Great Expectations, so the metrics of a round use them too.
"""
