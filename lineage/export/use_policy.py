"""Conditions of use as Croissant 1.1 has them: terms such as DUO's, and offers in ODRL's terms.

They come from descriptions that nobody trusts, so nothing but their own shape is carried over:
names and texts, addresses, and properties of ODRL 2.2 (https://www.w3.org/TR/odrl-model/). Prefixes
of the description are resolved, because they mean nothing in another document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

POLICY: Final = "usagePolicy"
"""Condition of a manifest that holds these conditions as JSON."""
DESCRIPTION: Final = "sourceDescription"
"""Condition of a manifest that names the description itself: address and SHA-256, as JSON."""
ODRL: Final = "http://www.w3.org/ns/odrl/2/"
DUO: Final = "http://purl.obolibrary.org/obo/DUO_"
"""Terms of the Data Use Ontology, such as DUO_0000042, general research use."""
PREFIXES: Final[Mapping[str, str]] = {"odrl": ODRL, "duo": DUO}
TEXTS: Final = frozenset({"name", "description", "termCode", "url"})
TYPES: Final = frozenset({"CreativeWork", "DefinedTerm"})
"""Types of schema.org that a condition may have beside those of ODRL."""
ADDRESS: Final = re.compile(r"https?://[^\s\"<>\\^`{|}]{1,400}\Z")
LOCAL: Final = re.compile(r"[A-Za-z]{1,40}\Z")
MAX_DEPTH: Final = 6
MAX_ITEMS: Final = 50
"""Properties or values of a node that are carried over."""
MAX_TEXT: Final = 400


def carried(
    value: object, context: object = None, left_out: Counter[str] | None = None
) -> list[dict[str, Any]]:
    """Return the conditions of use of a description that gives some as structures.

    Args:
        value: its `usageInfo`; a text is no structure.
        context: its JSON-LD context, whose prefixes are resolved.
        left_out: counts here the `properties` and `values` beyond `MAX_ITEMS` of a node, and values
            beyond `MAX_DEPTH` nodes.

    Returns:
        Nodes with terms of schema.org, of ODRL (`odrl:…`) and addresses, and texts beside them as
        nodes with that name; none where no structure is given.
    """
    names = _Names({**PREFIXES, **_prefixes(context)}, Counter() if left_out is None else left_out)
    items = _first(value if isinstance(value, list) else [value], "values", names)
    nodes = [_node(item, names, 0) for item in items if isinstance(item, Mapping)]
    found = [node for node in nodes if node]
    texts = [item for item in items if isinstance(item, str) and item] if found else []
    return [*found, *({"@type": ["sc:CreativeWork"], "name": item[:MAX_TEXT]} for item in texts)]


@dataclass(frozen=True, slots=True)
class _Names:
    """The prefixes of a description, and a count of what is left out of it."""

    prefixes: Mapping[str, str]
    left_out: Counter[str]


def _first(items: list[Any], what: str, names: _Names) -> list[Any]:
    """The items that are carried over; the others are counted."""
    if len(items) > MAX_ITEMS:
        names.left_out[what] += len(items) - MAX_ITEMS
    return items[:MAX_ITEMS]


def _prefixes(context: object) -> dict[str, str]:
    parts = context if isinstance(context, list) else [context]
    return {
        str(name): meaning
        for part in parts
        if isinstance(part, Mapping)
        for name, meaning in list(part.items())[: MAX_ITEMS * 4]
        if isinstance(meaning, str) and ADDRESS.match(meaning)
    }


def _node(node: Mapping[str, Any], names: _Names, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in _first(list(node.items()), "properties", names):
        key = _key(str(name), names.prefixes)
        kept = None if key is None else _value(key, value, names, depth)
        if key is not None and kept:
            found[key] = kept
    return found


def _value(key: str, value: object, names: _Names, depth: int) -> object:
    """What is carried over of the value of a property; nothing where it has another shape."""
    if key == "@type":
        listed = _first(_listed(value), "values", names)
        types = (_type(str(each), names.prefixes) for each in listed)
        return [each for each in types if each]
    if key in {"@id", "url"}:
        return _address(value, names.prefixes)
    if key in TEXTS:
        return value[:MAX_TEXT] if isinstance(value, str) else None
    if depth >= MAX_DEPTH:
        names.left_out["values"] += len(_listed(value))
        return None
    return _values(value, names, depth + 1)


def _values(value: object, names: _Names, depth: int) -> list[Any]:
    """The values of a property of ODRL: nodes, texts and numbers, such as a date's without type."""
    kept: list[Any] = []
    for given in _first(_listed(value), "values", names):
        item = given.get("@value", given) if isinstance(given, Mapping) else given
        if isinstance(item, Mapping):
            kept.append(_node(item, names, depth))
        elif isinstance(item, str):
            address = _address(item, names.prefixes)
            kept.append({"@id": address} if address else item[:MAX_TEXT])
        elif isinstance(item, int | float) and not isinstance(item, bool):
            kept.append(item)
    return [item for item in kept if item not in ({}, "")]


def _key(name: str, prefixes: Mapping[str, str]) -> str | None:
    """A name of the vocabulary that is carried over; None for any other."""
    prefix, colon, local = name.rpartition(":")
    if name in {"@type", "@id"}:
        return name
    if name in TEXTS or (prefix in {"sc", "schema"} and local in TEXTS):
        return local if colon else name
    if colon and prefixes.get(prefix) == ODRL and LOCAL.match(local):
        return f"odrl:{local}"
    full = name.removeprefix(ODRL)
    return f"odrl:{full}" if full != name and LOCAL.match(full) else None


def _type(name: str, prefixes: Mapping[str, str]) -> str | None:
    key = _key(name, prefixes)
    if key is not None and key.startswith("odrl:"):
        return key
    local = name.rpartition(":")[2]
    return f"sc:{local}" if local in TYPES else None


def _address(value: object, prefixes: Mapping[str, str]) -> str | None:
    """An address, with the prefix that it begins with resolved; None for anything else."""
    if not isinstance(value, str):
        return None
    prefix, colon, local = value.partition(":")
    if colon and prefix in prefixes and not local.startswith("//"):
        value = f"{prefixes[prefix]}{local}"
    return value if ADDRESS.match(value) else None


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
