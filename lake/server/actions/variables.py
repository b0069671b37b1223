"""Secrets in action files: `{{ ENV.NAME }}` stands for a variable of the server's environment.

Only variables that begin with `LAKEFSACTIONS_` are read, as lakeFS has it: whoever runs the server
allows a secret by giving it such a name. Others are never expanded, and their file is refused.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote

PREFIX: Final = "LAKEFSACTIONS_"
HIDDEN: Final = "*******"
"""What a record shows in place of a text with secrets."""
MAX_WRITTEN: Final = 12
"""Characters that a letter has at most as URLs, JSON and HTML write it."""
_VARIABLE: Final = re.compile(r"\{\{ ?ENV\.(.*?) ?\}\}")
_NAME: Final = re.compile(rf"{PREFIX}\w+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Expanded:
    """A text with its variables replaced, and the values that were put in."""

    text: str
    secrets: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The text as a record may hold it."""
        return HIDDEN if self.secrets else self.text


def check(text: str) -> None:
    """Refuse variables that are not for hooks.

    Raises:
        ValueError: there is one.
    """
    for name in _VARIABLE.findall(text):
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"names the variable {name[:60]!r}: only those that begin with {PREFIX} are read"
            )


def expand(text: str, environment: Mapping[str, str]) -> Expanded:
    """Replace the variables of a text.

    Raises:
        ValueError: one is not for hooks, or not set; the message has no value.
    """
    check(text)
    missing = [name for name in _VARIABLE.findall(text) if name not in environment]
    if missing:
        raise ValueError(f"{missing[0]} is not set in the server's environment")
    values = tuple(environment[name] for name in _VARIABLE.findall(text))
    return Expanded(_VARIABLE.sub(lambda match: environment[match[1]], text), values)


@lru_cache(maxsize=64)
def written(secret: str) -> re.Pattern[str]:
    """A pattern of a secret, each letter as it is or as URLs, JSON and HTML write it.

    Answers and errors quote the address that was called, or come as JSON or as pages.
    """
    return re.compile("".join(map(_letter, secret)))


def _letter(letter: str) -> str:
    """A pattern of one letter; the longest way to write it comes first, and is not given back."""
    if letter.isascii() and letter.isalnum():
        return letter
    percent, decimal = quote(letter, safe="", errors="replace"), ord(letter)
    ways = {letter, f"\\{letter}", percent, percent.lower(), "+" if letter == " " else letter}
    ways |= {json.dumps(letter)[1:-1], html.escape(letter), f"&#{decimal};", f"&#x{decimal:x};"}
    longest = sorted(ways, key=len, reverse=True)
    return f"(?>{'|'.join(map(re.escape, longest))})"
