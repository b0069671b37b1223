"""Which names and header texts the lake accepts, by lakeFS's rules."""

from __future__ import annotations

import re
from typing import Final

from lake.errors import InvalidError

REPOSITORY: Final = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
BRANCH: Final = re.compile(r"\w[-\w]*", re.ASCII)
TAG: Final = re.compile(
    r"(?!@?$|.*(?:\.\.|@\{))[^\x00-\x20\x7f^:?*\[\\./][^\x00-\x20\x7f~^:?*\[\\/]*"
)
MAX_KEY: Final = 1024
HEADER_NAME: Final = re.compile(r"[\w!#$%&'*+.^`|~-]*", re.ASCII)
"""What may follow a prefix in the name of a header (RFC 9110, token)."""
CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What the value of no header can hold."""


def check_repository(name: str) -> None:
    """Refuse names that lakeFS refuses for repositories."""
    if not REPOSITORY.fullmatch(name):
        raise InvalidError(f"repository name {name!r} must match ^{REPOSITORY.pattern}$")


def check_key(path: str) -> None:
    """Refuse object keys that no file system or URL should see.

    Raises:
        InvalidError: it is empty, too long, holds NUL, or climbs out with `..`.
    """
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise InvalidError("an object's path holds half of a surrogate pair") from None
    if not 0 < size <= MAX_KEY:
        raise InvalidError(f"an object's path has 1 to {MAX_KEY} bytes")
    if "\x00" in path or any(part in ("..", ".") for part in path.split("/")):
        raise InvalidError("an object's path holds no NUL and no `.` or `..` part")


def check_branch(name: str) -> None:
    """Refuse names that lakeFS refuses for branches."""
    if not BRANCH.fullmatch(name):
        raise InvalidError(f"branch name {name!r} must match ^{BRANCH.pattern}$")


def check_tag(name: str) -> None:
    """Refuse names that lakeFS refuses for tags: those of git's that a path cannot hold."""
    if not TAG.fullmatch(name) or name.endswith((".", ".lock")):
        raise InvalidError(f"tag name {name!r} is not valid")


def check_header_name(name: str) -> str:
    """Refuse what cannot be part of the name of a response's header.

    Raises:
        InvalidError: it cannot.
    """
    if not HEADER_NAME.fullmatch(name):
        raise InvalidError(f"{name!r} cannot be in the name of a header")
    return name


def check_header_text(text: str) -> str:
    """Refuse text that cannot stand in a response's header.

    Raises:
        InvalidError: it holds a control character, or a character outside ASCII.
    """
    if not (text.isascii() and text.isprintable()):
        raise InvalidError(f"{text!r} cannot stand in a header: printable ASCII only")
    return text
