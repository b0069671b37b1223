"""What all judges share: several votes on a sample, each a score from 1 to 5 by a rubric.

A judge builds the requests; here they are asked, counted and estimated. The answer can be nothing
but a score, since its JSON schema allows nothing else, and what a sample says stands between two
lines of a fence that nobody can write beforehand.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypeVar

import numpy as np
import polars as pl

from pipelines.llm import costs
from pipelines.llm.ask import ask
from pipelines.llm.costs import Estimate
from pipelines.llm.service_cost import ServiceCost
from pipelines.llm.values import Failure, Reply, Request
from pipelines.scorers import rubric
from pipelines.scorers.columns import OCCURRENCE
from pipelines.scorers.protocol import Given, Scorer, columns_read

SCORES: Final = (1, 2, 3, 4, 5)
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"score": {"type": "integer", "enum": list(SCORES)}},
    "required": ["score"],
    "additionalProperties": False,
}
SEED_BITS: Final = 31
ANSWER: Final = (
    "Rate the sample by the rubric. Answer with a JSON object whose field score is a whole number "
    "from 1 (bad) to 5 (good)."
)


Own = TypeVar("Own", bound=Any)
"""Settings of a judge: `rubric`, `service` and `votes` are among them."""


def columns(judge: str) -> dict[str, Any]:
    """Return the columns of a judge: its score (1 to 5), spread, and number of votes that came."""
    return {
        f"{judge}_score": pl.Float64,
        f"{judge}_spread": pl.Float64,
        f"{judge}_votes": pl.Int64,
    }


class VotingJudge(Scorer[Own], Protocol[Own]):
    """A judge: a score from 1 to 5 by a rubric, from several votes of a service."""

    prefix: ClassVar[str]
    """How the names of its columns begin."""
    rowwise: ClassVar[bool] = True

    @abstractmethod
    def ballots(self, rows: pl.DataFrame, settings: Own) -> tuple[list[int], list[Request]]:
        """Return the positions of rows that can be asked about, and all votes on each of them.

        Args:
            rows: the columns that are needed, and perhaps round and row.
            settings: the judge.
        """

    def files(self, settings: Own) -> tuple[Path, ...]:
        """Return the rubric if it is a file of the user's."""
        return rubric.RUBRICS.own_files(settings.rubric)

    def score(self, candidates: pl.DataFrame, given: Given, settings: Own) -> pl.DataFrame:
        """Ask for the votes on each candidate.

        Args:
            candidates: round, row, and the columns that are needed.
            given: told how far the work is.
            settings: the judge.

        Returns:
            round, row, score (mean of the votes, 1 to 5), spread (highest less lowest), votes (how
            many answered); all null where there is nothing to be asked about or no vote came.

        Raises:
            ServiceError: the service cannot be used, the budget would be passed, or too much
                failed.
        """
        asked, requests = self.ballots(candidates, settings)
        ledger = given.ledger(self.name)
        answers = ask(requests, settings.service, progress=given.progress, ledger=ledger)
        key = candidates.select(pl.col(name).cast(kind) for name, kind in OCCURRENCE.items())
        scores = key[asked].hstack(counted(answers, settings.votes, self.prefix))
        return key.join(scores, on=list(OCCURRENCE), how="left", maintain_order="left")

    def score_real(self, given: Given, settings: Own) -> pl.DataFrame:
        """Ask for the votes on each real row.

        Raises:
            ServiceError: as `score`.
        """
        return self.score(given.real, replace(given, ledgers={}), settings)

    def cost(self, rows: pl.DataFrame, candidates: int, settings: Own) -> ServiceCost:
        """Estimate the votes on all candidates by those on some rows; none is asked for."""
        _, requests = self.ballots(rows.select(columns_read(self, settings)), settings)
        estimate = costs.estimate(requests, settings.service)
        if requests:
            estimate = scaled(estimate, candidates * settings.votes)
        return ServiceCost(settings.service, estimate)


def scaled(estimate: Estimate, requests: int) -> Estimate:
    """Scale an estimate to another number of requests."""
    share = requests / estimate.requests
    tokens = ("tokens_in_low", "tokens_in_high", "tokens_out_low", "tokens_out_high")
    changed: dict[str, Any] = {name: round(getattr(estimate, name) * share) for name in tokens}
    for name in ("dollars_low", "dollars_high"):
        amount = getattr(estimate, name)
        changed[name] = None if amount is None else amount * share
    return replace(estimate, requests=requests, **changed)


def fence(rules: str, sample: str, vote: int) -> str:
    """Derive a marker line that occurs neither in the rubric nor in the sample."""
    salt = 0
    while True:
        content = "\0".join([rules, sample, str(vote), str(salt)])
        mark = f"=== {hashlib.sha256(content.encode()).hexdigest()[:32]} ==="
        if mark not in rules and mark not in sample:
            return mark
        salt += 1


def counted(answers: Sequence[Reply | Failure], votes: int, judge: str) -> pl.DataFrame:
    """The scores of each row from all its votes, in order, as `columns`."""
    flat = [float(each.parsed["score"]) if isinstance(each, Reply) else np.nan for each in answers]
    cast = np.asarray(flat, dtype=np.float64).reshape(-1, votes)
    listed = pl.Series("votes", cast, dtype=pl.Array(pl.Float64, votes)).to_frame()
    valid = listed.select(
        pl.col("votes").arr.to_list().list.eval(pl.element().fill_nan(None).drop_nulls())
    )
    some = pl.col("votes").list.len() > 0
    return valid.select(
        pl.col("votes").list.mean().alias(f"{judge}_score"),
        (pl.col("votes").list.max() - pl.col("votes").list.min()).alias(f"{judge}_spread"),
        pl.when(some).then(pl.col("votes").list.len().cast(pl.Int64)).alias(f"{judge}_votes"),
    )
