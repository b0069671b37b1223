"""Foreign names and files: names are kept in their folder, files are read to a limit.

A name that comes out of a lake, a table or a service becomes part of a local path only through
`safe_name`, and an address of the embedded lake only through `address_path`. A file whose path such
a name, params.yaml or a person gives is read only through `open_regular` and what is built on it: a
named pipe would hang its reader, a device has no end, and a folder is no file.

The errors are `OSError`s whose `strerror` says what is wrong, as the system's own do.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

from lake.errors import InvalidError

MAX_BYTES: Final = 1 << 26
"""Largest file that is read whole where no smaller limit is given: 64 MiB."""
MAX_NAME_BYTES: Final = 200
"""Longest name; file systems take 255 bytes, and a draft beside the file has a longer name."""
MAX_EXPANSION: Final = 64
"""Bytes in memory that a byte of a foreign file may become; flat pictures reach 1,000 and more."""
SCHEME: Final = "local://"
_MAX_SHOWN: Final = 60
"""Characters of a refused name that are shown."""
_TYPES: Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


def safe_name(name: object) -> str:
    """Return a name that can be one part of a path, and nothing more.

    It is not empty, has no separator, control or invisible character, is not the folder itself or
    the one above it, and is no longer than `MAX_NAME_BYTES` bytes.

    Raises:
        InvalidError: it cannot be; the message shows its beginning.
    """
    if not isinstance(name, str) or not _is_safe_name(name):
        shown = ascii(name) if len(str(name)) <= _MAX_SHOWN else f"{str(name)[:_MAX_SHOWN]!a}…"
        raise InvalidError(
            f"{shown} cannot be the name of a file here: a name is one part of a path, with no "
            "separator or control character"
        )
    return name


def _is_safe_name(name: str) -> bool:
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= MAX_NAME_BYTES
        and name not in {".", ".."}
        and name.isprintable()
        and not {"/", "\\"} & {*name}
    )


def address_path(address: str, home: Path) -> Path:
    """Path of the file at an address that the server of an embedded lake gave.

    Args:
        address: `local://` and an absolute path.
        home: the lake's directory.

    Raises:
        InvalidError: it is not in that directory.
    """
    path = Path(address.removeprefix(SCHEME))
    inside = address.startswith(SCHEME) and path.is_relative_to(home) and ".." not in path.parts
    valid = "\0" not in address and address.encode("utf-8", "replace").decode() == address
    if not inside or not valid:
        shown = f"{address[:_MAX_SHOWN]!a}"
        raise InvalidError(f"the lake names {shown}, which is not in its directory {home}")
    return path


def max_decoded(size: int, floor: int) -> int:
    """Limit of bytes, values or pixels that foreign files may become in memory.

    Args:
        size: of the files together, in bytes.
        floor: the limit for small files.
    """
    return max(floor, MAX_EXPANSION * size)


def is_regular(path: Path) -> bool:
    """Whether there is a regular file at a path; a path that cannot be has none."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def irregular_type(mode: int) -> str | None:
    """What a file of this mode is, such as "a named pipe"; None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    return next((name for matches, name in _TYPES if matches(mode)), "no regular file")


def open_regular(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a regular file for reading; anything else is left untouched.

    Args:
        path: the file.
        follow: whether it may be a symbolic link.

    Raises:
        OSError: there is no such file, it cannot be read, or it is not a regular file.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    _check_regular(path, _mode(path, follow=follow))  # some devices act when opened
    handle = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    try:
        _check_regular(path, os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def open_beneath(root: Path, inside: Path) -> BufferedReader:
    """Open a regular file of a folder for reading, and follow no symbolic link on the way to it.

    Each part is opened relative to the one before it, so that what somebody puts in the place of a
    folder meanwhile leads nowhere else.

    Args:
        root: the folder.
        inside: path of the file below it, without `..`.

    Raises:
        OSError: there is no such file, it cannot be read, it is not a regular file, or a part of
            its path is a symbolic link.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    folder = os.open(root, flags | os.O_DIRECTORY)
    handle = None
    try:
        for part in inside.parts[:-1]:
            deeper = os.open(part, flags | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = deeper
        place = root / inside
        status = os.stat(inside.name, dir_fd=folder, follow_symlinks=False)
        _check_regular(place, status.st_mode)  # some devices act when opened
        handle = os.open(inside.name, flags | os.O_NOFOLLOW, dir_fd=folder)
        _check_regular(place, os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        if handle is not None:
            os.close(handle)
        raise
    finally:
        os.close(folder)


def read_bytes(path: Path, max_bytes: int = MAX_BYTES, *, follow: bool = True) -> bytes:
    """Read a regular file whole.

    Args:
        path: the file.
        max_bytes: how large it may be.
        follow: whether it may be a symbolic link.

    Raises:
        OSError: as `open_regular`; or it has more bytes.
    """
    with open_regular(path, follow=follow) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(errno.EFBIG, f"is larger than {max_bytes:,} bytes", str(path))
    return data


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Read a regular file of UTF-8 text, without a byte order mark; line ends become newlines.

    Raises:
        OSError: as `read_bytes`; or it is not UTF-8.
    """
    try:
        text = read_bytes(path, max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text (byte 0x{error.object[error.start]:02x} at {error.start})"
        raise OSError(errno.EILSEQ, reason, str(path)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write_atomic(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file in one step: a killed process leaves the old file or the new one, whole.

    Args:
        path: the file; its folder is made if it is not there.
        content: its bytes.
        durable: also wait until they are on disk, so that a power cut does not lose them.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name[:_MAX_SHOWN]}.{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
        if durable:
            _sync_folder(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text in one step."""
    write_atomic(path, text.encode())


def write_json(path: Path, content: object) -> None:
    """Write JSON with sorted keys in one step."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode(path: Path, *, follow: bool) -> int:
    try:
        return path.stat(follow_symlinks=follow).st_mode
    except ValueError as error:  # NUL, or half of a surrogate pair
        reason = "has a name that no file can have"
        raise OSError(errno.EINVAL, reason, ascii(str(path))) from error


def _check_regular(path: Path, mode: int) -> None:
    irregular = irregular_type(mode)
    if irregular is not None:
        code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(code, f"is {irregular}, not a regular file", str(path))
