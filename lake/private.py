"""Files and directories for their owner only, whatever the umask is and however they were made.

What holds keys, answers of services or samples is nobody else's: directories have mode 0700 and
files 0600. What an earlier release, or a copy, left open to others is closed when it is used next.
Only the standard library is needed here.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
OTHERS: Final = 0o077
"""What everybody else may do: the mask of a process whose files are all private."""
_BESIDE_SQLITE: Final = ("", "-wal", "-shm", "-journal")
"""What SQLite puts beside a database, by the ends of their names; it gives them its mode."""


def folder(place: Path) -> None:
    """Make a directory, and those above it, where it is missing; close it to others.

    Raises:
        OSError: it cannot be made.
    """
    if not place.parent.is_dir():
        folder(place.parent)
    place.mkdir(mode=FOLDER_MODE, exist_ok=True)
    close(place)


def close(place: Path) -> None:
    """Take from everybody else what they may do with a file or directory.

    What is not there, belongs to another user, or lies on a disk that is read-only stays as it is;
    so does a symbolic link and what it leads to.
    """
    with suppress(OSError):
        mode = place.lstat().st_mode
        if mode & OTHERS and not stat.S_ISLNK(mode):
            place.chmod(stat.S_IMODE(mode) & ~OTHERS)


def close_files(place: Path) -> None:
    """Close a directory and the files that lie in it, but not what lies deeper."""
    close(place)
    with suppress(OSError):
        for each in place.iterdir():
            close(each)


def create(place: Path, content: str) -> None:
    """Write a new file, to the disk.

    Raises:
        FileExistsError: it is there.
        OSError: it cannot be written.
    """
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def draft(place: Path) -> Path:
    """A name beside a file that nobody else uses."""
    return place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")


def touch(place: Path) -> None:
    """Make an empty file where there is none, and close it to others.

    A file that is there is not opened: closing it again would free every lock that SQLite holds on
    it in this process.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    close(place)


def database(place: Path) -> None:
    """Make an SQLite file where there is none; close it, and what SQLite puts beside it, to others.

    Raises:
        OSError: it cannot be made.
    """
    touch(place)
    for end in _BESIDE_SQLITE:
        close(place.with_name(place.name + end))
