"""Lays out the family tree as a picture: ancestors above their descendants, mixes at the ends.

Only positions are computed here; the template draws them as SVG, so that colours follow the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from lineage import schema
from review.cli.output import number
from review.provenance.origins import SampleProvenance

MOST: Final = 40
"""Members that are drawn, the nearest first."""
WIDE: Final = 180
HIGH: Final = 58
GAP: Final = 20
DROP: Final = 74
"""Space between layers, for the words on the edges."""
MARGIN: Final = 12
LINE: Final = 14
PER_LAYER: Final = 8
"""Boxes per layer; more are only counted."""


class Point(NamedTuple):
    """A position from the upper left corner, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """A member of the tree, or a mix or model at which it ends."""

    corner: Point
    """Its upper left corner."""
    kind: str
    """real, synthetic, edited, mix, opaque or lost."""
    lines: tuple[str, ...]
    link: str | None = None
    image: str | None = None
    """A data URI."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge from a box to one that descends from it, with its words."""

    start: Point
    end: Point
    words: str
    low: bool
    """Whether the words are one line lower than those of the edge before."""

    @property
    def path(self) -> str:
        """The edge as an SVG path."""
        (x1, y1), (x2, y2) = self.start, self.end
        half = (y1 + y2) / 2
        return f"M{x1} {y1} C{x1} {half} {x2} {half} {x2} {y2}"

    @property
    def label_position(self) -> Point:
        """Position of the words: under the box that the edge starts from."""
        return Point(self.start.x, self.start.y + (LINE if self.low else 0) + LINE)


@dataclass(frozen=True, slots=True)
class Picture:
    """A family tree with positions in pixels."""

    width: float
    height: float
    boxes: list[Box]
    edges: list[Edge]
    left_out: int
    """Number of members that are not drawn."""
    description: str
    """The tree in words."""


@dataclass(slots=True)
class _Layers:
    """Boxes by layer, that of the sample first, before they have positions."""

    boxes: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    edges: list[tuple[str, str, str]] = field(default_factory=list)
    """Key of the box above, key of the box below, words."""
    full: dict[int, int] = field(default_factory=dict)

    def add(self, key: str, layer: int, **attributes: Any) -> bool:  # noqa: ANN401  fields of a box
        """Add a box unless it exists; False where its layer is full."""
        if key in self.boxes:
            return True
        if self.full.get(layer, 0) >= PER_LAYER:
            return False
        self.full[layer] = self.full.get(layer, 0) + 1
        self.boxes[key] = (layer, attributes)
        return True

    def ordered(self) -> list[list[str]]:
        """Keys by layer; each box is near the middle of its children."""
        rows: list[list[str]] = []
        positions: dict[str, float] = {}
        for layer in range(max(self.full) + 1):
            keys = [key for key, (its, _) in self.boxes.items() if its == layer]
            middle = {key: self._middle(key, positions) for key in keys}
            rows.append(sorted(keys, key=lambda key: middle[key]))
            positions |= {key: index - len(keys) / 2 for index, key in enumerate(rows[-1])}
        return rows

    def _middle(self, key: str, positions: Mapping[str, float]) -> float:
        below = [
            positions[child]
            for above, child, _ in self.edges
            if above == key and child in positions
        ]
        return sum(below) / len(below) if below else 0.0


def draw(
    provenance: SampleProvenance, images: Mapping[tuple[str, int, int], str], ref: str
) -> Picture:
    """Lay out the members of a family tree.

    Args:
        provenance: the provenance of the sample.
        images: data URIs of some members, by data set, round and row.
        ref: branch, tag or commit that links refer to.
    """
    near = provenance.family.nodes.head(MOST).to_dicts()
    layers, deep = _Layers(), _layers(near)
    for node in near:
        _member(layers, node, deep[node["number"]], images, ref)
    for node in near:
        for key, words in _inputs(layers, node, deep[node["number"]] + 1, provenance):
            layers.edges.append((key, str(node["number"]), words))
    shown = sum(str(node["number"]) in layers.boxes for node in near)
    return _placed(layers, provenance.family.nodes.height - shown)


def _layers(near: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The layer of each member: above all of its descendants.

    A parent's number is less than its child's, so children come first in falling order.
    """
    deep = {node["number"]: node["steps"] for node in near}
    for node in sorted(near, key=lambda node: -int(node["number"])):
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
    node_key = (node["dataset"], node["round"], node["row"])
    label = (
        "real" if node["kind"] == "real" else f"{node['kind']}, {node['decision'] or 'undecided'}"
    )
    layers.add(
        str(node["number"]),
        layer,
        kind=node["kind"],
        lines=(
            f"{node_key[0]} {node_key[1]}, row {node_key[2]:,}",
            label,
            node["sample_id"].hex()[:12],
        ),
        link=f"/sample/{node_key[0]}/{node_key[1]}/{node_key[2]}?ref={ref}",
        image=images.get(node_key),
    )


def _inputs(
    layers: _Layers, node: Mapping[str, Any], above: int, provenance: SampleProvenance
) -> Iterator[tuple[str, str]]:
    """Keys of the boxes above a member, with words; adds the boxes at which the tree ends."""
    if str(node["number"]) not in layers.boxes:
        return
    for link in node["parents"]:
        key, words = str(link["number"]), f"{link['relation']} {number(link['weight'], 2)}"
        location = f"{link['dataset']} {link['round']}, row {link['row']:,}"
        if link["number"] < 0:
            key = f"lost {location}"
            layers.add(
                key, above, kind="lost", lines=(location, "not in the lake", "at this commit")
            )
        if key in layers.boxes:
            yield key, words
    if node["kind"] != "real" and node["rest"] > 0:
        key, attributes = _end(node, provenance)
        if layers.add(key, above, **attributes):
            yield (
                key,
                f"learned from {number(node['rest'], 2)}" if node["parents"] else "learned from",
            )


def _end(node: Mapping[str, Any], provenance: SampleProvenance) -> tuple[str, dict[str, Any]]:
    """Key and attributes of the box for what a generator was trained on."""
    digest = node["trained_on"]
    if digest is None and node["attribution"] == schema.SIMULATED:
        lines = ("simulator", "code, learnt from no data", str(node["generator"])[:12])
        return f"simulator {node['generator']}", {"kind": "opaque", "lines": lines}
    if digest is None:
        lines = ("opaque model", "training data unknown", str(node["generator"])[:12])
        return f"opaque {node['generator']}", {"kind": "opaque", "lines": lines}
    mix = provenance.mixes.get(digest)
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
        for column, key in enumerate(row):
            corner = Point(start + column * (WIDE + GAP), y)
            boxes[key] = Box(corner, **layers.boxes[key][1])
    height = 2 * MARGIN + len(rows) * (HIGH + DROP) - DROP
    edges = list(_edges(layers, boxes))
    return Picture(width, height, list(boxes.values()), edges, left_out, _words(layers, boxes))


def _edges(layers: _Layers, boxes: Mapping[str, Box]) -> Iterator[Edge]:
    """Edges, side by side where several leave or reach a box."""

    def side(keys: set[str]) -> list[str]:
        return sorted(keys, key=lambda key: (boxes[key].corner.x, -boxes[key].corner.y))

    for above, below, words in layers.edges:
        down = side({other for key, other, _ in layers.edges if key == above})
        up = side({key for key, other, _ in layers.edges if other == below})
        out, into = down.index(below), up.index(above)
        upper, lower = boxes[above].corner, boxes[below].corner
        start = Point(upper.x + WIDE * (out + 1) / (len(down) + 1), upper.y + HIGH)
        end = Point(lower.x + WIDE * (into + 1) / (len(up) + 1), lower.y)
        yield Edge(start, end, words, low=out % 2 == 1)


def _words(layers: _Layers, boxes: Mapping[str, Box]) -> str:
    """The tree as sentences, for readers who cannot see it."""
    sentences = [
        f"{boxes[below].lines[0]} from {boxes[above].lines[0]} ({boxes[above].lines[1]}): {words}"
        for above, below, words in layers.edges
    ]
    return ". ".join(sentences) or f"{next(iter(boxes.values())).lines[0]} has no inputs"
