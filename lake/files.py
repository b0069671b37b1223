"""Names and files that somebody else may have chosen: kept in their folder, read to a bound.

A name that comes out of a lake, a table or a service becomes part of a local path only through
`part`, and an address of the embedded lake only through `address`. A file whose path such a name,
params.yaml or a person gives is read only through `opened` and what is built on it: a named pipe
would hang its reader, a device has no end, and a folder is no file.

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

MOST: Final = 1 << 26
"""Bytes of a file that is read whole where nothing smaller is asked for: 64 MiB."""
MOST_NAME: Final = 200
"""Bytes of a name; file systems take 255, and a draft beside the file has a longer name."""
RATIO: Final = 64
"""Bytes in memory that a byte of a foreign file may become; flat pictures reach 1,000 and more."""
SCHEME: Final = "local://"
_SHOWN: Final = 60
"""Characters of a refused name that are shown."""
_KINDS: Final = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


def part(name: object) -> str:
    """Return a name that can be one part of a path, and nothing more.

    It is not empty, has no separator, control or invisible character, is not the folder itself or
    the one above it, and is no longer than `MOST_NAME` bytes.

    Raises:
        InvalidError: it is none; the message shows its beginning.
    """
    if not isinstance(name, str) or not _is_part(name):
        shown = ascii(name) if len(str(name)) <= _SHOWN else f"{str(name)[:_SHOWN]!a}…"
        raise InvalidError(
            f"{shown} cannot be the name of a file here: a name is one part of a path, with no "
            "separator or control character"
        )
    return name


def _is_part(name: str) -> bool:
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= MOST_NAME
        and name not in {".", ".."}
        and name.isprintable()
        and not {"/", "\\"} & {*name}
    )


def address(given: str, home: Path) -> Path:
    """The file at an address that the server of an embedded lake gave.

    Args:
        given: `local://` and an absolute path.
        home: the lake's directory.

    Raises:
        InvalidError: it is not in that directory.
    """
    place = Path(given.removeprefix(SCHEME))
    inside = given.startswith(SCHEME) and place.is_relative_to(home) and ".." not in place.parts
    named = "\0" not in given and given.encode("utf-8", "replace").decode() == given
    if not inside or not named:
        raise InvalidError(
            f"the lake names {given[:_SHOWN]!a}, which is not in its directory {home}"
        )
    return place


def most_decoded(size: int, floor: int) -> int:
    """Bytes, values or pixels that so many bytes of foreign files may become in memory.

    Args:
        size: of the files together.
        floor: what any files may become, however small they are.
    """
    return max(floor, RATIO * size)


def is_regular(place: Path) -> bool:
    """Whether there is a regular file; under a name that no file can have there is none."""
    try:
        return stat.S_ISREG(place.stat().st_mode)
    except (OSError, ValueError):
        return False


def kind(mode: int) -> str | None:
    """What a file is by its mode, such as "a named pipe"; None: a regular file."""
    if stat.S_ISREG(mode):
        return None
    return next((said for matches, said in _KINDS if matches(mode)), "no regular file")


def opened(place: Path, *, follow: bool = True) -> BufferedReader:
    """Open a regular file for reading; anything else is left untouched.

    Args:
        place: the file.
        follow: whether it may be a symbolic link.

    Raises:
        OSError: there is none, it cannot be read, or it is no regular file.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    _refuse(place, _mode(place, follow=follow))  # some devices act when opened
    handle = os.open(place, flags if follow else flags | os.O_NOFOLLOW)
    try:
        _refuse(place, os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(place: Path, most: int = MOST, *, follow: bool = True) -> bytes:
    """Read a regular file whole.

    Args:
        place: the file.
        most: bytes that it may have.
        follow: whether it may be a symbolic link.

    Raises:
        OSError: as `opened`; and it has more bytes.
    """
    with opened(place, follow=follow) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"is larger than {most:,} bytes", str(place))
    return data


def read_text(place: Path, most: int = MOST) -> str:
    """Read a regular file of UTF-8 text, without a byte order mark; line ends become newlines.

    Raises:
        OSError: as `read_bytes`; and it is not UTF-8.
    """
    try:
        text = read_bytes(place, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        said = f"is not UTF-8 text (byte 0x{error.object[error.start]:02x} at {error.start})"
        raise OSError(errno.EILSEQ, said, str(place)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write_atomic(place: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file in one step: a killed process leaves the old file or the new one, whole.

    Args:
        place: the file; its folder is made if it is not there.
        content: its bytes.
        durable: also wait until they are on disk, where losing them to a power cut is no option.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name[:_SHOWN]}.{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(place)
        if durable:
            _sync_folder(place.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_text(place: Path, text: str) -> None:
    """Write UTF-8 text in one step."""
    write_atomic(place, text.encode())


def write_json(place: Path, content: object) -> None:
    """Write JSON with sorted names in one step."""
    write_text(place, json.dumps(content, indent=2, sort_keys=True) + "\n")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode(place: Path, *, follow: bool) -> int:
    try:
        return place.stat(follow_symlinks=follow).st_mode
    except ValueError as error:  # NUL, or half of a surrogate pair
        said = "has a name that no file can have"
        raise OSError(errno.EINVAL, said, ascii(str(place))) from error


def _refuse(place: Path, mode: int) -> None:
    said = kind(mode)
    if said is not None:
        code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(code, f"is {said}, not a regular file", str(place))
