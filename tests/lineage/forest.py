"""Random lakes as dictionaries, and plain, slow answers to every question about them.

Nothing here shares code with the index. Weights are eighths, so that every sum is exact.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import polars as pl
from hypothesis import strategies as st

from lineage import schema, training_mix
from lineage.ancestry.source import Source
from lineage.manifest import MixManifest
from tests.lineage.conftest import content

Name = tuple[str, int]
Node = tuple[str, int, int]
Edge = tuple[Node, str, Fraction]
"""Parent, relation, weight."""
DATASETS = ("a", "b", "c")
OUTCOMES = ("accepted", "accepted", "accepted", "rejected", "duplicate", "surplus", None)


@dataclass
class Row:
    """One occurrence."""

    sample_id: bytes
    kind: str
    parents: list[Edge]
    trained_on: str | None
    decision: str | None


@dataclass
class Model:
    """A mix, as its members were chosen when it was made."""

    manifest: MixManifest
    members: dict[Node, Fraction]
    left_out: list[Node]


@dataclass
class Forest:
    """The rounds of a commit."""

    rounds: dict[Name, dict[int, Row]] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    """Digests of mixes whose manifests nobody has."""
    undecided: set[Name] = field(default_factory=set)

    @property
    def rows(self) -> dict[Node, Row]:
        return {(*name, at): row for name, rows in self.rounds.items() for at, row in rows.items()}

    def mixes(self, name: Name) -> set[str]:
        """The mixes that the rows of a round name."""
        return {row.trained_on for row in self.rounds[name].values() if row.trained_on}

    def known(self, name: Name) -> dict[str, Model]:
        known = self.mixes(name) - self.unknown
        return {digest: self.models[digest] for digest in known}

    def names(self, name: Name) -> set[Name]:
        """The rounds that a round names and the commit holds; itself if a parent is no lower."""
        parents = {(edge[0], at) for at, row in self.rounds[name].items() for edge in row.parents}
        found = {edge[:2] for edge, at in parents if edge[:2] != name or edge[2] >= at}
        for model in self.known(name).values():
            found |= {(model.manifest.dataset, part.round) for part in model.manifest.rounds}
        return found & self.rounds.keys()

    def order(self) -> tuple[list[Name], list[Name]]:
        """Rounds in topological order, lowest round and data set first; and those that are not."""
        done: list[Name] = []
        while True:
            free = [
                name for name in self.rounds if name not in done and self.names(name) <= set(done)
            ]
            if not free:
                return done, sorted(self.rounds.keys() - set(done), key=lambda each: each[::-1])
            done.append(min(free, key=lambda each: each[::-1]))

    def numbers(self) -> dict[Node, int]:
        ordered, cyclic = self.order()
        nodes = [(*name, at) for name in ordered + cyclic for at in sorted(self.rounds[name])]
        return {node: number for number, node in enumerate(nodes)}

    def rest(self, node: Node) -> Fraction:
        row = self.rows[node]
        left = 1 - sum((weight for _, _, weight in row.parents), Fraction())
        return max(left, Fraction()) if row.kind != "real" else Fraction()

    def members(self, digest: str) -> dict[Node, Fraction]:
        """The members that the commit holds, with their weights."""
        if digest in self.unknown:
            return {}
        rows = self.rows
        return {
            node: weight for node, weight in self.models[digest].members.items() if node in rows
        }

    def inputs(self, node: Node) -> list[tuple[Node | str, Fraction]]:
        """Where a backward step leads, with its probability; "opaque" and "lost" are ends."""
        row, rows = self.rows[node], self.rows
        if row.kind == "real":
            return []
        steps: list[tuple[Node | str, Fraction]] = [
            (parent if parent in rows else "lost", weight) for parent, _, weight in row.parents
        ]
        rest = self.rest(node)
        members = self.members(row.trained_on) if row.trained_on else {}
        whole = sum(members.values())
        steps += [(member, rest * weight / whole) for member, weight in members.items()]
        if not members:
            steps.append(("lost" if row.trained_on else "opaque", rest))
        return [(target, weight) for target, weight in steps if weight]

    def columns(self) -> dict[Node, dict[str, float | None]]:
        """Every derived column, from all backward walks: length of those that end at a real row."""
        walks: dict[Node, dict[int, Fraction]] = {}
        found = {}
        for node in self.numbers():
            real = self.rows[node].kind == "real"
            walks[node] = defaultdict(Fraction, {0: Fraction(1)} if real else {})
            direct = Fraction(1 if real else 0)
            for target, weight in self.inputs(node):
                if isinstance(target, str):
                    continue
                direct += weight * (self.rows[target].kind == "real")
                for length, mass in walks[target].items():
                    walks[node][length + 1] += weight * mass
            found[node] = {"real_inputs": float(direct), **summed(walks[node])}
        return found

    def figures(self, digest: str) -> dict[str, float | None]:
        """What a mix is, by the columns of its members."""
        columns, members = self.columns(), self.members(digest)
        whole = sum(members.values())
        share = {node: float(weight / whole) for node, weight in members.items()}
        roots = sum(share[node] * float(columns[node]["real_roots"] or 0) for node in members)
        length = sum(
            share[node]
            * float(columns[node]["real_roots"] or 0)
            * float(columns[node]["depth_mean"] or 0)
            for node in members
        )
        lows = [columns[node]["depth_min"] for node in members]
        highs = [columns[node]["depth_max"] for node in members]
        return {
            "real_share": sum(share[node] for node in members if self.rows[node].kind == "real"),
            "real_roots": roots,
            "depth_mean": length / roots if roots else None,
            "depth_min": min((each for each in lows if each is not None), default=None),
            "depth_max": max((each for each in highs if each is not None), default=None),
        }

    def ancestors(self, starts: set[Node], most: int | None = None) -> dict[Node, int]:
        """Rows above some, by explicit edges, and the fewest steps to each."""
        above = {node: {edge[0] for edge in row.parents} for node, row in self.rows.items()}
        return self._reach(starts, above, most)

    def direct(self, starts: set[Node]) -> dict[Node, int]:
        """Rows below some, by explicit edges, and the fewest steps to each; the starts too."""
        below: dict[Node, set[Node]] = defaultdict(set)
        for node, row in self.rows.items():
            for parent, _, _ in row.parents:
                below[parent].add(node)
        return self._reach(starts, below, None)

    def _reach(
        self, starts: set[Node], leads: dict[Node, set[Node]], most: int | None
    ) -> dict[Node, int]:
        rows, found, steps = self.rows, dict.fromkeys(starts, 0), 0
        new = set(starts)
        while new and (most is None or steps < most):
            steps += 1
            new = {
                target for node in new for target in leads.get(node, ()) if target in rows
            } - found.keys()
            found |= dict.fromkeys(new, steps)
        return found

    def indirect(self, starts: set[Node]) -> set[Node]:
        direct = set(self.direct(starts))
        indirect: set[Node] = set()
        while True:
            new = (
                {node for node in self.rows if self._is_indirect(node, direct, indirect)}
                - direct
                - indirect
            )
            if not new:
                return indirect
            indirect |= new

    def _is_indirect(self, node: Node, direct: set[Node], indirect: set[Node]) -> bool:
        row = self.rows[node]
        members = self.members(row.trained_on) if row.trained_on else {}
        learned = bool(members.keys() & (direct | indirect)) and self.rest(node) > 0
        return learned or any(parent in indirect for parent, _, _ in row.parents)

    def ends(self, starts: list[Node]) -> dict[Node | str, Fraction]:
        """Where the backward walks end that start evenly at some rows."""
        mass: dict[Node | str, Fraction] = defaultdict(Fraction)
        for node in starts:
            mass[node] += Fraction(1, len(starts))
        for node in reversed(self.numbers()):
            steps = self.inputs(node)
            if self.rows[node].kind != "real":
                here = mass.pop(node, Fraction())
                for target, weight in steps:
                    mass[target] += here * weight
        return {node: each for node, each in mass.items() if each}

    def sources(self, seed: int = 0) -> list[Source]:
        """As the index takes them: rounds and rows in any order."""
        shuffled = random.Random(seed)  # noqa: S311  no secret
        found = [self._source(name, shuffled) for name in self.rounds]
        shuffled.shuffle(found)
        return found

    def _source(self, name: Name, shuffled: random.Random) -> Source:
        rows = list(self.rounds[name].items())
        shuffled.shuffle(rows)
        lineage, decisions = frames(name, rows)
        known = self.known(name)
        out = [(digest, known[digest].left_out) for digest in sorted(known)]
        said = repr((sorted(rows), name in self.undecided, out))
        return Source(
            dataset=name[0],
            round=name[1],
            digest=hashlib.sha256(said.encode()).hexdigest(),
            lineage=lineage.lazy,
            decisions=None if name in self.undecided else decisions.lazy,
            mixes={digest: model.manifest for digest, model in known.items()},
            left_out={
                digest: places(model.left_out).lazy
                for digest, model in known.items()
                if model.left_out
            },
        )


def summed(walks: dict[int, Fraction]) -> dict[str, float | None]:
    """The columns that follow from the lengths of walks and their probabilities."""
    held = {length: mass for length, mass in walks.items() if mass}
    roots = sum(held.values(), Fraction())
    mean = sum((length * mass for length, mass in held.items()), Fraction())
    return {
        "real_roots": float(roots),
        "depth_mean": float(mean / roots) if roots else None,
        "depth_min": min(held, default=None),
        "depth_max": max(held, default=None),
    }


def frames(name: Name, rows: list[tuple[int, Row]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lineage and decisions of a round."""
    number = name[1]
    lineage = pl.DataFrame(
        {
            "round": pl.Series([number] * len(rows), dtype=pl.Int32),
            "row": pl.Series([at for at, _ in rows], dtype=pl.Int64),
            "sample_id": pl.Series([row.sample_id for _, row in rows], dtype=pl.Binary),
            "kind": pl.Series([row.kind for _, row in rows], dtype=pl.Enum(schema.KINDS)),
            "parents": pl.Series([listed(row.parents) for _, row in rows], dtype=schema.PARENTS),
            "trained_on": pl.Series([row.trained_on for _, row in rows], dtype=pl.String),
        }
    )
    decided = [(number, at, row.decision) for at, row in rows if row.decision]
    schema_ = {"round": pl.Int32, "row": pl.Int64, "decision": pl.String}
    return lineage, pl.DataFrame(decided, schema=schema_, orient="row")


def listed(parents: list[Edge]) -> list[dict[str, object]]:
    return [
        {
            "dataset": name,
            "round": number,
            "row": row,
            "relation": relation,
            "weight": float(weight),
        }
        for (name, number, row), relation, weight in parents
    ]


def places(nodes: list[Node]) -> pl.DataFrame:
    rows = [(number, row) for _, number, row in nodes]
    return pl.DataFrame(rows, schema={"round": pl.Int32, "row": pl.Int64}, orient="row")


@st.composite
def forests(draw: st.DrawFn, *, cycles: bool = False) -> Forest:
    """A lake of a few rounds, in which everything may happen that the index must bear."""
    forest = Forest()
    datasets = DATASETS[: draw(st.sampled_from([2, 1, 3]))]
    numbers = st.tuples(st.sampled_from(datasets), st.integers(1, 4))
    later = draw(st.lists(numbers, unique=True, min_size=2, max_size=5))
    for name in [*((dataset, 0) for dataset in datasets), *later]:
        forest.rounds[name] = draw(_rows(forest, name))
        draw(_edits(name, forest.rounds[name]))
        forest.undecided |= {name} if name[1] == 0 or draw(st.integers(0, 4)) == 0 else set()
        if name in forest.undecided:
            for row in forest.rounds[name].values():
                row.decision = "accepted" if name[1] == 0 else None
    if cycles and forest.rows:
        names = st.sampled_from(sorted(forest.rounds))
        for _ in range(draw(st.integers(1, 2))):
            child = draw(st.sampled_from(sorted(forest.rows)))
            forest.rows[child].parents.append(((*draw(names), 0), "seed", Fraction()))
    if len(forest.rounds) > 1 and draw(st.integers(0, 3)) == 0:
        del forest.rounds[draw(st.sampled_from(sorted(forest.rounds)))]
    return forest


@st.composite
def _edits(draw: st.DrawFn, name: Name, rows: dict[int, Row]) -> None:
    """Let some rows have a lower row of their own round as a parent, with weight that is left."""
    for at in sorted(rows)[1:]:
        row, lower = rows[at], [other for other in rows if other < at]
        if row.kind != "real" and draw(st.integers(0, 3)) == 0:
            left = 1 - sum((weight for _, _, weight in row.parents), Fraction())
            weight = draw(st.sampled_from([max(left, Fraction()), Fraction()]))
            row.parents.append(((*name, draw(st.sampled_from(lower))), "edited", weight))


@st.composite
def _rows(draw: st.DrawFn, forest: Forest, name: Name) -> dict[int, Row]:
    """Rows of a round that is made after those that the forest has."""
    numbers = draw(
        st.sets(st.integers(0, 5), min_size=draw(st.sampled_from([2, 3, 0])), max_size=4)
    )
    numbers = numbers if draw(st.booleans()) else set(range(len(numbers)))
    mixes = [draw(_mix(forest)) for _ in range(draw(st.sampled_from([1, 2, 0])))]
    found: dict[int, Row] = {}
    for at in sorted(numbers):
        odd = draw(st.integers(0, 9)) == 0
        kind = "real" if (name[1] == 0) != odd else draw(st.sampled_from(["synthetic", "edited"]))
        found[at] = Row(
            sample_id=content(draw(st.integers(0, 7))),
            kind=kind,
            parents=draw(_parents(forest)) if name[1] or odd else [],
            trained_on=draw(st.sampled_from([*mixes, *mixes, None])) if name[1] else None,
            decision=draw(st.sampled_from(OUTCOMES)),
        )
    return found


@st.composite
def _parents(draw: st.DrawFn, forest: Forest) -> list[Edge]:
    """Parents among earlier rounds, one perhaps twice, some of them absent, some without weight."""
    weights = draw(st.lists(st.integers(0, 4), max_size=3).filter(lambda each: sum(each) <= 8))
    absent = [("z", 0, 3), ("a", 9, 0), *((*name, 77) for name in forest.rounds)]
    nodes = st.sampled_from([*forest.rows, *forest.rows, *forest.rows, *absent])
    relations = st.sampled_from(schema.RELATIONS)
    return [(draw(nodes), draw(relations), Fraction(weight, 8)) for weight in weights]


@st.composite
def _mix(draw: st.DrawFn, forest: Forest) -> str | None:
    """The digest of a mix of accepted rows of one data set; None where there are none."""
    taken = [node for node, row in forest.rows.items() if row.decision == "accepted"]
    dataset = draw(st.sampled_from([*sorted({node[0] for node in taken}), "none"]))
    rows = [node for node in taken if node[0] == dataset]
    out = [node for node in rows if draw(st.integers(0, 5)) == 0]
    if len(out) == len(rows):
        return None
    digest = mixed(
        forest,
        dataset,
        out,
        regime=draw(st.sampled_from(["accumulate", "replace", "accumulate-subsample"])),
        real_weight=draw(st.sampled_from([0.5, 1.0, 3.0])),
        sample_size=draw(st.integers(1, 4)),
        seed=draw(st.integers(0, 9)),
    )
    forest.unknown |= {digest} if draw(st.integers(0, 7)) == 0 else set()
    return digest


def mixed(forest: Forest, dataset: str, out: list[Node], **settings: Any) -> str:
    """Make a mix of the accepted rows of a data set but some, and give its digest."""
    rows = {
        node: row
        for node, row in forest.rows.items()
        if node[0] == dataset and row.decision == "accepted" and node not in out
    }
    frame = places(list(rows)).with_columns(
        pl.Series("kind", [row.kind for row in rows.values()], dtype=pl.String),
        pl.lit(1.0).alias("real_roots"),
        *(pl.lit(0).alias(name) for name in ("depth_mean", "depth_min", "depth_max")),
    )
    found = training_mix.build(frame, dataset=dataset, commit="c", **settings)
    members = {(dataset, at, row): Fraction(weight) for at, row, weight in found.rows.iter_rows()}
    digest = found.manifest.digest
    forest.models[digest] = Model(found.manifest, members, out)
    return digest
