"""Signed statements as other tools read them: in-toto statements in DSSE envelopes.

An envelope (Dead Simple Signing Envelope 1.0, https://github.com/secure-systems-lab/dsse) holds the
bytes of a statement in base64, their type, and signatures over both in one encoding (PAE). The
statement is that of in-toto 1 (https://in-toto.io/Statement/v1): subjects with digests, and a
predicate about them. Signatures are Ed25519 by the keys of `pipelines.common.signing`.

The `keyid` beside a signature is the SHA-256 of the public key (DER, SubjectPublicKeyInfo), whose
first 16 digits are the name of the key's file in `trust/`. It is not signed and no evidence; it
helps to say which key is missing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lake import documents
from lake.documents import DocumentError
from pipelines.common import digests
from pipelines.common.errors import EnvelopeError
from pipelines.common.signing import SHORT, Signer, Trusted

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
SUFFIX: Final = ".dsse.json"
"""How the name of an envelope's file ends."""
MAX_BYTES: Final = 1 << 27
"""Largest envelope that is read, in bytes: a statement about some 500,000 objects."""
MAX_SIGNATURES: Final = 16
"""How many signatures of an envelope are looked at."""


class _Signature(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, defer_build=True)

    sig: str
    keyid: str = ""


class _Envelope(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, defer_build=True)

    payload: str
    payload_type: str = Field(alias="payloadType")
    signatures: list[_Signature] = Field(min_length=1, max_length=MAX_SIGNATURES)


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement, and the name of the key by which its envelope was verified."""

    statement: Mapping[str, Any]
    signer: str
    """The first 16 hex digits of the key's SHA-256."""


def statement(
    subjects: Iterable[Mapping[str, Any]], predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """Compose an in-toto statement.

    Args:
        subjects: what it is about, each with `name` and `digest` (a digest in hex by algorithm).
        predicate_type: URI of the predicate's kind.
        predicate: what is said about the subjects.
    """
    return {
        "_type": STATEMENT_TYPE,
        "subject": [dict(subject) for subject in subjects],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def sign(content: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """Put a statement into an envelope that a key signs.

    Args:
        content: the statement, of JSON values.
        signer: the private key.

    Returns:
        The envelope, as JSON values.
    """
    payload = digests.canonical(dict(content))
    return {
        "payload": base64.b64encode(payload).decode("ascii"),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": signer.key_id, "sig": signer.sign(_pae(payload))}],
    }


def encoded(envelope: Mapping[str, Any]) -> bytes:
    """The bytes of an envelope's file."""
    return json.dumps(envelope, indent=1).encode() + b"\n"


def content(envelope: object, keys: Trusted | None) -> Mapping[str, Any]:
    """The statement of an envelope; without trusted keys its signature is not verified.

    Raises:
        EnvelopeError: as `verify`.
    """
    return unverified(envelope) if keys is None else verify(envelope, keys).statement


def verify(envelope: object, keys: Trusted) -> Verified:
    """Open an envelope that one of some keys signed.

    Args:
        envelope: as parsed JSON; it may come from anybody.
        keys: the public keys that are trusted.

    Returns:
        Its statement, which was not changed since the key signed it.

    Raises:
        EnvelopeError: it is no envelope of a statement, was changed after it was signed, or none of
            the keys signed it.
    """
    parsed, payload = _parsed(envelope)
    signed = _pae(payload)
    for signature in parsed.signatures:
        signer = keys.signer(signed, signature.sig)
        if signer is not None:
            return Verified(_statement(payload), signer)
    raise EnvelopeError(_unsigned(parsed, keys))


def key_ids(envelope: object) -> tuple[str, ...]:
    """The key ids beside the signatures of an envelope, which are no evidence.

    Raises:
        EnvelopeError: it is no envelope.
    """
    return tuple(signature.keyid for signature in _parsed(envelope)[0].signatures)


def unverified(envelope: object) -> dict[str, Any]:
    """The statement of an envelope without a look at its signatures: anybody may have written it.

    Raises:
        EnvelopeError: it is no envelope of a statement.
    """
    return _statement(_parsed(envelope)[1])


def read(path: Path) -> object:
    """Read the file of an envelope, as `verify` takes it.

    Raises:
        EnvelopeError: it cannot be read, or is no JSON.
    """
    try:
        return documents.read_json(path, MAX_BYTES)
    except FileNotFoundError:
        raise EnvelopeError(f"there is no file {path}; name the file of an envelope") from None
    except DocumentError as error:
        raise EnvelopeError(f"{path} {error}; name the file of an envelope") from error


def _parsed(envelope: object) -> tuple[_Envelope, bytes]:
    """Read the parts of an envelope, and the bytes of its statement."""
    try:
        parsed = _Envelope.model_validate(envelope)
        payload = base64.b64decode(parsed.payload, validate=True)
    except (ValidationError, binascii.Error, ValueError) as error:
        raise EnvelopeError(
            "it is no DSSE envelope, which has a payload in base64, its type and signatures; find "
            "the file as it was written"
        ) from error
    if parsed.payload_type != PAYLOAD_TYPE:
        raise EnvelopeError(
            f"the envelope holds {documents.one_line(parsed.payload_type)!r} and no in-toto "
            f"statement ({PAYLOAD_TYPE}); another tool may read it"
        )
    return parsed, payload


def _pae(payload: bytes) -> bytes:
    """What is signed: type and payload of a statement in DSSE's encoding."""
    from securesystemslib.dsse import Envelope  # noqa: PLC0415  imports every kind of signer

    return Envelope(payload, PAYLOAD_TYPE, {}).pae()


def _statement(payload: bytes) -> dict[str, Any]:
    """Parse the statement of an envelope."""
    try:
        content = documents.parse_json(payload)
    except DocumentError as error:
        raise EnvelopeError(f"the statement in the envelope {error}; find who wrote it") from error
    if not isinstance(content, dict) or content.get("_type") != STATEMENT_TYPE:
        raise EnvelopeError(
            f"the envelope holds no statement of the type {STATEMENT_TYPE}; another tool may read "
            "it"
        )
    return content


def _unsigned(parsed: _Envelope, keys: Trusted) -> str:
    """Say why no key verifies an envelope: it was changed, or another key signed it."""
    names = [documents.one_line(signature.keyid)[:SHORT] for signature in parsed.signatures]
    named = next((name for name in names if name in keys.keys), None)
    if named is not None:
        return (
            f"the signature does not fit: the statement was changed after the key {named} signed "
            "it, or the key never did; find the envelope as it was signed"
        )
    others = ", ".join(sorted(keys.keys)) or "none"
    signed = ", ".join(name or "a key without a name" for name in names)
    return (
        f"no trusted key signed it: it names {signed}, and trusted are {others}; get the key of "
        "whoever signed it from them, by another way than the envelope came, and name its file"
    )
