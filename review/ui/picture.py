"""The family tree as a picture: ancestors above, what was made of them below, mixes as their ends.

Only places are computed here; the template draws them as SVG, so that colours follow the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from review.cli.output import number
from review.provenance.origins import SampleProvenance

MOST: Final = 40
"""Members that are drawn, the nearest first."""
WIDE: Final = 180
HIGH: Final = 58
GAP: Final = 20
DROP: Final = 74
"""Between layers, for the words on the edges."""
MARGIN: Final = 12
LINE: Final = 14
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
    low: bool
    """Whether the words stand a line lower, beside those of the edge before."""

    @property
    def path(self) -> str:
        """As an SVG path."""
        half = (self.y1 + self.y2) / 2
        return f"M{self.x1} {self.y1} C{self.x1} {half} {self.x2} {half} {self.x2} {self.y2}"

    @property
    def said_at(self) -> tuple[float, float]:
        """Where the words stand: under the box that the edge comes from."""
        return self.x1, self.y1 + (LINE if self.low else 0) + LINE


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
    """Above, below, words."""
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

    def ordered(self) -> list[list[str]]:
        """Keys by layer; each box above the middle of those that were made of it."""
        rows: list[list[str]] = []
        at: dict[str, float] = {}
        for layer in range(max(self.full) + 1):
            mine = [key for key, (its, _) in self.boxes.items() if its == layer]
            middle = {key: self._middle(key, at) for key in mine}
            rows.append(sorted(mine, key=lambda key: middle[key]))
            at |= {key: place - len(mine) / 2 for place, key in enumerate(rows[-1])}
        return rows

    def _middle(self, key: str, at: Mapping[str, float]) -> float:
        below = [at[child] for above, child, _ in self.edges if above == key and child in at]
        return sum(below) / len(below) if below else 0.0


def draw(found: SampleProvenance, images: Mapping[tuple[str, int, int], str], ref: str) -> Picture:
    """Give the members of a family tree their places.

    Args:
        found: the sample.
        images: pictures of some members, as data URIs, by data set, round and row.
        ref: for links.
    """
    near = found.family.nodes.head(MOST).to_dicts()
    layers, deep = _Layers(), _layers(near)
    for node in near:
        _member(layers, node, deep[node["number"]], images, ref)
    for node in near:
        for key, words in _inputs(layers, node, deep[node["number"]] + 1, found):
            layers.edges.append((key, str(node["number"]), words))
    shown = sum(str(each["number"]) in layers.boxes for each in near)
    return _placed(layers, found.family.nodes.height - shown)


def _layers(near: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The layer of each member: above everything that was made of it.

    A parent's number is less than its child's, so children come first in falling order.
    """
    deep = {each["number"]: each["steps"] for each in near}
    for node in sorted(near, key=lambda each: -int(each["number"])):
        for link in node["parents"]:
            if link["number"] in deep:
                deep[link["number"]] = max(deep[link["number"]], deep[node["number"]] + 1)
    return deep


def _member(
    layers: _Layers,
    node: Mapping[str, Any],
    layer: int,
    images: Mapping[tuple[str, int, int], str],
    ref: str,
) -> None:
    place = (node["dataset"], node["round"], node["row"])
    said = (
        "real" if node["kind"] == "real" else f"{node['kind']}, {node['decision'] or 'undecided'}"
    )
    layers.add(
        str(node["number"]),
        layer,
        kind=node["kind"],
        lines=(f"{place[0]} {place[1]}, row {place[2]:,}", said, node["sample_id"].hex()[:12]),
        link=f"/sample/{place[0]}/{place[1]}/{place[2]}?ref={ref}",
        image=images.get(place),
    )


def _inputs(
    layers: _Layers, node: Mapping[str, Any], above: int, found: SampleProvenance
) -> Iterator[tuple[str, str]]:
    """The boxes above a member with the words on the edges, adding ends where the tree ends."""
    if str(node["number"]) not in layers.boxes:
        return
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


def _end(node: Mapping[str, Any], found: SampleProvenance) -> tuple[str, dict[str, Any]]:
    """What a generator learned from."""
    digest = node["trained_on"]
    if digest is None:
        lines = ("opaque model", "training data unknown", str(node["generator"])[:12])
        return f"opaque {node['generator']}", {"kind": "opaque", "lines": lines}
    mix = found.mixes.get(digest)
    if mix is None:
        return digest, {"kind": "mix", "lines": (f"mix {digest[:12]}", "no manifest here", "")}
    rows = sum(each["rows"] for each in mix.manifest["rounds"])
    lines = (
        f"mix {digest[:12]}",
        f"{rows:,} rows, {mix.manifest['regime']}",
        f"real share {number(mix.manifest['real_share'])}",
    )
    return digest, {"kind": "mix", "lines": lines}


def _placed(layers: _Layers, left_out: int) -> Picture:
    rows = layers.ordered()
    widest = max(map(len, rows))
    width = 2 * MARGIN + widest * (WIDE + GAP) - GAP
    boxes: dict[str, Box] = {}
    for layer, row in enumerate(rows):
        start = (width - len(row) * (WIDE + GAP) + GAP) / 2
        y = MARGIN + (len(rows) - 1 - layer) * (HIGH + DROP)
        for at, key in enumerate(row):
            boxes[key] = Box(x=start + at * (WIDE + GAP), y=y, **layers.boxes[key][1])
    height = 2 * MARGIN + len(rows) * (HIGH + DROP) - DROP
    edges = list(_edges(layers, boxes))
    return Picture(width, height, list(boxes.values()), edges, left_out, _words(layers, boxes))


def _edges(layers: _Layers, boxes: Mapping[str, Box]) -> Iterator[Edge]:
    """Edges that leave and reach a box side by side."""

    def side(keys: set[str]) -> list[str]:
        return sorted(keys, key=lambda key: (boxes[key].x, -boxes[key].y))

    for above, below, words in layers.edges:
        down = side({each for key, each, _ in layers.edges if key == above})
        up = side({key for key, each, _ in layers.edges if each == below})
        out, into = down.index(below), up.index(above)
        yield Edge(
            x1=boxes[above].x + WIDE * (out + 1) / (len(down) + 1),
            y1=boxes[above].y + HIGH,
            x2=boxes[below].x + WIDE * (into + 1) / (len(up) + 1),
            y2=boxes[below].y,
            words=words,
            low=out % 2 == 1,
        )


def _words(layers: _Layers, boxes: Mapping[str, Box]) -> str:
    """The tree as sentences, for who cannot see it."""
    said = [
        f"{boxes[below].lines[0]} from {boxes[above].lines[0]} ({boxes[above].lines[1]}): {words}"
        for above, below, words in layers.edges
    ]
    return ". ".join(said) or f"{next(iter(boxes.values())).lines[0]} has no inputs"
