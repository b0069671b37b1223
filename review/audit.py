"""`stemma audit SAMPLE`: where a sample came from, and why it stayed or did not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from lake import refs
from lake.client import Lake
from lake.errors import NotFound
from lineage import audit, schema
from lineage.audit import Occurrence, Parent
from pipelines import history, manifest, tables
from pipelines.params import load
from pipelines.work import open_lake
from review.datasets import wanted_datasets
from review.output import console, number, print_json, table


@dataclass(frozen=True, slots=True)
class Found:
    """An occurrence, and what its round says about it."""

    occurrence: Occurrence
    commit: str
    """The commit that brought its round to the ref."""
    tag: str | None
    generator: dict[str, Any] | None
    """Kind, steps, rows and seed of the generator; None for real rows."""
    mix: dict[str, Any] | None
    """What the generator was fitted on; None for real rows and for opaque models."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        about = {"commit": self.commit, "tag": self.tag, "mix": self.mix}
        return self.occurrence.to_dict() | about | {"generator_manifest": self.generator}


def run(*, sample: str, ref: str, dataset: str | None, as_json: bool) -> None:
    """Find every occurrence of a sample at a ref and print where each came from."""
    params = load()
    names = wanted_datasets(params, dataset)
    lake = open_lake(params)
    found = occurrences(lake, ref, names, sample)
    if not found:
        raise NotFound(_nowhere(lake, ref, names, sample))
    if as_json:
        print_json({"ref": ref, "occurrences": [each.to_dict() for each in found]})
        return
    out = console()
    for each in found:
        for part in _rendered(each):
            out.print(part)


def occurrences(lake: Lake, ref: str, datasets: Sequence[str], prefix: str) -> list[Found]:
    """Every occurrence of the samples whose id begins with a prefix.

    Raises:
        QueryError: the prefix cannot be one.
        NotFound: the ref is not in the lake.
    """
    audit.parse(prefix)
    commit = lake.resolve(ref).id
    matches = {name: _matches(lake, commit, name, prefix) for name in datasets}
    return [
        found
        for name, rows in matches.items()
        if not rows.is_empty()
        for found in _described(lake, commit, name, rows)
    ]


def _matches(lake: Lake, commit: str, dataset: str, prefix: str) -> pl.DataFrame:
    try:
        lineage = tables.read(lake, commit, dataset, "lineage")
    except NotFound:
        return pl.DataFrame()
    return audit.find(lineage.with_columns(pl.lit(dataset).alias("dataset")), prefix)


def _described(lake: Lake, commit: str, dataset: str, rows: pl.DataFrame) -> Iterator[Found]:
    held = history.published(lake, dataset, commit)
    tags = {target: name for name, target in lake.tags(f"{dataset}-v").items()}
    parents = _parents(lake, commit, audit.parents_of(rows))
    for row in rows.iter_rows(named=True):
        at = row["round"]
        about = _manifest(lake, commit, dataset, at)
        place = held[at].commit if at in held else commit
        yield Found(
            occurrence=audit.describe(
                row,
                _part(lake, commit, dataset, at, "verdicts", schema.VERDICTS),
                _part(lake, commit, dataset, at, "decisions", schema.DECISIONS),
                parents,
            ),
            commit=place,
            tag=tags.get(place),
            generator=_generator(about),
            mix=about.get("mix"),
        )


def _part(  # noqa: PLR0917  where a table is
    lake: Lake, commit: str, dataset: str, at: int, name: str, columns: pl.Schema
) -> pl.DataFrame:
    """A table of one round; empty where the round has none yet, as round 0 never has."""
    try:
        return tables.read_round(lake, commit, dataset, name, at)
    except NotFound:
        return pl.DataFrame(schema=columns)


def _parents(lake: Lake, commit: str, wanted: pl.DataFrame) -> pl.DataFrame:
    """Lineage of the occurrences that are named as parents."""
    parts = [
        tables.read_round(lake, commit, str(name), "lineage", int(at))
        .with_columns(pl.lit(name).alias("dataset"))
        .join(rows, on=["dataset", "round", "row"], how="semi")
        for (name, at), rows in wanted.group_by("dataset", "round")
    ]
    return (
        pl.concat(parts)
        if parts
        else pl.DataFrame(schema={**schema.LINEAGE, "dataset": pl.String()})
    )


def _manifest(lake: Lake, commit: str, dataset: str, at: int) -> dict[str, Any]:
    try:
        return manifest.read(lake, commit, dataset, at)
    except NotFound:
        return {}


def _generator(about: dict[str, Any]) -> dict[str, Any] | None:
    made = about.get("generator")
    if made is None:
        return None
    wanted = ("kind", "digest", "steps", "rows", "seed", "torch", "diffusers", "processor")
    return {name: made[name] for name in wanted if name in made}


def _nowhere(lake: Lake, ref: str, datasets: Sequence[str], prefix: str) -> str:
    """What to say about a sample that a ref does not hold: where else it is, if anywhere."""
    for name in datasets:
        for branch, head in sorted(lake.branches(f"{name}-r").items()):
            if refs.BRANCH.match(branch) and not _matches(lake, head, name, prefix).is_empty():
                return f"no sample {prefix} at {ref}; it is on {branch}: add --ref {branch}"
        for tag, target in sorted(lake.tags(f"{name}-v").items()):
            if not _matches(lake, target, name, prefix).is_empty():
                return f"no sample {prefix} at {ref}; {tag} holds it: add --ref {tag}"
    return f"no sample {prefix} at {ref}, on any round's branch, or under any tag"


def _rendered(found: Found) -> Iterator[RenderableType]:
    one = found.occurrence
    head = f"{one.dataset}, round {one.round}, row {one.row}"
    decision = one.decision.decision if one.decision else one.kind
    yield Text.assemble((f"\n{one.sample_id}\n", "bold"), f"{head}: {one.kind}, {decision}")
    yield _tree(found)
    if one.decision and one.decision.reasons:
        yield f"reasons: {', '.join(one.decision.reasons)}"
    if one.decision and one.decision.warnings:
        yield f"warnings: {', '.join(one.decision.warnings)}"
    if one.decision and one.decision.duplicate_of:
        first = one.decision.duplicate_of
        yield f"the same content: {first['dataset']}, round {first['round']}, row {first['row']}"
    if one.verdicts:
        body = [
            [
                each.expectation,
                each.severity,
                each.verdict,
                _observed(each.observed),
                each.detail or "",
            ]
            for each in one.verdicts
        ]
        yield table("", ["expectation", "severity", "verdict", "observed", "detail"], body)


def _tree(found: Found) -> Tree:
    one = found.occurrence
    tag = f" ({found.tag})" if found.tag else ""
    tree = Tree(f"commit {found.commit[:12]}{tag}")
    if one.kind == "real":
        tree.add(f"source {one.source}, licence {one.licence or 'not stated'}")
    for parent in one.parents:
        tree.add(_parent(parent))
    if found.generator is not None:
        made = f"generator {str(one.generator)[:12]}, {found.generator.get('kind')}"
        branch = tree.add(f"{made}, shard {one.shard}, seed {one.seed}, rule {one.attribution}")
        branch.add(_mix(found.mix) if found.mix else "opaque: its training data is unknown")
    tree.add(
        f"real inputs {number(one.real_inputs)}, real roots {number(one.real_roots)}, "
        f"depth mean {number(one.depth_mean)}, min {number(one.depth_min)}, "
        f"max {number(one.depth_max)}"
    )
    return tree


def _observed(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _parent(parent: Parent) -> str:
    name = (parent.sample_id or "unknown")[:12]
    place = f"{parent.dataset}, round {parent.round}, row {parent.row}"
    return f"{parent.relation} {name}, {place}, {parent.kind}, weight {parent.weight:.3f}"


def _mix(mix: dict[str, Any]) -> str:
    rounds = ", ".join(f"{each['round']}: {each['rows']} rows" for each in mix["rounds"])
    return (
        f"mix {mix['digest'][:12]} at commit {mix['commit'][:12]}, {mix['regime']}, "
        f"rounds {rounds}; real share {number(mix['real_share'])}"
    )
