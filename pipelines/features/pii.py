"""Personal data in a text, by its form: and by its checksum where it has one.

What has no form is not found: names, street addresses, birthdays, account names, what is told in
words. Of numbers of identity only the social security numbers of the United States are known.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from pipelines.common import optional

SOME: Final = (
    r"@|:[0-9A-Fa-f]{0,4}:|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\d(?:\D{0,3}\d){6}|[A-Z]{2}\d{2}"
)
"""A text in which nothing looks like this holds nothing that is looked for."""
IBAN: Final = range(15, 35)
"""Length (ISO 13616)."""


class Finding(NamedTuple):
    """A place in a text, and what stands there."""

    start: int
    end: int
    kind: str


def find(text: str, region: str | None) -> list[Finding]:
    """Find personal data; where two kinds overlap, the one that is checked most strictly.

    Args:
        text: in compatibility form (NFKC).
        region: ISO 3166 code of the country of phone numbers without one; None: of none.

    Raises:
        LibraryError: the library phonenumbers is not installed.
    """
    found: list[Finding] = []
    for each in [*_formed(text), *_phones(text, region)]:
        if all(each.end <= other.start or other.end <= each.start for other in found):
            found.append(each)
    return sorted(found)


def luhn(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    values = [int(digit) for digit in reversed(digits)]
    doubled = [sum(divmod(2 * value, 10)) for value in values[1::2]]
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Whether the check digits are right (ISO 7064, MOD 97-10)."""
    plain = text.replace(" ", "")
    if len(plain) not in IBAN:
        return False
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return digits[0] in "23456" and len(set(digits)) > 1 and luhn(digits)


def _ssn(text: str) -> bool:
    """Whether the number may have been given to somebody."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _address(text: str) -> bool:
    """Whether it is the address of a machine other than this one."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified)


def _any(_: str) -> bool:
    return True


RULES: Final[tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...]] = (
    (
        "email",
        re.compile(r"\b[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b"),
        _any,
    ),
    (
        "iban",
        re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", re.ASCII),
        iban,
    ),
    ("credit card", re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])", re.ASCII), _card),
    ("us ssn", re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])", re.ASCII), _ssn),
    ("ip", re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)", re.ASCII), _address),
    (
        "ip",
        re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![\w:])", re.ASCII),
        _address,
    ),
)
"""Kind, form and check, the strictest first; every repetition is bounded."""


def _formed(text: str) -> Iterator[Finding]:
    for kind, form, check in RULES:
        for match in form.finditer(text):
            if check(match.group()):
                yield Finding(match.start(), match.end(), kind)


def _phones(text: str, region: str | None) -> Iterator[Finding]:
    """Numbers that are valid in the numbering plan of their country."""
    library: Any = optional.library("phonenumbers", "phone numbers in texts")
    for match in library.PhoneNumberMatcher(text, region):
        yield Finding(match.start, match.end, "phone")
