"""Signatures (Ed25519, RFC 8032) that can be verified without trust in the lake.

Anybody who may write to a lake can also write metadata that looks like a stage's or the guard's. So
whoever runs stages has a private key outside the lake, with which every commit is signed, and an
auditor with the public key need not trust anybody with write access.

The private key of a person is `signing-key.pem` in the folder `stemma` of their configuration
(`$XDG_CONFIG_HOME`, or `~/.config`); it is made when it is needed for the first time. Only this
module reads the environment variables that name other keys:

- `STEMMA_GUARD_KEY`: path of another private key to sign with (PEM, PKCS8);
- `STEMMA_GUARD_KEY_PASSWORD`: the password of that private key, if it has one;
- `STEMMA_GUARD_PUBLIC_KEYS`: paths of public keys to trust (PEM), separated as in PATH.

No message of this module contains the value of a variable, because it may be a key by mistake.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from lake import private
from pipelines.common.errors import SigningError

KEY: Final = "STEMMA_GUARD_KEY"
PASSWORD: Final = "STEMMA_GUARD_KEY_PASSWORD"  # noqa: S105  the variable's name
PUBLIC_KEYS: Final = "STEMMA_GUARD_PUBLIC_KEYS"
OWN: Final = "signing-key.pem"
"""Name of the file with a person's private key."""
SHORT: Final = 16
"""Number of hex digits in the short name of a key."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key that signs."""

    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def name(self) -> str:
        """The short name of the public key."""
        return self.key_id[:SHORT]

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key (DER) as 64 hex digits."""
        return fingerprint(self._key.public_key())

    @property
    def public(self) -> bytes:
        """The public key as PEM (SubjectPublicKeyInfo)."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, statement: bytes) -> str:
        """Sign a statement; return the signature in base64."""
        return base64.b64encode(self._key.sign(statement)).decode("ascii")


@dataclass(frozen=True, slots=True)
class Trusted:
    """Public keys that are trusted, by their short names."""

    keys: Mapping[str, Ed25519PublicKey]

    def signer(self, statement: bytes, signature: str | None) -> str | None:
        """Find the trusted key that signed a statement; return its short name, or None.

        Every trusted key is tried, because a name beside a signature is no evidence.
        """
        try:
            decoded = base64.b64decode(signature or "", validate=True)
        except (binascii.Error, ValueError):
            return None
        for name, key in self.keys.items():
            try:
                key.verify(decoded, statement)
            except InvalidSignature:
                continue
            return name
        return None


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of a public key (DER, SubjectPublicKeyInfo) as 64 hex digits."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def trusted(*keys: Ed25519PublicKey) -> Trusted:
    """Trust public keys, under their short names."""
    return Trusted({fingerprint(key)[:SHORT]: key for key in keys})


def own_path(env: Mapping[str, str] | None = None) -> Path:
    """Path of the person's private key."""
    env = os.environ if env is None else env
    configuration = env.get("XDG_CONFIG_HOME")
    base = Path(configuration) if configuration else Path("~/.config").expanduser()
    return base / "stemma" / OWN


def signer(env: Mapping[str, str] | None = None) -> Signer:
    """Load the private key that `STEMMA_GUARD_KEY` names, or else the person's own.

    The person's own key is made, for its owner only (mode 0600), where there is none.

    Raises:
        SigningError: the file cannot be read or made, or is not an Ed25519 private key.
    """
    env = os.environ if env is None else env
    if env.get(KEY):
        description, path, password = f"the file that {KEY} names", env[KEY], env.get(PASSWORD)
    else:
        description, path, password = "your signing key", str(_made_once(own_path(env))), None
    data = _read(path, description)
    try:
        key = load_pem_private_key(data, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError(
            f"{description} cannot be opened as a private key; it must be PEM (PKCS8), with its "
            f"password in {PASSWORD} if it has one and without if not"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"{description} holds a private key that is not Ed25519")
    return Signer(key)


def named_keys(env: Mapping[str, str] | None = None) -> dict[str, Ed25519PublicKey]:
    """Load the public keys that `STEMMA_GUARD_PUBLIC_KEYS` names, by their short names.

    Raises:
        SigningError: a file cannot be read or is not an Ed25519 public key.
    """
    env = os.environ if env is None else env
    paths = [path for path in env.get(PUBLIC_KEYS, "").split(os.pathsep) if path]
    keys = [
        public_key(path, f"file {number} that {PUBLIC_KEYS} names")
        for number, path in enumerate(paths, start=1)
    ]
    return dict(trusted(*keys).keys)


def public_key(path: str | Path, description: str) -> Ed25519PublicKey:
    """Load a public key.

    Args:
        path: path of the file (PEM).
        description: what the file is, for the error message.

    Raises:
        SigningError: the file cannot be read or is not an Ed25519 public key.
    """
    return public_key_of(_read(str(path), description), description)


def public_key_of(data: bytes, description: str) -> Ed25519PublicKey:
    """As `public_key`, from the bytes of the file.

    Raises:
        SigningError: they are not an Ed25519 public key.
    """
    try:
        key = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError(f"{description} holds no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SigningError(f"{description} holds a public key that is not Ed25519")
    return key


def _made_once(path: Path) -> Path:
    """Make a private key where there is none; of several makers the first wins."""
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            private.create_once(path, pem.decode("ascii"))
        except OSError as error:
            raise SigningError(
                f"no signing key can be made in your configuration ({error.strerror}); name a "
                f"private key in {KEY}"
            ) from None
    private.close(path)
    return path


def _read(path: str, description: str) -> bytes:
    """Read a key file; the error message names the variable, never its value."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SigningError(f"{description} cannot be read: {error.strerror}") from None
    except ValueError:
        raise SigningError(f"{description} cannot be read: it is no file name") from None
