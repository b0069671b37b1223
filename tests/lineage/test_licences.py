"""Texts that name a licence, and those that say that nobody knows one."""

from __future__ import annotations

import pytest

from lineage import licences


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CC0-1.0", "spdx"),
        ("mit or apache-2.0", "spdx"),
        ("LicenseRef-our-terms", "reference"),
        ("our own terms", "text"),
        ("https://example.org/terms", "text"),
        ("other", "text"),
        ("unknown", None),
        ("UNKNOWN ", None),
        ("None", None),
        ("n/a", None),
        ("N.A.", None),
        ("no_license", None),
        ("Not specified", None),
        ("NOASSERTION", None),
        ("none specified", None),
        ("LicenseRef-Unknown", None),
        ("".join(chr(ord(each) + 0xFEE0) for each in "UNKNOWN"), None),
        ("?", None),
        ("-", None),
        (" ", None),
        (None, None),
        (7, None),
    ],
)
def test_a_text_names_a_licence_or_none(text: object, kind: str | None) -> None:
    assert licences.kind(text) == kind
    assert licences.is_recorded(text) is (kind is not None)
