"""Many small objects in two calls: addresses handed out together, and linked together.

lakeFS's API has no such calls; the project's own client uses them on the embedded lake, where a
call for every object costs more than its bytes.
"""

from __future__ import annotations

from typing import Any

from lake.errors import InvalidError
from lake.server.catalog.content import DEFAULT_TYPE
from lake.server.http.requests import Answer, Call, Services


def offer_batch(lake: Services, call: Call) -> Answer:
    """Hand out an address for each path."""
    paths = _texts(call.body.get("paths"), "paths")
    return Answer(200, {"addresses": lake.content.offer_many(call.repository, call.branch, paths)})


def link_batch(lake: Services, call: Call) -> Answer:
    """Take over the bytes at the addresses; all become visible at once, or none."""
    paths = _texts(call.body.get("paths"), "paths")
    addresses = _texts(call.body.get("addresses"), "addresses")
    if len(paths) != len(addresses) or len(set(addresses)) != len(addresses):
        raise InvalidError("every path needs an address of its own")
    kind = call.optional("content_type") or DEFAULT_TYPE
    if not (kind.isascii() and kind.isprintable()):
        raise InvalidError(f"{kind!r} cannot stand in a header: printable ASCII only")
    pairs = list(zip(paths, addresses, strict=True))
    lake.content.link_many(call.repository, call.branch, pairs, content_type=kind)
    return Answer(204)


def _texts(found: Any, name: str) -> list[str]:  # noqa: ANN401  JSON
    if not isinstance(found, list) or not all(isinstance(item, str) and item for item in found):
        raise InvalidError(f"the body needs `{name}`, a list of strings")
    return found
