"""Signatures of the guard's answers, which can be verified without trust in the lake.

Anybody who may merge can also write metadata that looks like the guard's. If publish has a private
key, it signs its statement in the merge (Ed25519, RFC 8032), and an auditor with the public key
need not trust anybody with merge rights. Only this module reads the environment variables for it:

- `STEMMA_GUARD_KEY`: path of the private key with which publish signs (PEM, PKCS8);
- `STEMMA_GUARD_KEY_PASSWORD`: the password of the private key, if it has one;
- `STEMMA_GUARD_PUBLIC_KEYS`: paths of the public keys that an auditor trusts (PEM), separated as in
  PATH; there may be several during a key rotation.

No message of this module contains the value of a variable, because it may be a key by mistake.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from pipelines.common import digests
from pipelines.common.errors import SigningError

KEY: Final = "STEMMA_GUARD_KEY"
PASSWORD: Final = "STEMMA_GUARD_KEY_PASSWORD"  # noqa: S105  the variable's name
PUBLIC_KEYS: Final = "STEMMA_GUARD_PUBLIC_KEYS"
SIGNATURE: Final = "stemma.guard.signature"
SIGNER: Final = "stemma.guard.key"
FORM: Final = "stemma-guard/1"
SHORT: Final = 16
"""Number of hex digits in the short name of a key."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The signed statement: the guard's answer, the judged commit, and the publish key."""

    repository: str
    dataset: str
    round: int
    judged: str
    guard: str
    """Digest of the guard's answer."""
    verdict: str
    override: str | None
    publish_key: str

    def encoded(self) -> bytes:
        """Encode as canonical JSON: sorted names, no spaces, ASCII."""
        content = {"form": FORM, **asdict(self)}
        return digests.canonical(content)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key that signs statements."""

    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def name(self) -> str:
        """The short name of the public key."""
        return fingerprint(self._key.public_key())[:SHORT]

    def metadata(self, statement: Statement) -> dict[str, str]:
        """Metadata entries of a signed merge: the signature in base64, and the name of the key."""
        signature = self._key.sign(statement.encoded())
        return {SIGNATURE: base64.b64encode(signature).decode("ascii"), SIGNER: self.name}


@dataclass(frozen=True, slots=True)
class Trusted:
    """The public keys that an auditor trusts, by their short names."""

    keys: Mapping[str, Ed25519PublicKey]

    def signer(self, statement: Statement, metadata: Mapping[str, str]) -> str | None:
        """Find the trusted key that signed a statement; return its short name, or None.

        Every trusted key is tried, because the name in the metadata is no evidence.
        """
        try:
            signature = base64.b64decode(metadata.get(SIGNATURE, ""), validate=True)
        except (binascii.Error, ValueError):
            return None
        for name, key in self.keys.items():
            try:
                key.verify(signature, statement.encoded())
            except InvalidSignature:
                continue
            return name
        return None


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of a public key (DER, SubjectPublicKeyInfo) as 64 hex digits."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def signer(env: Mapping[str, str] | None = None) -> Signer | None:
    """Load the key with which publish signs; None if no key is configured.

    Raises:
        SigningError: the file cannot be read or is not an Ed25519 private key.
    """
    env = os.environ if env is None else env
    if not env.get(KEY):
        return None
    password = env.get(PASSWORD)
    data = _read(env[KEY], f"the file that {KEY} names")
    try:
        key = load_pem_private_key(data, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError(
            f"the file that {KEY} names cannot be opened as a private key; it must be PEM "
            f"(PKCS8), with its password in {PASSWORD} if it has one and without if not"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"the file that {KEY} names holds a private key that is not Ed25519")
    return Signer(key)


def trusted(env: Mapping[str, str] | None = None) -> Trusted | None:
    """Load the public keys that the auditor trusts; None if no key is configured.

    Raises:
        SigningError: a file cannot be read or is not an Ed25519 public key.
    """
    env = os.environ if env is None else env
    paths = [path for path in env.get(PUBLIC_KEYS, "").split(os.pathsep) if path]
    keys = [_public(path, number) for number, path in enumerate(paths, start=1)]
    return Trusted({fingerprint(key)[:SHORT]: key for key in keys}) if keys else None


def _public(path: str, number: int) -> Ed25519PublicKey:
    description = f"file {number} that {PUBLIC_KEYS} names"
    try:
        key = load_pem_public_key(_read(path, description))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError(f"{description} holds no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SigningError(f"{description} holds a public key that is not Ed25519")
    return key


def _read(path: str, description: str) -> bytes:
    """Read a key file; the error message names the variable, never its value."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SigningError(f"{description} cannot be read: {error.strerror}") from None
    except ValueError:
        raise SigningError(f"{description} cannot be read: it is no file name") from None
