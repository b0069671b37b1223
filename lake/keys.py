"""Key pairs of an embedded lake: each has a name, a role, and the repositories that it is for.

They lie in `keys.json` of the lake's directory, whose files only the owner can read; the secrets
are in it as they are, because a signature can be verified with nothing less. A lake also has a pair
of its own, in `credentials.json` or the environment, which is an administrator's and is not listed
here.

A key that names repositories may use these and no other, and they are closed to every key that does
not name them: that is how a hold-out is read by its own key alone.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from lake import documents, files, private
from lake.documents import DocumentError
from lake.errors import ConflictError, CorruptError, FullError, InvalidError, NotFoundError

FILE: Final = "keys.json"
MAX_BYTES: Final = 1 << 20
"""Largest file of keys."""
_NAME: Final = re.compile(r"[\w.@+-]{1,64}", re.ASCII)
_REPOSITORY: Final = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_LOCK_SECONDS: Final = 10.0


class Role(StrEnum):
    """What the holder of a key may do."""

    ADMIN = "admin"
    """Everything."""
    WRITER = "writer"
    """Read, write, commit, merge, make repositories, and make and remove branches and tags."""
    READER = "reader"
    """Read."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair, who holds it, and what it is for."""

    name: str
    role: Role
    access_key_id: str
    secret_access_key: str = field(repr=False)
    repositories: tuple[str, ...] = ()
    """The only repositories that it may use; all that no key names where it is empty."""
    created: int = 0
    """Unix seconds."""

    def described(self) -> dict[str, Any]:
        """Whose it is and what it is for, as JSON values, without its secret."""
        return {
            "name": self.name,
            "role": self.role,
            "access_key_id": self.access_key_id,
            "repositories": list(self.repositories),
        }


def path(home: Path) -> Path:
    """The file of a lake's keys."""
    return home / FILE


def read(home: Path) -> tuple[Key, ...]:
    """The keys of a lake, by name; none where there is no file.

    Raises:
        CorruptError: the file is not a list of keys.
        OSError: it cannot be read.
    """
    place = path(home)
    try:
        content = documents.parse_json(files.read_bytes(place, MAX_BYTES))
        return tuple(_key(item) for item in content["keys"])
    except FileNotFoundError:
        return ()
    except (DocumentError, KeyError, TypeError, ValueError) as error:
        raise CorruptError(
            f"{place} holds no list of keys: restore it, or remove it to revoke all keys"
        ) from error


def add(home: Path, name: str, role: Role, repositories: Sequence[str] = ()) -> Key:
    """Make a key pair; the lake accepts it from the next request on.

    Raises:
        ConflictError: a key has the name.
        InvalidError: the name, or that of a repository, is not valid.
        FullError: the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise InvalidError(
            f"{name!r} is no name for a key: 1 to 64 letters (a to z), digits and . _ @ + -"
        )
    for repository in repositories:
        if not _REPOSITORY.fullmatch(repository):
            raise InvalidError(f"{repository!r} is no name of a repository")
    access, secret = f"STEMMA{secrets.token_hex(7).upper()}", secrets.token_urlsafe(30)
    made = Key(name, role, access, secret, tuple(repositories), int(time.time()))
    with _changing(home) as present:
        if any(key.name == name for key in present):
            raise ConflictError(f"a key is called {name!r} already: revoke it first")
        present.append(made)
    return made


def revoke(home: Path, name: str) -> Key:
    """Forget a key; the lake refuses it from the next request on.

    Raises:
        NotFoundError: no key has the name.
        FullError: the file cannot be written.
    """
    with _changing(home) as present:
        named = [key for key in present if key.name == name]
        if not named:
            raise NotFoundError(f"no key of this lake is called {name!r}")
        present.remove(named[0])
    return named[0]


@contextmanager
def _changing(home: Path) -> Iterator[list[Key]]:
    """The keys of a lake, to be changed inside by one process at a time."""
    import filelock  # noqa: PLC0415  who only reads needs none

    place = path(home)
    try:
        private.folder(home)
        lock = place.with_name(f"{FILE}.lock")
        private.touch(lock)
        with filelock.FileLock(lock, timeout=_LOCK_SECONDS, mode=private.FILE_MODE):
            present = list(read(home))
            yield present
            _write(place, sorted(present, key=lambda key: key.name))
    except filelock.Timeout as error:
        raise ConflictError("another process changes the keys of this lake: try again") from error
    except OSError as error:
        raise FullError(f"{place} cannot be written: {error.strerror}") from error


def _write(place: Path, keys: Sequence[Key]) -> None:
    """Write the file in one step, for its owner only from the first byte on."""
    own = private.draft(place)
    try:
        private.create(own, json.dumps({"keys": [asdict(key) for key in keys]}, indent=2) + "\n")
        own.replace(place)
    finally:
        own.unlink(missing_ok=True)


def _key(item: Any) -> Key:  # noqa: ANN401  JSON
    """A key in the file.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is of another type.
        ValueError: a field has another value.
    """
    name, access, secret = item["name"], item["access_key_id"], item["secret_access_key"]
    repositories, created = item["repositories"], item["created"]
    texts = [name, access, secret, *repositories]
    if not all(isinstance(text, str) and text and text.isprintable() for text in texts):
        raise TypeError("names and keys are printable texts")
    if type(created) is not int:
        raise TypeError("the time is a whole number")
    return Key(name, Role(item["role"]), access, secret, tuple(repositories), created)
