"""Draws a family tree in a terminal: parents nested, shared ones once, too many only counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.tree import Tree

from lineage import schema
from lineage.record import REVIEWED
from review.cli.output import number, plural, sentence
from review.provenance import exchanges
from review.provenance.origins import UNSTATED, Mix, SampleProvenance

MOST_NODES: Final = 60
"""Ancestors that are drawn, the nearest first."""
MOST_DEPTH: Final = 10
"""Levels that are drawn."""
MOST_TEXT: Final = 160
"""Characters of an ancestor's text."""
MOST_REQUESTS: Final = 20
"""Requests for one candidate that are named."""
DIGITS: Final = 12


def draw(provenance: SampleProvenance) -> tuple[Tree, str | None]:
    """Draw the family tree of an occurrence: its inputs, theirs, and so on to the ends.

    Returns:
        The drawing, and a sentence about ancestors that it leaves out; None where it has all.
    """
    drawing = _TreeDrawing(provenance)
    label = f"commit {provenance.commit[:DIGITS]}" + (
        f" ({provenance.tag})" if provenance.tag else ""
    )
    if provenance.lost is not None:
        label += f", superseded by {provenance.lost.by[:DIGITS]}"
    top = Tree(sentence(label))
    drawing.inputs(top, drawing.start, 0)
    start = provenance.occurrence
    top.add(
        sentence(
            f"real inputs {number(start.real_inputs)}, real roots {number(start.real_roots)}, "
            f"depth mean {number(start.depth_mean)}, min {number(start.depth_min)}, "
            f"max {number(start.depth_max)}"
        )
    )
    return top, drawing.left_out()


class _TreeDrawing:
    """A family tree while it is drawn, from the occurrence upwards."""

    def __init__(self, provenance: SampleProvenance) -> None:
        near = provenance.family.nodes.head(MOST_NODES + 1).to_dicts()
        self.start: dict[str, Any] = near[0]
        self._near = {node["number"]: node for node in near}
        self._shown = {self.start["number"]}
        self._expanded: set[int] = set()
        self._mixes: set[str] = set()
        self._provenance = provenance

    def left_out(self) -> str | None:
        """A sentence about ancestors that were not drawn; None where all were."""
        nodes = self._provenance.family.nodes
        more = nodes.height - len(self._shown)
        if not more:
            return None
        steps = int(nodes["steps"][-1])
        away = f"up to {steps} {plural('step', steps)} away"
        return f"… {more:,} more {plural('ancestor', more)}, {away}; --json has them all"

    def inputs(self, above: Tree, node: Mapping[str, Any], depth: int) -> None:
        """Add the inputs of a node: its parents, then its generator."""
        self._expanded.add(node["number"])
        more = 0
        for index, link in enumerate(node["parents"]):
            parent = self._near.get(link["number"])
            if index >= MOST_NODES or (parent is None and link["number"] >= 0):
                more += 1
            else:
                self._parent(above, link, parent, depth)
        if more:
            above.add(sentence(f"… {more:,} more {plural('parent', more)}"))
        if node["kind"] == "real":
            if not depth:
                above.add(sentence(_source(node)))
        elif node["attribution"] == REVIEWED:
            above.add(sentence(f"edited by a reviewer, rule {REVIEWED}"))
        else:
            self._generator(above, node, depth)

    def _parent(
        self, above: Tree, link: Mapping[str, Any], parent: Mapping[str, Any] | None, depth: int
    ) -> None:
        head = f"{link['relation']} {number(link['weight'])}"
        location = f"{link['dataset']}, round {link['round']}, row {link['row']}"
        if parent is None:
            above.add(sentence(f"{head}, {location}: not in the lake at this commit"))
            return
        label = f"{head}, {parent['sample_id'].hex()[:DIGITS]}, {location}: {_state(parent)}"
        label += _quoted(self._provenance.texts.get((link["dataset"], link["round"], link["row"])))
        self._shown.add(parent["number"])
        if parent["kind"] == "real":
            above.add(sentence(f"{label}; {_source(parent)}"))
        elif parent["number"] in self._expanded:
            above.add(sentence(f"{label}, see above"))
        elif depth + 1 >= MOST_DEPTH:
            above.add(sentence(f"{label} …"))
        else:
            self.inputs(above.add(sentence(label)), parent, depth + 1)

    def _generator(self, above: Tree, node: Mapping[str, Any], depth: int) -> None:
        weight = [number(node["rest"])] if node["parents"] else []
        kind = self._provenance.kinds.get((node["dataset"], node["round"]))
        words = [*weight, str(node["generator"])[:DIGITS], *([kind] if kind else [])]
        round_ = node["dataset"], node["round"]
        if not depth:
            occurrence = self._provenance.occurrence
            words += [f"shard {occurrence.shard}", f"seed {occurrence.seed}"]
            words += _model(self._provenance.environment)
        else:
            words += [f"model {each.model}" for each in self._provenance.models.get(round_, ())]
        branch = above.add(sentence(f"generator {', '.join(words)}, rule {node['attribution']}"))
        requests = self._provenance.requests.get((*round_, node["row"]), ())
        for each in requests[:MOST_REQUESTS]:
            branch.add(sentence(f"asked {exchanges.identity(each, len(requests))}"))
        if len(requests) > MOST_REQUESTS:
            branch.add(sentence(f"… {len(requests) - MOST_REQUESTS:,} more requests"))
        if node["rest"] > 0:
            self._end(branch, node)

    def _end(self, above: Tree, node: Mapping[str, Any]) -> None:
        """Add what a generator was trained on."""
        digest = node["trained_on"]
        if digest is None and node["attribution"] == schema.SIMULATED:
            above.add(sentence(f"code and a seed, learnt from no data; {_source(node)}"))
            return
        if digest is None:
            above.add(sentence("opaque: its training data is unknown"))
            return
        mix = self._provenance.mixes.get(digest)
        if mix is None:
            above.add(sentence(f"mix {digest[:DIGITS]}, of which this commit holds no manifest"))
        elif digest in self._mixes:
            above.add(sentence(f"mix {digest[:DIGITS]}, see above"))
        else:
            self._mixes.add(digest)
            branch = above.add(sentence(_mix(mix.manifest)))
            for line in _licences(mix):
                branch.add(sentence(line))


def _model(environment: Mapping[str, Any] | None) -> list[str]:
    """The model of a service that generated the sample, if one did."""
    facts = environment or {}
    if "model" not in facts:
        return []
    weights = f" ({facts['weights']})" if "weights" in facts else ""
    licence = [f"licence {facts['licence']}"] if "licence" in facts else []
    return [f"model {facts['model']}{weights}", *licence]


def _quoted(text: str | None) -> str:
    """The text of an ancestor, cut where it is long."""
    if not text:
        return ""
    cut = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
    return f', "{cut}"'


def _state(node: Mapping[str, Any]) -> str:
    if node["kind"] == "real":
        return "real"
    return f"{node['kind']}, {node['decision'] or 'undecided'}"


def _source(node: Mapping[str, Any]) -> str:
    return f"source {node['source'] or UNSTATED}, licence {node['licence'] or UNSTATED}"


def _mix(mix: Mapping[str, Any]) -> str:
    rounds = ", ".join(f"{entry['round']}: {entry['rows']:,} rows" for entry in mix["rounds"])
    return (
        f"mix {mix['digest'][:DIGITS]} at commit {mix['commit'][:DIGITS]}, {mix['regime']}, "
        f"rounds {rounds}; real share {number(mix['real_share'])}"
    )


def _licences(mix: Mix) -> list[str]:
    lines = [f"real rows by licence: {counted(mix.licences)}"]
    if mix.behind != mix.licences:
        lines.append(f"real rows behind its synthetic ones, by licence: {counted(mix.behind)}")
    return lines


def counted(licences: Mapping[str, int]) -> str:
    """List licences with their number of rows: `CC BY 4.0 1,080, CC0-1.0 12`."""
    return ", ".join(f"{name} {rows:,}" for name, rows in licences.items()) or "none"
