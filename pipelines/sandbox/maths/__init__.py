"""Comparison of answers to maths problems: the whole of each is read, or the verdict is unknown.

    extraction   the answer in a longer text (boxed, or after "the answer is"), in plain characters
    tokens       the answer's tokens; what is no token is refused
    expressions  tokens to a SymPy expression, by a grammar that drops nothing; `powers` bounds size
    units        units of measure, with exact factors
    reading      lists, tuples, sets, intervals, relations, matrices, quantities: `forms`
    equality     whether two expressions are equal: proved, refuted or unknown
    sets         whether two sets of real numbers are
    relations    whether two equations or inequalities say the same
    verdicts     whether two answers are
    outcomes     what a comparison comes to: right, wrong or unknown
    harness      one process for each pair

The modules need the standard library and SymPy alone: they are handed to the sandbox's Python as
text. No text is ever evaluated as code.
"""
