"""Real rows that arrive after round 0, each state of their source as a round of its own.

A source grows while synthetic rounds exist. Its new rows become a round beside the published ones
(`rounds.NAME-N` with `generator: real`), which is verified, judged and merged as others are; the
hold-out stays, and the next fit learns from both.
"""
