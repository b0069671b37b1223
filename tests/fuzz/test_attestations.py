"""Attestations from outside: envelopes, and statements that were signed as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope

from pipelines.common import dsse, signing
from pipelines.common.signing import Signer
from pipelines.gate.attestations import claims, predicates
from tests.fuzz.engine import fuzzed
from tests.fuzz.mutations import either

PRIVATE: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER: Final = Signer(PRIVATE)
TRUSTED: Final = signing.trusted(PRIVATE.public_key())
STATEMENT: Final = dsse.statement(
    [{"name": "d/head.json", "digest": {"sha256": "00" * 32}}],
    predicates.PROVENANCE,
    {
        "buildDefinition": {
            "externalParameters": {
                "repository": "stemma",
                "dataset": "d",
                "round": 1,
                "tag": "d-v1",
                "commit": "00" * 32,
            }
        }
    },
)


@fuzzed(either([dsse.sign(STATEMENT, SIGNER)]), reasons=3)
def test_envelopes(data: bytes) -> object:
    place = Path("a.dsse.json")
    place.write_bytes(data)
    found = dsse.verify(dsse.read(place), TRUSTED)
    assert found.statement == STATEMENT, "a statement that nobody signed is believed"
    return found


@fuzzed(either([STATEMENT]), reasons=4)
def test_signed_statements(data: bytes) -> object:
    made = Envelope(data, dsse.PAYLOAD_TYPE, {})
    signature = {"keyid": SIGNER.key_id, "sig": SIGNER.sign(made.pae())}
    envelope = {**made.to_dict(), "signatures": [signature]}
    found = claims.of_envelope(envelope, claims.trusting(TRUSTED), "a.dsse.json")
    assert all(".." not in name.split("/") for name in found.objects)
    return found
