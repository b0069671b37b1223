"""The provenance of a sample: its lineage record, its family tree, and licences.

The ancestry index gives the family tree; the record of each member is read from the lake, and no
other rows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import audit, family, schema
from lineage.ancestry.index import Ancestry
from lineage.audit import Occurrence
from lineage.export import asked
from lineage.export.asked import Model
from lineage.family import Family, MixRoots, Numbers
from pipelines.rounds import history, manifest, tables
from pipelines.rounds.superseded import Superseded
from review.provenance import exchanges, reviewed
from review.provenance.lookup import Located
from review.provenance.reviewed import SampleReview

UNSTATED: Final = "not stated"
MOST_TEXTS: Final = 60
"""Ancestors of other data sets whose texts are read, the nearest first."""
NO_CONTENT: Final = ("dataset", "label")
"""Columns of texts that are no content."""
GENERATOR: Final = ("kind", "digest", "steps", "rows", "seed", "torch", "diffusers", "processor")


@dataclass(frozen=True, slots=True)
class Mix:
    """A training mix at which a family tree ends."""

    manifest: Mapping[str, Any]
    licences: Mapping[str, int]
    """Real rows in the mix, by licence."""
    behind: Mapping[str, int]
    """Real rows by licence, with those behind synthetic rows of the mix through earlier mixes."""


@dataclass(frozen=True, slots=True, eq=False)
class SampleProvenance:
    """An occurrence, its family tree, and the facts that its round records about it."""

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
    """Where it was generated; None for real rows and where that was not recorded."""
    texts: Mapping[tuple[str, int, int], str]
    """Content of ancestors of other data sets, by data set, round and row, as far as it is text:
    the captions that images were made of."""
    lost: Superseded | None
    """How main lost its round; None where the ref holds it."""
    requests: Mapping[tuple[str, int, int], Sequence[Mapping[str, Any]]] = field(
        default_factory=dict
    )
    """What models were asked for members of the tree, by data set, round and row, where kept."""
    models: Mapping[tuple[str, int], Sequence[Model]] = field(default_factory=dict)
    """The models that each round in the tree was asked of, as its manifest names them."""
    reviews: Sequence[SampleReview] = ()
    """What reviewers decided about the sample, or about the candidate that it was made of."""

    @property
    def licences(self) -> dict[str, int]:
        """Number of real roots in the tree, by licence."""
        roots = self.family.nodes.filter(pl.col("kind") == "real")
        return _counted(roots["licence"].value_counts())

    def to_dict(self) -> dict[str, Any]:
        """The content of `--json`, with the whole tree."""
        occurrence = self.occurrence
        mix = self.mixes.get(occurrence.trained_on) if occurrence.trained_on else None
        return {
            **occurrence.to_dict(),
            "commit": self.commit,
            "tag": self.tag,
            "superseded_by": self.lost.by if self.lost else None,
            "reviews": [review.to_dict() for review in self.reviews],
            "mix": mix.manifest if mix else None,
            "generator_manifest": self.generator,
            "environment": self.environment,
            "tree": [self._with_requests(node) for node in _plain(self.family)],
            "models": [
                {"dataset": dataset, "round": number, **model.attributes()}
                for (dataset, number), models in self.models.items()
                for model in models
            ],
            "licences": self.licences,
            "texts": [
                {"dataset": dataset, "round": number, "row": row, "text": text}
                for (dataset, number, row), text in self.texts.items()
            ],
            "mixes": [
                {**entry.manifest, "licences": entry.licences, "licences_behind": entry.behind}
                for entry in self.mixes.values()
            ],
        }

    def _with_requests(self, node: dict[str, Any]) -> dict[str, Any]:
        """Return a node with the requests for it, of which a real one has none."""
        at = node["dataset"], node["round"], node["row"]
        return {**node, "requests": [dict(each) for each in self.requests.get(at, ())]}


def describe(lake: Lake, located: Located, most: int | None = None) -> Iterator[SampleProvenance]:
    """Describe each occurrence, in order of the index.

    Args:
        lake: the lake.
        located: the occurrences.
        most: describe only the first so many; None: all.
    """
    index, commit = located.index, located.commit
    families = [family.trace(index, int(number)) for number in located.numbers[:most]]
    nodes = pl.concat([tree.occurrences for tree in families]).unique(maintain_order=True)
    lineage = _conformed(tables.rows_at(lake, commit, nodes, "lineage"), schema.LINEAGE)
    own = pl.concat([tree.occurrences.head(1) for tree in families])
    verdicts = _conformed(tables.rows_at(lake, commit, own, "verdicts"), schema.VERDICTS)
    decisions = _conformed(tables.rows_at(lake, commit, own, "decisions"), schema.DECISIONS)
    facts = _LakeFacts(lake, located)
    starts = [row for row in own.select(family.NODE).iter_rows() if row[1]]
    reviews = reviewed.of(lake, commit, starts)
    for tree in families:
        start = tree.occurrences.row(0, named=True)
        dataset, number = start["dataset"], start["round"]
        of_dataset = pl.col("dataset") == dataset
        row = lineage.join(tree.occurrences.head(1), on=family.NODE, how="semi").to_dicts()[0]
        round_manifest = facts.manifest(dataset, number)
        commit_of_round = facts.published(dataset, number)
        yield SampleProvenance(
            occurrence=audit.describe(
                row, verdicts.filter(of_dataset), decisions.filter(of_dataset), lineage
            ),
            family=tree.with_facts(lineage),
            mixes=facts.mixes(tree),
            kinds=facts.kinds(tree),
            commit=commit_of_round,
            tag=facts.tag(dataset, commit_of_round),
            generator=_generator(round_manifest),
            environment=round_manifest.get("environment"),
            texts=_texts(lake, commit, tree.occurrences),
            lost=located.lost,
            requests=exchanges.named(lake, commit, _synthetic(tree).select(family.NODE)),
            models=facts.models(tree),
            reviews=reviews.get((dataset, number, start["row"]), ()),
        )


def _texts(lake: Lake, commit: str, members: pl.DataFrame) -> dict[tuple[str, int, int], str]:
    """Read the texts of members of a tree that are of another data set than its start."""
    others = members.filter(pl.col("dataset") != members["dataset"][0]).head(MOST_TEXTS)
    if others.is_empty():
        return {}
    rows = tables.rows_at(lake, commit, others, "samples")
    if rows.is_empty():
        return {}
    columns = [
        name for name, kind in rows.schema.items() if kind == pl.String and name not in NO_CONTENT
    ]
    return {
        (row["dataset"], row["round"], row["row"]): text
        for row in rows.select("dataset", "round", "row", *columns).iter_rows(named=True)
        if (text := " / ".join(row[name] for name in columns if row[name]))
    }


class _LakeFacts:
    """Facts about rounds and mixes from the lake, each of which is read once."""

    def __init__(self, lake: Lake, located: Located) -> None:
        self._lake, self._commit, self._index = lake, located.commit, located.index
        self._mixes: dict[str, Mix] = {}
        self._manifests: dict[tuple[str, int], dict[str, Any]] = {}
        self._held: dict[str, dict[int, str]] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def manifest(self, dataset: str, number: int) -> dict[str, Any]:
        """The manifest of a round; empty where there is none."""
        key = (dataset, number)
        if key not in self._manifests:
            try:
                self._manifests[key] = manifest.read(self._lake, self._commit, dataset, number)
            except NotFoundError:
                self._manifests[key] = {}
        return self._manifests[key]

    def published(self, dataset: str, number: int) -> str:
        """The commit that published a round; where none did, the commit that was located."""
        if dataset not in self._held:
            held = history.published(self._lake, dataset, self._commit)
            self._held[dataset] = {
                round_number: entry.commit for round_number, entry in held.items()
            }
        return self._held[dataset].get(number, self._commit)

    def tag(self, dataset: str, commit: str) -> str | None:
        """The tag of a commit of a data set."""
        if dataset not in self._tags:
            items = self._lake.tags(f"{dataset}-v").items()
            tags = {target: name for name, target in items if refs.TAG.match(name)}
            self._tags[dataset] = tags
        return self._tags[dataset].get(commit)

    def kinds(self, family_: Family) -> dict[tuple[str, int], str]:
        """The kind of generator of each round that has members in a tree."""
        rounds = _rounds(family_)
        kinds = {key: self.manifest(*key).get("generator", {}).get("kind") for key in rounds}
        return {key: kind for key, kind in kinds.items() if kind is not None}

    def models(self, family_: Family) -> dict[tuple[str, int], list[Model]]:
        """The models of each round that has members in a tree, as its manifest names them."""
        told = {key: self.manifest(*key).get("environment") for key in _rounds(family_)}
        found = {key: list(asked.described(environment)) for key, environment in told.items()}
        return {key: models for key, models in found.items() if models}

    def mixes(self, family_: Family) -> dict[str, Mix]:
        """The mixes at which a tree ends, by digest."""
        ends = family.mixes(family_)
        for digest, (dataset, number) in ends.items():
            if digest not in self._mixes:
                roots = family.roots(self._index, dataset, number, digest)
                if roots is not None:
                    self._mixes[digest] = self._mix(roots)
        return {digest: self._mixes[digest] for digest in ends if digest in self._mixes}

    def _mix(self, roots: MixRoots) -> Mix:
        source = (self._lake, self._commit, self._index)
        behind = _licences(*source, roots.behind)
        return Mix(roots.mix.model_dump(mode="json"), _licences(*source, roots.direct), behind)


def _synthetic(family_: Family) -> pl.DataFrame:
    return family_.nodes.filter(pl.col("kind") != "real")


def _rounds(family_: Family) -> list[tuple[str, int]]:
    """The rounds of the rows of a tree that are not real."""
    rounds = _synthetic(family_).select("dataset", "round").unique(maintain_order=True)
    return [(dataset, number) for dataset, number in rounds.iter_rows()]


def _licences(lake: Lake, commit: str, index: Ancestry, numbers: Numbers) -> dict[str, int]:
    """Count real rows by licence."""
    rows_by_round = family.by_round(index, numbers)
    sizes = {(segment.dataset, segment.round): segment.rows for segment in index.segments}
    counts = list(rows_by_round.iter_rows())
    if all(sizes[dataset, number] == rows for dataset, number, rows in counts):
        parts = [_column(lake, commit, dataset, number) for dataset, number, _ in counts]
    else:
        parts = [tables.rows_at(lake, commit, index.nodes(numbers), "lineage")["licence"]]
    return _counted(pl.concat(parts).value_counts()) if parts else {}


def _column(lake: Lake, commit: str, dataset: str, number: int) -> pl.Series:
    lineage = lake.scan(commit, refs.partition(dataset, "lineage", number))
    description = f"the lineage of round {number} of {dataset}"
    return tables.collected(lineage.select("licence"), description)["licence"]


def _counted(counts: pl.DataFrame) -> dict[str, int]:
    """Number of rows by licence, the most frequent first."""
    named = counts.with_columns(pl.col("licence").fill_null(UNSTATED))
    return dict(named.sort("count", "licence", descending=[True, False]).iter_rows())


def _generator(round_manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    section = round_manifest.get("generator")
    return {name: section[name] for name in GENERATOR if name in section} if section else None


def _conformed(rows: pl.DataFrame, columns: pl.Schema) -> pl.DataFrame:
    """Rows of a table with their data set, conformed to its schema; no rows where it is missing.

    Raises:
        SchemaError: a column is missing, or has another type.
    """
    expected = pl.Schema({**columns, "dataset": pl.String()})
    return schema.conform(rows if rows.width else expected.to_frame(), expected, extra=True)


def _plain(family_: Family) -> Sequence[dict[str, Any]]:
    """Nodes of a family tree as JSON: ids in hex, parents by data set, round and row."""
    fields = pl.struct(
        pl.element().struct.field(name) for name in (*family.NODE, "relation", "weight")
    )
    nodes = family_.nodes.drop("number").with_columns(
        pl.col("sample_id").bin.encode("hex"), pl.col("parents").list.eval(fields)
    )
    return nodes.to_dicts()
