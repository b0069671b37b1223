"""A family tree for people: parents nested, shared ones once, what is too much only counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.tree import Tree

from review.cli.output import number, plural, sentence
from review.provenance.origins import UNSTATED, Mix, SampleProvenance

MOST_NODES: Final = 60
"""Ancestors that are shown, the nearest first."""
MOST_DEPTH: Final = 10
"""Levels that are shown."""
DIGITS: Final = 12


def draw(found: SampleProvenance) -> tuple[Tree, str | None]:
    """Draw the family tree of an occurrence: its inputs, theirs, and so on to the ends.

    Returns:
        The drawing, and what to say about ancestors that it leaves out; None: it has them all.
    """
    drawn = _Drawing(found)
    place = f"commit {found.commit[:DIGITS]}" + (f" ({found.tag})" if found.tag else "")
    if found.lost is not None:
        place += f", superseded by {found.lost.by[:DIGITS]}"
    top = Tree(sentence(place))
    drawn.inputs(top, drawn.start, 0)
    one = found.occurrence
    top.add(
        sentence(
            f"real inputs {number(one.real_inputs)}, real roots {number(one.real_roots)}, "
            f"depth mean {number(one.depth_mean)}, min {number(one.depth_min)}, "
            f"max {number(one.depth_max)}"
        )
    )
    return top, drawn.left_out()


class _Drawing:
    """A family tree as it is drawn, from the occurrence upwards."""

    def __init__(self, found: SampleProvenance) -> None:
        near = found.family.nodes.head(MOST_NODES + 1).to_dicts()
        self.start: dict[str, Any] = near[0]
        self._near = {each["number"]: each for each in near}
        self._shown = {self.start["number"]}
        self._expanded: set[int] = set()
        self._mixes: set[str] = set()
        self._found = found

    def left_out(self) -> str | None:
        """What to say about ancestors that were not drawn; None: all were."""
        nodes = self._found.family.nodes
        more = nodes.height - len(self._shown)
        if not more:
            return None
        steps = int(nodes["steps"][-1])
        away = f"up to {steps} {plural('step', steps)} away"
        return f"… {more:,} more {plural('ancestor', more)}, {away}; --json has them all"

    def inputs(self, above: Tree, node: Mapping[str, Any], depth: int) -> None:
        """Add a node's own inputs: parents first, then its generator."""
        self._expanded.add(node["number"])
        more = 0
        for at, link in enumerate(node["parents"]):
            known = self._near.get(link["number"])
            if at >= MOST_NODES or (known is None and link["number"] >= 0):
                more += 1
            else:
                self._parent(above, link, known, depth)
        if more:
            above.add(sentence(f"… {more:,} more {plural('parent', more)}"))
        if node["kind"] == "real":
            if not depth:
                above.add(sentence(_source(node)))
        else:
            self._generator(above, node, depth)

    def _parent(
        self, above: Tree, link: Mapping[str, Any], known: Mapping[str, Any] | None, depth: int
    ) -> None:
        head = f"{link['relation']} {number(link['weight'])}"
        place = f"{link['dataset']}, round {link['round']}, row {link['row']}"
        if known is None:
            above.add(sentence(f"{head}, {place}: not in the lake at this commit"))
            return
        said = f"{head}, {known['sample_id'].hex()[:DIGITS]}, {place}: {_state(known)}"
        self._shown.add(known["number"])
        if known["kind"] == "real":
            above.add(sentence(f"{said}; {_source(known)}"))
        elif known["number"] in self._expanded:
            above.add(sentence(f"{said}, see above"))
        elif depth + 1 >= MOST_DEPTH:
            above.add(sentence(f"{said} …"))
        else:
            self.inputs(above.add(sentence(said)), known, depth + 1)

    def _generator(self, above: Tree, node: Mapping[str, Any], depth: int) -> None:
        weight = [number(node["rest"])] if node["parents"] else []
        kind = self._found.kinds.get((node["dataset"], node["round"]))
        said = [*weight, str(node["generator"])[:DIGITS], *([kind] if kind else [])]
        if not depth:
            one = self._found.occurrence
            said += [f"shard {one.shard}", f"seed {one.seed}", *_model(self._found.environment)]
        branch = above.add(sentence(f"generator {', '.join(said)}, rule {node['attribution']}"))
        if node["rest"] > 0:
            self._end(branch, node["trained_on"])

    def _end(self, above: Tree, digest: str | None) -> None:
        """What a generator learned from."""
        if digest is None:
            above.add(sentence("opaque: its training data is unknown"))
            return
        mix = self._found.mixes.get(digest)
        if mix is None:
            above.add(sentence(f"mix {digest[:DIGITS]}, of which this commit holds no manifest"))
        elif digest in self._mixes:
            above.add(sentence(f"mix {digest[:DIGITS]}, see above"))
        else:
            self._mixes.add(digest)
            branch = above.add(sentence(_mix(mix.about)))
            for line in _licences(mix):
                branch.add(sentence(line))


def _model(environment: Mapping[str, Any] | None) -> list[str]:
    """Which model of a service answered, if one did."""
    known = environment or {}
    if "model" not in known:
        return []
    weights = f" ({known['weights']})" if "weights" in known else ""
    return [f"model {known['model']}{weights}"]


def _state(node: Mapping[str, Any]) -> str:
    if node["kind"] == "real":
        return "real"
    return f"{node['kind']}, {node['decision'] or 'undecided'}"


def _source(node: Mapping[str, Any]) -> str:
    return f"source {node['source'] or UNSTATED}, licence {node['licence'] or UNSTATED}"


def _mix(mix: Mapping[str, Any]) -> str:
    rounds = ", ".join(f"{each['round']}: {each['rows']:,} rows" for each in mix["rounds"])
    return (
        f"mix {mix['digest'][:DIGITS]} at commit {mix['commit'][:DIGITS]}, {mix['regime']}, "
        f"rounds {rounds}; real share {number(mix['real_share'])}"
    )


def _licences(mix: Mix) -> list[str]:
    said = [f"real rows by licence: {counted(mix.licences)}"]
    if mix.behind != mix.licences:
        said.append(f"real rows behind its synthetic ones, by licence: {counted(mix.behind)}")
    return said


def counted(licences: Mapping[str, int]) -> str:
    """Licences with their rows: `CC BY 4.0 1,080, CC0-1.0 12`."""
    return ", ".join(f"{name} {rows:,}" for name, rows in licences.items()) or "none"
