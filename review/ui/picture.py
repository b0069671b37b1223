"""The family tree as a picture: ancestors above, what was made of them below, mixes as their ends.

Only places are computed here; the template draws them as SVG, so that colours follow the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from review.origins import Found
from review.output import number

MOST: Final = 40
"""Members that are drawn, the nearest first."""
WIDE: Final = 190
HIGH: Final = 58
GAP: Final = 24
DROP: Final = 74
"""Between layers, for the words on the edges."""
MARGIN: Final = 12
PER_LAYER: Final = 8
"""Boxes of a layer; more are counted."""


@dataclass(frozen=True, slots=True)
class Box:
    """A member of the tree, or an end of it."""

    x: float
    y: float
    kind: str
    """real, synthetic, edited, mix, opaque or lost."""
    lines: tuple[str, ...]
    link: str | None = None
    image: str | None = None
    """A data URI."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From a box to the one that was made of it, with its words."""

    x1: float
    y1: float
    x2: float
    y2: float
    words: str

    @property
    def path(self) -> str:
        """As an SVG path."""
        half = (self.y1 + self.y2) / 2
        return f"M{self.x1} {self.y1} C{self.x1} {half} {self.x2} {half} {self.x2} {self.y2}"


@dataclass(frozen=True, slots=True)
class Picture:
    """A family tree with places."""

    width: float
    height: float
    boxes: list[Box]
    edges: list[Edge]
    left_out: int
    """Members that are not drawn."""
    told: str
    """The same in words."""


@dataclass(slots=True)
class _Layers:
    """Boxes by layer, the sample's own first, before they have places."""

    boxes: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    edges: list[tuple[str, str, str]] = field(default_factory=list)
    full: dict[int, int] = field(default_factory=dict)

    def add(self, key: str, layer: int, **about: Any) -> bool:  # noqa: ANN401  fields of a box
        """Add a box unless it is there; False where its layer is full."""
        if key in self.boxes:
            return True
        if self.full.get(layer, 0) >= PER_LAYER:
            return False
        self.full[layer] = self.full.get(layer, 0) + 1
        self.boxes[key] = (layer, about)
        return True


def draw(found: Found, images: Mapping[tuple[str, int, int], str], ref: str) -> Picture:
    """Give the members of a family tree their places.

    Args:
        found: the sample.
        images: pictures of some members, as data URIs, by data set, round and row.
        ref: for links.
    """
    near = found.family.nodes.head(MOST).to_dicts()
    layers = _Layers()
    for node in near:
        _member(layers, node, images, ref)
    for node in near:
        for key, words in _inputs(layers, node, found):
            layers.edges.append((key, str(node["number"]), words))
    shown = sum(str(each["number"]) in layers.boxes for each in near)
    return _placed(layers, found.family.nodes.height - shown)


def _member(
    layers: _Layers,
    node: Mapping[str, Any],
    images: Mapping[tuple[str, int, int], str],
    ref: str,
) -> None:
    place = (node["dataset"], node["round"], node["row"])
    said = (
        "real" if node["kind"] == "real" else f"{node['kind']}, {node['decision'] or 'undecided'}"
    )
    layers.add(
        str(node["number"]),
        node["steps"],
        kind=node["kind"],
        lines=(f"{place[0]} {place[1]}, row {place[2]:,}", said, node["sample_id"].hex()[:12]),
        link=f"/sample/{place[0]}/{place[1]}/{place[2]}?ref={ref}",
        image=images.get(place),
    )


def _inputs(layers: _Layers, node: Mapping[str, Any], found: Found) -> Iterator[tuple[str, str]]:
    """The boxes above a member with the words on the edges, adding ends where the tree ends."""
    if str(node["number"]) not in layers.boxes:
        return
    above = node["steps"] + 1
    for link in node["parents"]:
        key, words = str(link["number"]), f"{link['relation']} {number(link['weight'], 2)}"
        place = f"{link['dataset']} {link['round']}, row {link['row']:,}"
        if link["number"] < 0:
            key = f"lost {place}"
            layers.add(key, above, kind="lost", lines=(place, "not in the lake", "at this commit"))
        if key in layers.boxes:
            yield key, words
    if node["kind"] != "real" and node["rest"] > 0:
        key, about = _end(node, found)
        if layers.add(key, above, **about):
            yield (
                key,
                f"learned from {number(node['rest'], 2)}" if node["parents"] else "learned from",
            )


def _end(node: Mapping[str, Any], found: Found) -> tuple[str, dict[str, Any]]:
    """What a generator learned from."""
    digest = node["trained_on"]
    if digest is None:
        lines = ("opaque model", "training data unknown", str(node["generator"])[:12])
        return f"opaque {node['generator']}", {"kind": "opaque", "lines": lines}
    mix = found.mixes.get(digest)
    if mix is None:
        return digest, {"kind": "mix", "lines": (f"mix {digest[:12]}", "no manifest here", "")}
    rows = sum(each["rows"] for each in mix.about["rounds"])
    lines = (
        f"mix {digest[:12]}",
        f"{rows:,} rows, {mix.about['regime']}",
        f"real share {number(mix.about['real_share'])}",
    )
    return digest, {"kind": "mix", "lines": lines}


def _placed(layers: _Layers, left_out: int) -> Picture:
    deepest = max(layer for layer, _ in layers.boxes.values())
    widest = max(layers.full.values())
    width = 2 * MARGIN + widest * WIDE + (widest - 1) * GAP
    seen: dict[int, int] = {}
    boxes: dict[str, Box] = {}
    for key, (layer, about) in layers.boxes.items():
        at = seen.get(layer, 0)
        seen[layer] = at + 1
        used = layers.full[layer] * (WIDE + GAP) - GAP
        x = (width - used) / 2 + at * (WIDE + GAP)
        boxes[key] = Box(x=x, y=MARGIN + (deepest - layer) * (HIGH + DROP), **about)
    edges = [_edge(boxes[above], boxes[below], words) for above, below, words in layers.edges]
    height = 2 * MARGIN + (deepest + 1) * HIGH + deepest * DROP
    return Picture(width, height, list(boxes.values()), edges, left_out, _words(layers, boxes))


def _edge(above: Box, below: Box, words: str) -> Edge:
    return Edge(above.x + WIDE / 2, above.y + HIGH, below.x + WIDE / 2, below.y, words)


def _words(layers: _Layers, boxes: Mapping[str, Box]) -> str:
    """The tree as sentences, for who cannot see it."""
    said = [
        f"{boxes[below].lines[0]} from {boxes[above].lines[0]} ({boxes[above].lines[1]}): {words}"
        for above, below, words in layers.edges
    ]
    return ". ".join(said) or f"{next(iter(boxes.values())).lines[0]} has no inputs"
