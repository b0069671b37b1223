"""Qualified names of exported things, and their namespaces.

Occurrences and collections of them belong to one commit of a lake, because the same row holds
another sample once a round is superseded. So their namespace is the commit: `lake:digits/3/57` is
row 57 of round 3 of the data set `digits` in the commit that the document describes. Mixes,
generators, suites and sources are identified by digest or name, regardless of the commit; a model
that was asked by its name, endpoint and weights, and a template of prompts by its digest.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from lineage.export.values import Origin

FIXED: Final = {
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "stemma": "urn:stemma:vocabulary#",
    "mix": "urn:stemma:mix:",
    "generator": "urn:stemma:generator:",
    "model": "urn:stemma:model:",
    "suite": "urn:stemma:suite:",
    "source": "urn:stemma:source:",
    "agent": "urn:stemma:agent:",
    "template": "urn:stemma:template:",
}
"""Namespaces by prefix that are the same in every export."""


def prefixes(origin: Origin) -> dict[str, str]:
    """Return the namespaces of a document by prefix."""
    return {"lake": f"lakefs://{origin.repository}/{origin.commit}#", **FIXED}


def local(text: str) -> str:
    """Escape a text for the local part of a qualified name, as %XX."""
    return quote(text, safe="")


def within(dataset: str, number: int, what: str) -> str:
    """Name something of a round, such as `lake:digits/3/accepted`."""
    return f"lake:{local(dataset)}/{number}/{what}"


def named(prefix: str, name: str, *more: object) -> str:
    """Name something by its digest or name, such as `mix:83f09ef2…`, with parts after `/`."""
    return f"{prefix}:{'/'.join(local(str(part)) for part in (name, *more))}"


def iri(name: str, origin: Origin) -> str:
    """Expand a qualified name: `urn:stemma:mix:83f09ef2…`."""
    prefix, _, rest = name.partition(":")
    return prefixes(origin)[prefix] + rest
