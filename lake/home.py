"""The embedded lake's directory: what client and server agree on besides the API.

    .lake/
    ├── identity.json      which lake this is; made once
    ├── credentials.json   the generated key pair
    ├── keys.json          further key pairs, each with a name and a role
    ├── endpoint.json      where the serving process listens, and its pid; held open by it
    ├── lock               held by the serving process
    ├── purge.lock         held by the process that purges
    ├── catalog.db         repositories, branches, commits (SQLite)
    ├── catalog.mark       how many changes it has seen
    ├── server.log         what went wrong in the serving process
    ├── objects/           content-addressed files
    └── staging/           files on their way in

The directories have mode 0700 and the files 0600 (`lake.private`); an object, which nobody may
write to, has 0444 inside of them.

Only the standard library is needed here: a stage that must cost a tenth of a second reads it.
"""

from __future__ import annotations

import errno
import json
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lake import documents, files, private
from lake.daemon import DaemonHome
from lake.documents import DocumentError
from lake.errors import CorruptError

MAX_CHARACTERS: Final = 1000
"""Characters of what identifies a lake, and of a key."""
MAX_BYTES: Final = 1 << 16
"""Bytes of a file that holds them."""
DAMAGE: Final = (errno.EFBIG, errno.EINVAL)
"""What is said of a file that is too large, or no regular one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which lake this is: a random id and when it was made (ISO 8601)."""

    id: str
    created: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key pair that the embedded lake accepts."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LakeHome(DaemonHome):
    """The directory of an embedded lake."""

    @property
    def catalog(self) -> Path:
        """The SQLite catalog."""
        return self.path / "catalog.db"

    @property
    def objects(self) -> Path:
        """Content-addressed files."""
        return self.path / "objects"

    @property
    def staging(self) -> Path:
        """Files that are not yet objects."""
        return self.path / "staging"

    def identity(self) -> Identity:
        """Read which lake this is; make it a lake when it is none yet.

        Raises:
            OSError: the directory cannot be written.
            CorruptError: the file is there and cannot be read.
        """
        path = self.path / "identity.json"
        fresh = {"id": uuid.uuid4().hex, "created": datetime.now(UTC).isoformat(timespec="seconds")}
        content = _read_or_create(path, fresh)
        return Identity(content["id"], content["created"])

    def credentials(self) -> Credentials:
        """Read the generated key pair; generate it when there is none.

        Raises:
            OSError: the directory cannot be written.
            CorruptError: the file is there and cannot be read.
        """
        path = self.path / "credentials.json"
        fresh = {
            "access_key_id": f"STEMMA{secrets.token_hex(7).upper()}",
            "secret_access_key": secrets.token_urlsafe(30),
        }
        content = _read_or_create(path, fresh)
        return Credentials(content["access_key_id"], content["secret_access_key"])


def _read(path: Path) -> dict[str, Any] | None:
    """The mapping in a file; None where there is none, or the file is damaged."""
    try:
        content = documents.parse_json(files.read_bytes(path, MAX_BYTES))
    except (FileNotFoundError, DocumentError):
        return None
    except OSError as error:
        if error.errno in DAMAGE:
            return None
        raise
    return content if isinstance(content, dict) else None


def _read_or_create(path: Path, fresh: dict[str, str]) -> dict[str, Any]:
    """Read a file that is written once; of two processes that write it, the first one wins."""
    if not path.exists():
        private.create_once(path, json.dumps(fresh))
    content = _read(path)
    if content is None or not all(_is_text(content.get(name)) for name in fresh):
        raise CorruptError(f"{path} is damaged: restore it, or remove it to have a new one made")
    return content


def _is_text(value: object) -> bool:
    """Whether a value can be what was written: a printable text."""
    return isinstance(value, str) and 0 < len(value) <= MAX_CHARACTERS and value.isprintable()
