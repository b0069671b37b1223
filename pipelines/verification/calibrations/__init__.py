"""How good a verifier is: audits of its verdicts, by people or by planted errors, and their record.

`sheets` asks people and reads their answers, `planting` makes errors, `audits` does either to a
round, `tallies` counts, `records` estimates and says what an audit found, `store` keeps it in the
lake, and `applied` holds it against a round.
"""
