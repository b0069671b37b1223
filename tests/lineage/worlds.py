"""Random family trees, as plain as can be, and the lineage that is derived of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

import polars as pl
from hypothesis import strategies as st

from lineage import edges, schema, training_mix
from lineage.training_mix import MixManifest
from tests.lineage.conftest import derived, real_rows

Node = tuple[str, int, int]
Walks = dict[int, Fraction]
"""Length of the backward walks that end at a real sample, to their probability."""
DATASETS = ("a", "b")
REAL = 2


@dataclass
class World:
    """A random family tree, as plain as can be."""

    parents: dict[Node, list[tuple[Node, str, Fraction]]] = field(default_factory=dict)
    models: dict[tuple[str, int], dict[Node, Fraction] | None] = field(default_factory=dict)
    accepted: list[Node] = field(default_factory=list)
    mixes: dict[tuple[str, int], MixManifest] = field(default_factory=dict)

    def walks(self, node: Node) -> Walks:
        """Follow every walk to its end; opaque models end without a real sample."""
        if node[1] == 0:
            return {0: Fraction(1)}
        found: Walks = defaultdict(Fraction)
        for target, weight in self.inputs(node):
            for length, mass in self.walks(target).items():
                found[length + 1] += weight * mass
        return {length: mass for length, mass in found.items() if mass}

    def inputs(self, node: Node) -> list[tuple[Node, Fraction]]:
        """Every row that a walk may step to, with the probability of the step."""
        steps = [(target, weight) for target, _, weight in self.parents[node]]
        rest = 1 - sum(weight for _, weight in steps)
        model = self.models[node[0], node[1]] or {}
        whole = sum(model.values())
        return steps + [(target, rest * weight / whole) for target, weight in model.items()]

    def columns(self, node: Node) -> dict[str, float | None]:
        walks = self.walks(node)
        roots = sum(walks.values())
        direct = sum(weight for target, weight in self.inputs(node) if target[1] == 0)
        return {
            "real_inputs": float(direct),
            "real_roots": float(roots),
            "depth_mean": float(sum(k * m for k, m in walks.items()) / roots) if roots else None,
            "depth_min": min(walks, default=None),
            "depth_max": max(walks, default=None),
        }


WEIGHTS = st.lists(st.integers(0, 4), max_size=3).filter(lambda each: sum(each) <= 8)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, dict[str, pl.DataFrame]]:
    """A world, and its lineage as `record` derives it round by round."""
    world = World()
    lake = {name: real_rows(REAL, name) for name in DATASETS}
    world.accepted += [(name, 0, row) for name in DATASETS for row in range(REAL)]
    for number in range(1, draw(st.integers(1, 4)) + 1):
        dataset = draw(st.sampled_from(DATASETS))
        mix = _model(draw, world, lake, (dataset, number))
        world.mixes |= {(dataset, number): mix} if mix else {}
        size = draw(st.integers(1, 3))
        for row in range(size):
            _parents(draw, world, (dataset, number, row), number)
        lake[dataset] = pl.concat([lake[dataset], _record(world, lake, (dataset, number), mix)])
        world.accepted += [(dataset, number, row) for row in range(size) if draw(st.booleans())]
    return world, lake


def _model(
    draw: st.DrawFn, world: World, lake: dict[str, pl.DataFrame], at: tuple[str, int]
) -> MixManifest | None:
    """An opaque model, or a mix of accepted rows of one data set, in the world and as manifest."""
    regime = draw(st.sampled_from(["opaque", "accumulate", "replace"]))
    if regime == "opaque":
        world.models[at] = None
        return None
    source = draw(st.sampled_from(DATASETS))
    rows = [node for node in world.accepted if node[0] == source]
    if regime == "replace":
        rows = [node for node in rows if node[1] == max(node[1] for node in rows)]
    heavy = draw(st.sampled_from([1, 3]))
    world.models[at] = {node: Fraction(heavy if node[1] == 0 else 1) for node in rows}
    kept = pl.DataFrame(
        [(each[1], each[2]) for each in world.accepted if each[0] == source],
        schema={"round": pl.Int32, "row": pl.Int64},
        orient="row",
    )
    accepted = lake[source].join(kept, on=["round", "row"], how="semi")
    world.mixes[at] = training_mix.build(
        accepted, dataset=source, commit="c", regime=regime, real_weight=float(heavy)
    ).manifest
    return world.mixes[at]


def _parents(draw: st.DrawFn, world: World, node: Node, number: int) -> None:
    """Parents of any earlier round of either data set, rejected rows too, one perhaps twice."""
    known = [(name, 0, row) for name in DATASETS for row in range(REAL)]
    known += [each for each in world.parents if each[1] < number]
    world.parents[node] = [
        (
            draw(st.sampled_from(known)),
            draw(st.sampled_from(schema.RELATIONS)),
            Fraction(weight, 8),
        )
        for weight in draw(WEIGHTS)
    ]


def _record(
    world: World, lake: dict[str, pl.DataFrame], at: tuple[str, int], mix: MixManifest | None
) -> pl.DataFrame:
    nodes = [node for node in world.parents if node[:2] == at]
    links = [
        (node[2], *target, relation, float(weight))
        for node in nodes
        for target, relation, weight in world.parents[node]
    ]
    return derived(
        len(nodes),
        at[1],
        mix,
        at[0],
        parents=pl.DataFrame(links, schema=edges.PARENT, orient="row"),
        stored=stored(**lake),
    )


def stored(**lake: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(
        [rows.with_columns(pl.lit(name).alias("dataset")) for name, rows in lake.items()]
    )
