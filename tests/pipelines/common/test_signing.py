"""Signatures of the guard's answers: real keys, and messages without secrets."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
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

from pipelines.common import signing
from pipelines.common.errors import SigningError
from pipelines.common.signing import KEY, PASSWORD, PUBLIC_KEYS, Signer, Trusted

STATEMENT = '{"form":"stemma-seal/1","entries":{"stemma.override":"„Prüfung“"}}'.encode()
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


def signer(keys: Path, name: str = "one", **env: str) -> Signer:
    return signing.signer({KEY: str(keys / f"{name}.pem"), **env})


def trust(keys: Path, *names: str) -> Trusted:
    paths = ":".join(str(keys / f"{name}.pub.pem") for name in names)
    return Trusted(signing.named_keys({PUBLIC_KEYS: paths}))


def test_what_a_key_signs_its_public_key_proves(keys: Path) -> None:
    one, two = signer(keys), signer(keys, "two", **{PASSWORD: WORD.decode()})
    signature = one.sign(STATEMENT)
    assert trust(keys, "one").signer(STATEMENT, signature) == one.name
    assert trust(keys, "two", "one").signer(STATEMENT, signature) == one.name
    assert trust(keys, "two").signer(STATEMENT, signature) is None
    assert trust(keys, "one").signer(STATEMENT + b" ", signature) is None
    locked = two.sign(STATEMENT)
    assert trust(keys, "one", "two").signer(STATEMENT, locked) == two.name != one.name


@pytest.mark.parametrize("signature", ["", "é", "AAAA", "not base64!", "A" * 88, None])
def test_what_is_no_signature_proves_nothing(keys: Path, signature: str | None) -> None:
    assert trust(keys, "one").signer(STATEMENT, signature) is None


def test_a_persons_own_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    first, path = signing.signer(env), signing.own_path(env)
    assert path == tmp_path / "stemma" / "signing-key.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert signing.signer({**env, KEY: ""}).name == first.name
    path.chmod(0o644)
    assert signing.signer(env).name == first.name
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    assert signing.signer(env).name != first.name


def test_without_a_place_for_a_key_one_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "stemma").write_text("a file")
    with pytest.raises(SigningError, match=f"name a private key in {KEY}") as caught:
        signing.signer({"XDG_CONFIG_HOME": str(tmp_path)})
    assert str(tmp_path) not in str(caught.value)


def test_without_settings_no_key_is_named() -> None:
    assert signing.named_keys({}) == {}
    assert signing.named_keys({PUBLIC_KEYS: ":"}) == {}


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
    load = signing.signer if KEY in given else signing.named_keys
    with pytest.raises(SigningError, match=said) as caught:
        load(given)
    words = str(caught.value)
    assert "\n" not in words
    assert caught.value.exit_code != 0
    for secret in (*given.values(), "PRIVATE", "opensesam"):
        assert secret not in words


def test_a_key_at_work_does_not_print_itself(keys: Path) -> None:
    loaded = signer(keys)
    assert repr(loaded) == str(loaded) == "Signer()"
    secret = (keys / "one.pem").read_text().splitlines()[1]
    assert secret not in loaded.sign(STATEMENT) + loaded.public.decode()


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
    made, trusted = signing.signer(env), Trusted(signing.named_keys(env))
    assert trusted.signer(STATEMENT, made.sign(STATEMENT)) == made.name
    assert done.stdout[: signing.SHORT] == made.name  # as OpenSSL computes it
