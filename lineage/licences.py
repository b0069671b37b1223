"""Whether a text names a licence: one of SPDX, a reference of one's own, or terms in free words.

Sources often write something where they know nothing, such as `unknown` or `n/a`. That is no
licence, and whoever counts what has none must not be answered by it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

Kind = Literal["spdx", "reference", "text"]
REFERENCE: Final = re.compile(r"(?:DocumentRef-[\w.-]+:)?LicenseRef-[\w.-]+\Z", re.IGNORECASE)
"""A reference to terms that SPDX does not list, as SPDX writes it."""
NOTHING: Final = frozenset(
    """
    unknown|none|na|null|nil|nan|undefined|unspecified|not specified|not provided|not available
    |not applicable|not known|not stated|not given|missing|empty|noassertion|no assertion|tbd|tba
    |todo|to be determined|no license|no licence|unlicensed|license|licence|unknown license
    |unknown licence|license unknown|licence unknown|no license specified|no licence specified
    |license not specified|licence not specified|none specified|none given|none known|none stated
    |license none|licence none|tbc|to be confirmed|unclear|unsure|licenseref unknown|licenseref none
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
"""Texts that say that no licence is known, in lower case, without punctuation."""


def kind(text: object) -> Kind | None:
    """Tell what a text names a licence by; None where it names none, or is no text.

    >>> kind("cc-by-4.0"), kind("LicenseRef-ours"), kind("our own terms"), kind("N/A")
    ('spdx', 'reference', 'text', None)
    """
    if not isinstance(text, str):
        return None
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = re.sub(r"[\W_]+", " ", re.sub(r"[/.]", "", plain)).strip()
    if not words or words in NOTHING:
        return None
    if REFERENCE.match(text.strip()):
        return "reference"
    try:
        canonicalize_license_expression(text.strip())
    except InvalidLicenseExpression:
        return "text"
    return "spdx"


def is_recorded(text: object) -> bool:
    """Tell whether a text names a licence at all."""
    return kind(text) is not None
