"""DSSE envelopes: what the specification's own library reads, and what no key signed."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from pipelines.common import dsse, signing
from pipelines.common.errors import EnvelopeError
from pipelines.common.signing import Signer, Trusted

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(PRIVATE)
TRUSTED = signing.trusted(PRIVATE.public_key())
OTHER = signing.trusted(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())
STATEMENT = dsse.statement(
    [{"name": "digits/head.json", "digest": {"sha256": "00" * 32}}],
    "https://slsa.dev/provenance/v1",
    {"buildDefinition": {"buildType": "urn:x", "externalParameters": {"ä": 1.5}}},
)


@pytest.fixture
def envelope() -> dict[str, Any]:
    return json.loads(json.dumps(dsse.sign(STATEMENT, SIGNER)))


def test_what_was_signed_comes_back(envelope: dict[str, Any]) -> None:
    found = dsse.verify(envelope, TRUSTED)
    assert found.statement == STATEMENT
    assert (found.signer, dsse.key_ids(envelope)) == (SIGNER.name, (SIGNER.key_id,))
    assert dsse.unverified(envelope) == STATEMENT


def test_the_library_of_the_specification_verifies_an_envelope(envelope: dict[str, Any]) -> None:
    key = SSlibKey.from_crypto(PRIVATE.public_key(), keyid=SIGNER.key_id)
    theirs = Envelope.from_dict(copy.deepcopy(envelope))
    assert list(theirs.verify([key], 1)) == [SIGNER.key_id]
    assert json.loads(theirs.payload) == STATEMENT
    theirs.payload += b" "
    with pytest.raises(VerificationError):
        theirs.verify([key], 1)


def test_what_is_signed_is_the_encoding_of_the_specification(envelope: dict[str, Any]) -> None:
    payload = base64.b64decode(envelope["payload"])
    encoded = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    PRIVATE.public_key().verify(signature, encoded)


@pytest.mark.parametrize("name", ["payload", "sig"])
def test_a_changed_byte_breaks_an_envelope(envelope: dict[str, Any], name: str) -> None:
    holder = envelope if name == "payload" else envelope["signatures"][0]
    data = bytearray(base64.b64decode(holder[name]))
    data[len(data) // 2] ^= 1
    holder[name] = base64.b64encode(data).decode()
    with pytest.raises(EnvelopeError, match=f"was changed after the key {SIGNER.name} signed it"):
        dsse.verify(envelope, TRUSTED)


def test_another_key_is_named(envelope: dict[str, Any]) -> None:
    (other,) = OTHER.keys
    with pytest.raises(EnvelopeError, match=f"it names {SIGNER.name}, and trusted are {other}"):
        dsse.verify(envelope, OTHER)
    with pytest.raises(EnvelopeError, match="and trusted are none"):
        dsse.verify(envelope, Trusted({}))


def test_a_key_id_is_no_evidence(envelope: dict[str, Any]) -> None:
    (other,) = OTHER.keys
    envelope["signatures"][0]["keyid"] = other
    assert dsse.verify(envelope, TRUSTED).signer == SIGNER.name
    del envelope["signatures"][0]["keyid"]
    assert dsse.verify(envelope, TRUSTED).signer == SIGNER.name
    with pytest.raises(EnvelopeError, match="it names a key without a name"):
        dsse.verify(envelope, OTHER)


def test_one_of_several_signatures_is_enough(envelope: dict[str, Any]) -> None:
    envelope["signatures"].insert(0, {"keyid": "x", "sig": "AAAA"})
    assert dsse.verify(envelope, TRUSTED).signer == SIGNER.name
    envelope["signatures"] *= dsse.MAX_SIGNATURES
    with pytest.raises(EnvelopeError, match="it is no DSSE envelope"):
        dsse.verify(envelope, TRUSTED)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"payload": "§"}, "it is no DSSE envelope"),
        ({"payload": 5}, "it is no DSSE envelope"),
        ({"signatures": []}, "it is no DSSE envelope"),
        ({"signatures": [{"sig": None}]}, "it is no DSSE envelope"),
        ({"payloadType": "text/\x1b[31m"}, r"holds 'text/\\\\x1b\[31m' and no in-toto statement"),
    ],
)
def test_what_is_no_envelope_is_refused(
    envelope: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(EnvelopeError, match=message):
        dsse.verify(envelope | change, TRUSTED)


@pytest.mark.parametrize(
    "payload", [b"[]", b"{", b'{"_type": "https://in-toto.io/Statement/v0.1"}']
)
def test_a_signed_text_that_is_no_statement_is_refused(payload: bytes) -> None:
    made = Envelope(payload, dsse.PAYLOAD_TYPE, {})
    signature = {"keyid": SIGNER.key_id, "sig": SIGNER.sign(made.pae())}
    with pytest.raises(EnvelopeError, match=r"the statement in the envelope|holds no statement"):
        dsse.verify({**made.to_dict(), "signatures": [signature]}, TRUSTED)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    place = tmp_path / "a.dsse.json"
    with pytest.raises(EnvelopeError, match="there is no file"):
        dsse.read(place)
    place.write_text('{"payload": 1, "payload": 2}')
    with pytest.raises(EnvelopeError, match="holds the key 'payload' twice"):
        dsse.read(place)
    place.write_text(json.dumps(dsse.sign(STATEMENT, SIGNER)))
    assert dsse.verify(dsse.read(place), TRUSTED).statement == STATEMENT
