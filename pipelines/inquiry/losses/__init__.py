"""What became of every planned row of a round, and of every row of the version before it.

`endings` has the values, `standing` says what became of a round as a whole, `of_rounds` accounts
for its rows, and `of_versions` for those that main held before it.
"""
