"""Find personal data in a text by its format, and by its checksum where it has one.

What has no fixed format is not found: names, street addresses, birthdays, account names, and what
is written out in words. Of national identity numbers, only the social security numbers of the
United States are found.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from pipelines.common import optional

TRIGGER: Final = (
    r"@|:[0-9A-Fa-f]{0,4}:|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\d(?:\D{0,3}\d){6}|[A-Z]{2}\d{2}"
)
"""A text without a match of this pattern holds no personal data that `find` would find."""
IBAN_LENGTHS: Final = range(15, 35)
"""Lengths that an IBAN may have (ISO 13616)."""


class Finding(NamedTuple):
    """Personal data in a text: where it starts and ends, and what it is."""

    start: int
    end: int
    kind: str


def find(text: str, region: str | None) -> list[Finding]:
    """Find personal data; where two findings overlap, the one with the strictest check is kept.

    Args:
        text: Text in compatibility form (NFKC).
        region: ISO 3166 code of the country of phone numbers without a country code; None: such
            numbers are not found.

    Returns:
        Findings in the order of the text.

    Raises:
        LibraryError: The library phonenumbers is not installed.
    """
    findings: list[Finding] = []
    for candidate in [*_matches(text), *_phones(text, region)]:
        if all(candidate.end <= other.start or other.end <= candidate.start for other in findings):
            findings.append(candidate)
    return sorted(findings)


def luhn(digits: str) -> bool:
    """Check the check digit of a card number (ISO/IEC 7812-1, annex B)."""
    values = [int(digit) for digit in reversed(digits)]
    doubled = [sum(divmod(2 * value, 10)) for value in values[1::2]]
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Check the check digits of an IBAN (ISO 7064, MOD 97-10)."""
    plain = text.replace(" ", "")
    if len(plain) not in IBAN_LENGTHS:
        return False
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return digits[0] in "23456" and len(set(digits)) > 1 and luhn(digits)


def _ssn(text: str) -> bool:
    """Check that a social security number is in a range that is issued."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _address(text: str) -> bool:
    """Check that a text is the IP address of a machine other than this one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


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
"""Kind, pattern and check of each rule, the strictest first; every repetition is bounded."""


def _matches(text: str) -> Iterator[Finding]:
    for kind, pattern, check in RULES:
        for match in pattern.finditer(text):
            if check(match.group()):
                yield Finding(match.start(), match.end(), kind)


def _phones(text: str, region: str | None) -> Iterator[Finding]:
    """Find phone numbers that are valid in the numbering plan of their country."""
    library: Any = optional.library("phonenumbers", "phone numbers in texts")
    for match in library.PhoneNumberMatcher(text, region):
        yield Finding(match.start, match.end, "phone")
