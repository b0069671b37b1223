"""Records of PROV-JSON that come by the request: what a model was asked for a candidate.

    agent ◁ wasAssociatedWith (by the plan: a template) ── request ◁ wasInfluencedBy ── sample

A candidate may have several requests, one for each step. Its generation is that of its shard, so
requests influence it: PROV lets an entity be generated once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lineage import record, schema
from lineage.export import asked, fragments, names
from lineage.export.asked import Model
from lineage.export.prov_rows import LETTERS, MADE_BY, Batches, RoundRows, Window
from lineage.export.values import Round

REQUEST: Final = fragments.member(
    "prov:type", pl.lit('{"$":"stemma:Request","type":"xsd:QName"}', pl.String)
)
KINDS: Final = ("activity", "wasAssociatedWith", "wasInfluencedBy")


@dataclass(frozen=True, slots=True, eq=False)
class RequestRows:
    """The requests for the candidates of one round as a source of records."""

    round: Round
    requests: pl.LazyFrame
    """As `asked.requests` gives them."""
    rows: int
    kinds: Sequence[str] = KINDS

    def batches(self, record_kind: str) -> Batches:
        """Open the columns of requests."""
        window = Window(self.requests)
        make = {
            "activity": self._activities,
            "wasAssociatedWith": self._associations,
            "wasInfluencedBy": self._influences,
        }[record_kind]
        return lambda start, number: make(window.rows(start), number)

    def _activities(self, rows: pl.DataFrame, _number: int) -> pl.Series:
        members = [REQUEST, fragments.own("step", fragments.typed(pl.col("step"), "xsd:int"))]
        texts = (*asked.NAMED_BY, "served", "template")
        members += [fragments.own(name, fragments.text(pl.col(name))) for name in texts]
        members += [fragments.own("seed", fragments.typed(pl.col("seed"), "xsd:long"))]
        return fragments.lines(rows, fragments.record(self._key(), members))

    def _associations(self, rows: pl.DataFrame, number: int) -> pl.Series:
        members = [
            fragments.member("prov:activity", fragments.name(*self._key())),
            fragments.member("prov:agent", fragments.name(_mapped(rows, "agent"))),
            fragments.member("prov:plan", fragments.name(_mapped(rows, "plan"))),
        ]
        return fragments.relations(rows, LETTERS["wasAssociatedWith"], number, members)

    def _influences(self, rows: pl.DataFrame, number: int) -> pl.Series:
        sample = fragments.name(self._own(""), pl.col("row").cast(pl.String))
        members = [
            fragments.member("prov:influencee", sample),
            fragments.member("prov:influencer", fragments.name(*self._key())),
        ]
        return fragments.relations(rows, LETTERS["wasInfluencedBy"], number, members)

    def _key(self) -> tuple[pl.Expr | str, ...]:
        row, step, before = (pl.col(name).cast(pl.String) for name in ("row", "step", "before"))
        more = pl.when(pl.col("before") > 0).then(pl.lit("/") + before).otherwise(pl.lit(""))
        return self._own("request/"), row, "/", step, more

    def _own(self, what: str) -> str:
        return names.within(self.round.dataset, self.round.number, what)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """The models of a round, and what of the round each was asked for."""

    models: Sequence[Model]
    templates: Sequence[str]
    """Digests of the templates of prompts."""
    generations: Sequence[tuple[int, str]]
    """Number of a generation, and the agent that was asked for its rows."""
    requests: RequestRows | None


def survey(rows: RoundRows) -> Asked:
    """Read who was asked for a round, and for which of its generations."""
    models, requests = asked.models(rows.round), asked.requests(rows.round)
    made_by_models = pl.col("attribution").ne_missing(record.REVIEWED)
    numbers = rows.generations.filter(made_by_models)["number"].to_list()
    if requests is None:
        pairs = [(number, model.agent) for number in numbers for model in models]
        return Asked(models, (), pairs, None)
    made = rows.round.rows().select("row", *MADE_BY)
    named = requests.join(made, on="row", how="inner").select(*MADE_BY, *asked.NAMED_BY).unique()
    joined = named.join(rows.generations.lazy(), on=MADE_BY, how="inner", nulls_equal=True)
    found = joined.select("number", *asked.NAMED_BY).unique().sort("number", *asked.NAMED_BY)
    with schema.readable(f"the requests of {rows.round.name}"):
        generations = found.collect(engine="streaming")
        templates = requests.select("template").unique().drop_nulls().sort("template").collect()
        count = int(requests.select(pl.len()).collect(engine="streaming").item())
    return Asked(
        models,
        templates["template"].to_list(),
        [(number, asked.named(*names_)) for number, *names_ in generations.iter_rows()],
        RequestRows(rows.round, requests, count) if count else None,
    )


def _mapped(rows: pl.DataFrame, what: str) -> pl.Expr:
    """Build the name of each request's agent or plan; null where there is no template."""
    if what == "plan":
        templates = rows["template"].unique().drop_nulls().to_list()
        known = [names.named("template", each) for each in templates]
        return pl.col("template").replace_strict(
            templates, known, default=None, return_dtype=pl.String
        )
    models = rows.select(asked.NAMED_BY).unique()
    agents = pl.Series([asked.named(*each) for each in models.iter_rows()], dtype=pl.String)
    keys = pl.struct(asked.NAMED_BY)
    return keys.replace_strict(models.to_struct(), agents, return_dtype=pl.String)
