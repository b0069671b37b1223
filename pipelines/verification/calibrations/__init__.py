"""How good a verifier is: audits of its verdicts, by people or by planted errors, and their record.

`sheets` writes labelling sheets and reads the answers, `planting` makes wrong rows on purpose,
`audits` does the one for a round and `planted_audits` the other, `tallies` counts, `records`
estimates and describes what an audit found, `agreement` compares what several people answered,
`store` keeps it in the lake, `merges` reads those that count, and `applied` applies one to a round.
"""
