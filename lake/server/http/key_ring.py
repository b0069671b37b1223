"""Which keys the served lake accepts, and what each may do.

`keys.json` is read again when it has changed, so that a key is accepted, or refused, from the next
request on.
"""

from __future__ import annotations

import hmac
import threading
from pathlib import Path
from typing import Final

from lake import keys
from lake.errors import ForbiddenError
from lake.home import Credentials
from lake.keys import Key, Role

_UNKNOWN: Final = Key("", Role.READER, "", "no key has this secret")
"""Is compared with where there is no such key, so that this takes as long."""
State = tuple[int, int, int]


class KeyRing:
    """The keys of one lake."""

    def __init__(self, home: Path, main: Credentials, user: str = "") -> None:
        """Begin with the lake's own pair, which is an administrator's.

        Args:
            home: the lake's directory.
            main: its own pair.
            user: name of who holds that; the access key id where it is empty.
        """
        self.home = home
        self._main = Key(
            user or main.access_key_id, Role.ADMIN, main.access_key_id, main.secret_access_key
        )
        self._guard = threading.Lock()
        self._state: State | None = None
        self._keys = {self._main.access_key_id: self._main}

    @property
    def main(self) -> Key:
        """The lake's own pair."""
        return self._main

    def find(self, access_key_id: str) -> Key | None:
        """The key of this id; None where there is none.

        Raises:
            CorruptError: the file of keys is damaged.
        """
        return self._current().get(access_key_id)

    def match(self, access_key_id: str, secret: str) -> Key | None:
        """The key with this id and secret; None where there is none."""
        found = self.find(access_key_id)
        expected = (found or _UNKNOWN).secret_access_key
        is_right = hmac.compare_digest(secret.encode(), expected.encode())
        return found if is_right else None

    def check_repository(self, key: Key, repository: str) -> None:
        """Refuse a repository that is not this key's.

        Raises:
            ForbiddenError: the key is for others, or it is closed to all keys but its own.
        """
        if key.repositories:
            if repository not in key.repositories:
                raise ForbiddenError(f"the key {key.name!r} is not for repository {repository!r}")
        elif any(repository in other.repositories for other in self._current().values()):
            raise ForbiddenError(f"repository {repository!r} is open to its own keys only")

    def may_see(self, key: Key, repository: str) -> bool:
        """Whether a key may use a repository."""
        try:
            self.check_repository(key, repository)
        except ForbiddenError:
            return False
        return True

    def _current(self) -> dict[str, Key]:
        state = self._file_state()
        with self._guard:
            if state != self._state:
                own = {key.access_key_id: key for key in keys.read(self.home)}
                self._keys = {**own, self._main.access_key_id: self._main}
                self._state = state
            return self._keys

    def _file_state(self) -> State | None:
        try:
            stat = keys.path(self.home).stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size
