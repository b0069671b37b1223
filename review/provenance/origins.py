"""What is known of an occurrence of a sample: its record, its family tree, and licences.

The index gives the family tree; the record of each member is read from the lake, only where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import audit, family, schema
from lineage.ancestry.index import Ancestry
from lineage.audit import Occurrence
from lineage.family import Family, MixRoots, Numbers
from pipelines.rounds import history, manifest, tables
from pipelines.rounds.superseded import Superseded
from review.provenance.lookup import Located

UNSTATED: Final = "not stated"
GENERATOR: Final = ("kind", "digest", "steps", "rows", "seed", "torch", "diffusers", "processor")


@dataclass(frozen=True, slots=True)
class Mix:
    """A training mix at which a family tree ends."""

    about: Mapping[str, Any]
    """Its manifest."""
    licences: Mapping[str, int]
    """Real rows in the mix, by licence."""
    behind: Mapping[str, int]
    """The same, and those behind its synthetic rows through earlier mixes."""


@dataclass(frozen=True, slots=True, eq=False)
class SampleProvenance:
    """An occurrence, its family tree, and what its round says about it."""

    occurrence: Occurrence
    family: Family
    mixes: Mapping[str, Mix]
    """By digest."""
    kinds: Mapping[tuple[str, int], str]
    """The kind of generator of each round in the tree."""
    commit: str
    """The commit that brought its round to the ref."""
    tag: str | None
    generator: Mapping[str, Any] | None
    """Kind, steps, rows and seed of the generator; None for real rows."""
    environment: Mapping[str, Any] | None
    """Where it was made; None for real rows and where nobody wrote it down."""
    lost: Superseded | None
    """How main lost its round; None where the ref holds it."""

    @property
    def licences(self) -> dict[str, int]:
        """The real roots in the tree, by licence."""
        roots = self.family.nodes.filter(pl.col("kind") == "real")
        return _counted(roots["licence"].value_counts())

    def to_dict(self) -> dict[str, Any]:
        """As JSON, with the whole tree."""
        one = self.occurrence
        mix = self.mixes.get(one.trained_on) if one.trained_on else None
        return {
            **one.to_dict(),
            "commit": self.commit,
            "tag": self.tag,
            "superseded_by": self.lost.by if self.lost else None,
            "mix": mix.about if mix else None,
            "generator_manifest": self.generator,
            "environment": self.environment,
            "tree": _plain(self.family),
            "licences": self.licences,
            "mixes": [
                {**each.about, "licences": each.licences, "licences_behind": each.behind}
                for each in self.mixes.values()
            ],
        }


def describe(lake: Lake, located: Located, most: int | None = None) -> Iterator[SampleProvenance]:
    """Describe each occurrence, in order of the index.

    Args:
        lake: the lake.
        located: the occurrences.
        most: at most so many; None: all.
    """
    index, commit = located.index, located.commit
    families = [family.trace(index, int(number)) for number in located.numbers[:most]]
    places = pl.concat([each.places for each in families]).unique(maintain_order=True)
    lineage = _conformed(tables.rows_at(lake, commit, places, "lineage"), schema.LINEAGE)
    own = pl.concat([each.places.head(1) for each in families])
    verdicts = _conformed(tables.rows_at(lake, commit, own, "verdicts"), schema.VERDICTS)
    decisions = _conformed(tables.rows_at(lake, commit, own, "decisions"), schema.DECISIONS)
    asked = _Asked(lake, located)
    for each in families:
        at = each.places.row(0, named=True)
        dataset, number = at["dataset"], at["round"]
        mine = pl.col("dataset") == dataset
        row = lineage.join(each.places.head(1), on=family.NODE, how="semi").to_dicts()[0]
        about = asked.manifest(dataset, number)
        place = asked.published(dataset, number)
        yield SampleProvenance(
            occurrence=audit.describe(row, verdicts.filter(mine), decisions.filter(mine), lineage),
            family=each.with_facts(lineage),
            mixes=asked.mixes(each),
            kinds=asked.kinds(each),
            commit=place,
            tag=asked.tag(dataset, place),
            generator=_generator(about),
            environment=about.get("environment"),
            lost=located.lost,
        )


class _Asked:
    """What the lake says about rounds and mixes, each asked once."""

    def __init__(self, lake: Lake, located: Located) -> None:
        self._lake, self._commit, self._index = lake, located.commit, located.index
        self._mixes: dict[str, Mix] = {}
        self._manifests: dict[tuple[str, int], dict[str, Any]] = {}
        self._held: dict[str, dict[int, str]] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def manifest(self, dataset: str, number: int) -> dict[str, Any]:
        """The manifest of a round; empty where there is none."""
        at = (dataset, number)
        if at not in self._manifests:
            try:
                self._manifests[at] = manifest.read(self._lake, self._commit, dataset, number)
            except NotFoundError:
                self._manifests[at] = {}
        return self._manifests[at]

    def published(self, dataset: str, number: int) -> str:
        """The commit that published a round; the one that was asked where none did."""
        if dataset not in self._held:
            held = history.published(self._lake, dataset, self._commit)
            self._held[dataset] = {at: each.commit for at, each in held.items()}
        return self._held[dataset].get(number, self._commit)

    def tag(self, dataset: str, commit: str) -> str | None:
        """The tag of a commit of a data set."""
        if dataset not in self._tags:
            named = self._lake.tags(f"{dataset}-v").items()
            known = {target: name for name, target in named if refs.TAG.match(name)}
            self._tags[dataset] = known
        return self._tags[dataset].get(commit)

    def kinds(self, found: Family) -> dict[tuple[str, int], str]:
        """The kind of generator of each round that has members in a tree."""
        made = found.nodes.filter(pl.col("kind") != "real")
        at = made.select("dataset", "round").unique(maintain_order=True).iter_rows()
        known = {each: self.manifest(*each).get("generator", {}).get("kind") for each in at}
        return {each: kind for each, kind in known.items() if kind is not None}

    def mixes(self, found: Family) -> dict[str, Mix]:
        """The mixes at which a tree ends, by digest."""
        ends = family.mixes(found)
        for digest, (dataset, number) in ends.items():
            if digest not in self._mixes:
                roots = family.roots(self._index, dataset, number, digest)
                if roots is not None:
                    self._mixes[digest] = self._mix(roots)
        return {digest: self._mixes[digest] for digest in ends if digest in self._mixes}

    def _mix(self, roots: MixRoots) -> Mix:
        at = (self._lake, self._commit, self._index)
        behind = _licences(*at, roots.behind)
        return Mix(roots.mix.model_dump(mode="json"), _licences(*at, roots.direct), behind)


def _licences(lake: Lake, commit: str, index: Ancestry, numbers: Numbers) -> dict[str, int]:
    """Count real rows by licence."""
    held = family.by_round(index, numbers)
    sizes = {(each.dataset, each.round): each.rows for each in index.segments}
    whole = all(sizes[dataset, number] == rows for dataset, number, rows in held.iter_rows())
    if whole:
        parts = [_column(lake, commit, *at) for at in held.select("dataset", "round").iter_rows()]
    else:
        parts = [tables.rows_at(lake, commit, index.nodes(numbers), "lineage")["licence"]]
    return _counted(pl.concat(parts).value_counts()) if parts else {}


def _column(lake: Lake, commit: str, dataset: str, number: int) -> pl.Series:
    lineage = lake.scan(commit, refs.partition(dataset, "lineage", number))
    what = f"the lineage of round {number} of {dataset}"
    return tables.collected(lineage.select("licence"), what)["licence"]


def _counted(counts: pl.DataFrame) -> dict[str, int]:
    """Licence to rows, the most frequent first."""
    named = counts.with_columns(pl.col("licence").fill_null(UNSTATED))
    return dict(named.sort("count", "licence", descending=[True, False]).iter_rows())


def _generator(about: Mapping[str, Any]) -> dict[str, Any] | None:
    made = about.get("generator")
    return {name: made[name] for name in GENERATOR if name in made} if made else None


def _conformed(rows: pl.DataFrame, columns: pl.Schema) -> pl.DataFrame:
    """Rows of a table with their data set, in the right types; none where there is no table.

    Raises:
        SchemaError: a column is missing, or of another type.
    """
    wanted = pl.Schema({**columns, "dataset": pl.String()})
    return schema.conform(rows if rows.width else wanted.to_frame(), wanted, extra=True)


def _plain(found: Family) -> Sequence[dict[str, Any]]:
    """Nodes of a family tree as JSON: ids in hex, parents by place."""
    place = pl.struct(
        pl.element().struct.field(name) for name in (*family.NODE, "relation", "weight")
    )
    nodes = found.nodes.drop("number").with_columns(
        pl.col("sample_id").bin.encode("hex"), pl.col("parents").list.eval(place)
    )
    return nodes.to_dicts()
