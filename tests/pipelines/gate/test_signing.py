"""Signatures of the guard's answers: real keys, and messages without secrets."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from pipelines.common.errors import SigningError
from pipelines.gate import signing
from pipelines.gate.signing import KEY, PASSWORD, PUBLIC_KEYS, SIGNATURE, SIGNER, Statement

STATEMENT = Statement(
    repository="stemma",
    dataset="digits",
    round=3,
    judged="a" * 64,
    guard="b" * 64,
    verdict="override",
    override="a trial: „Prüfung“",
    publish_key="c" * 64,
)
DOCS = Path(__file__).resolve().parents[3] / "docs" / "guard.md"

WORD = b"opensesame"


def write(place: Path, key: Ed25519PrivateKey | EllipticCurvePrivateKey, word: bytes = b"") -> None:
    """Write a key pair as OpenSSL would, `.pem` and `.pub.pem`."""
    lock = BestAvailableEncryption(word) if word else NoEncryption()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    place.with_suffix(".pem").write_bytes(private)
    place.with_suffix(".pub.pem").write_bytes(public)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two key pairs, the second with a password, one of another kind, and a text."""
    place = tmp_path_factory.mktemp("keys")
    write(place / "one", Ed25519PrivateKey.generate())
    write(place / "two", Ed25519PrivateKey.generate(), WORD)
    write(place / "ec", generate_private_key(SECP256R1()))
    (place / "text.pem").write_text("no key\n")
    return place


def sign(keys: Path, name: str = "one", **env: str) -> dict[str, str]:
    found = signing.signer({KEY: str(keys / f"{name}.pem"), **env})
    assert found is not None
    return found.metadata(STATEMENT)


def trust(keys: Path, *names: str) -> signing.Trusted:
    found = signing.trusted(
        {PUBLIC_KEYS: ":".join(str(keys / f"{name}.pub.pem") for name in names)}
    )
    assert found is not None
    return found


def test_what_a_key_signs_its_public_key_proves(keys: Path) -> None:
    about = sign(keys)
    assert about.keys() == {SIGNATURE, SIGNER}
    assert trust(keys, "one").signer(STATEMENT, about) == about[SIGNER]
    assert trust(keys, "two", "one").signer(STATEMENT, about) == about[SIGNER]
    assert trust(keys, "two").signer(STATEMENT, about) is None
    locked = sign(keys, "two", **{PASSWORD: WORD.decode()})
    assert trust(keys, "one", "two").signer(STATEMENT, locked) == locked[SIGNER] != about[SIGNER]


@pytest.mark.parametrize(
    "change",
    [
        {"repository": "other"},
        {"dataset": "letters"},
        {"round": 4},
        {"judged": "d" * 64},
        {"guard": "d" * 64},
        {"verdict": "pass"},
        {"override": None},
        {"override": "another reason"},
        {"publish_key": ""},
    ],
)
def test_a_signature_is_about_every_part(keys: Path, change: dict[str, object]) -> None:
    other = replace(STATEMENT, **change)  # type: ignore[arg-type]
    assert trust(keys, "one").signer(other, sign(keys)) is None


@pytest.mark.parametrize("signature", ["", "é", "AAAA", "not base64!", "A" * 88])
def test_what_is_no_signature_proves_nothing(keys: Path, signature: str) -> None:
    about = sign(keys) | {SIGNATURE: signature}
    assert trust(keys, "one").signer(STATEMENT, about) is None
    assert trust(keys, "one").signer(STATEMENT, {}) is None


def test_the_statement_is_canonical() -> None:
    text = STATEMENT.encoded().decode("ascii")
    assert text.startswith('{"dataset":"digits","form":"stemma-guard/1","guard":"bbb')
    assert " trial" in text
    assert text.count(" ") == 2  # those of the reason


def test_without_settings_nothing_is_signed_or_checked() -> None:
    assert signing.signer({}) is None
    assert signing.signer({KEY: "", PASSWORD: "x"}) is None
    assert signing.trusted({}) is None
    assert signing.trusted({PUBLIC_KEYS: ":"}) is None


BROKEN: list[tuple[Callable[[Path], dict[str, str]], str]] = [
    (lambda keys: {KEY: str(keys / "nowhere.pem")}, "cannot be read: No such file"),
    (lambda keys: {KEY: str(keys)}, "cannot be read: Is a directory"),
    (lambda _: {KEY: "a\0b"}, "cannot be read: it is no file name"),
    (lambda keys: {KEY: str(keys / "text.pem")}, "cannot be opened as a private key"),
    (lambda keys: {KEY: str(keys / "one.pub.pem")}, "cannot be opened as a private key"),
    (lambda keys: {KEY: str(keys / "two.pem")}, "cannot be opened as a private key"),
    (
        lambda keys: {KEY: str(keys / "two.pem"), PASSWORD: "opensesami"},
        "cannot be opened as a private key",
    ),
    (lambda keys: {KEY: str(keys / "ec.pem")}, "not Ed25519"),
    (lambda keys: {KEY: (keys / "one.pem").read_text()}, "cannot be read"),
    (lambda keys: {PUBLIC_KEYS: str(keys / "nowhere.pem")}, "file 1 .* cannot be read"),
    (
        lambda keys: {PUBLIC_KEYS: f"{keys}/one.pub.pem:{keys}/one.pem"},
        "file 2 .* holds no public key",
    ),
    (lambda keys: {PUBLIC_KEYS: str(keys / "ec.pub.pem")}, "file 1 .* not Ed25519"),
]


@pytest.mark.parametrize(("env", "said"), BROKEN)
def test_a_wrong_key_is_one_sentence_without_secrets(
    keys: Path, env: Callable[[Path], dict[str, str]], said: str
) -> None:
    given = env(keys)
    with pytest.raises(SigningError, match=said) as caught:
        signing.signer(given) or signing.trusted(given)
    words = str(caught.value)
    assert "\n" not in words
    assert caught.value.exit_code != 0
    for secret in (*given.values(), "PRIVATE", "opensesam"):
        assert secret not in words


def test_a_key_at_work_does_not_print_itself(keys: Path) -> None:
    found = signing.signer({KEY: str(keys / "one.pem")})
    assert repr(found) == str(found) == "Signer()"
    secret = (keys / "one.pem").read_text().splitlines()[1]
    assert secret not in "".join(sign(keys).values())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_commands_that_the_page_gives_make_keys(tmp_path: Path) -> None:
    """What docs/guard.md says about making keys is run as it stands there."""
    text = DOCS.read_text(encoding="utf-8")
    block = text.partition("```sh\n")[2].partition("```")[0]
    script = block.replace("/secure", str(tmp_path))
    done = subprocess.run(
        ["bash", "-euc", f"{script}\nenv"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    env = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    signer, trusted = signing.signer(env), signing.trusted(env)
    assert signer is not None
    assert trusted is not None
    assert trusted.signer(STATEMENT, signer.metadata(STATEMENT)) == signer.name
    assert done.stdout[: signing.SHORT] == signer.name  # as OpenSSL computes it
