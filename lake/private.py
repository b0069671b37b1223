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


def folder(path: Path) -> None:
    """Make a directory, and those above it, where it is missing; close it to others.

    Raises:
        OSError: it cannot be made.
    """
    if not path.parent.is_dir():
        folder(path.parent)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    close(path)


def close(path: Path) -> None:
    """Take from everybody else what they may do with a file or directory.

    What is not there, belongs to another user, or lies on a disk that is read-only stays as it is;
    so does a symbolic link and what it leads to.
    """
    with suppress(OSError):
        mode = path.lstat().st_mode
        if mode & OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)


def close_files(path: Path) -> None:
    """Close a directory and the files that lie in it, but not what lies deeper."""
    close(path)
    with suppress(OSError):
        for entry in path.iterdir():
            close(entry)


def create(path: Path, content: str) -> None:
    """Write a new file, to the disk.

    Raises:
        FileExistsError: it is there.
        OSError: it cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def create_once(path: Path, content: str) -> None:
    """Write a file where there is none, and the directories above it; the first writer wins.

    Raises:
        OSError: It cannot be written.
    """
    folder(path.parent)
    own = draft(path)
    try:
        create(own, content)
        with suppress(FileExistsError):
            os.link(own, path)
    finally:
        own.unlink(missing_ok=True)


def draft(path: Path) -> Path:
    """A name beside a file that nobody else uses."""
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")


def touch(path: Path) -> None:
    """Make an empty file where there is none, and close it to others.

    A file that is there is not opened: closing it again would free every lock that SQLite holds on
    it in this process.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    close(path)


def database(path: Path) -> None:
    """Make an SQLite file where there is none; close it, and what SQLite puts beside it, to others.

    Raises:
        OSError: it cannot be made.
    """
    touch(path)
    for suffix in _BESIDE_SQLITE:
        close(path.with_name(path.name + suffix))
