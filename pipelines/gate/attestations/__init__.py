"""Attestations of published versions, by which somebody without the lake verifies a copy.

A version's attestation is two in-toto statements in DSSE envelopes (`pipelines.common.dsse`): SLSA
provenance of the round, and a verification summary with the guard's answer. Both are about every
object of the version, by SHA-256.
"""
