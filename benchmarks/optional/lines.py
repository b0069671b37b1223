"""Lines of a few rounds, measured by the optional metrics and judged by the optional checks.

Rounds are given; nothing is trained but the suite's own classifier. What the stages compute of a
round (lineage, mix, figures, history) is computed by their functions; the lake is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.crafted import rounds
from benchmarks.crafted.rounds import KEY, Decided, World
from expectations.measures import features, manifold
from lineage import curation, record, schema, training_mix
from lineage.evidence import Evidence, PastRound
from lineage.limits import Limits
from lineage.manifest import MixManifest
from pipelines.common.seeds import derive_seed
from pipelines.metrics import Labelled, subsets
from pipelines.metrics.protocol import CANDIDATES, NEXT_MIX, TRAINED_ON, MetricRequest
from pipelines.metrics.registry import METRICS
from pipelines.metrics.values import as_json
from pipelines.rounds.guard_checks import CHECKS
from pipelines.scorers import scoring
from pipelines.scorers.protocol import Given
from pipelines.verification import confidence

MEASURED: Final = (
    "clipped",
    "entropy",
    "meaning_variety",
    "rare_class",
    "selection",
    "training_distance",
    "verifier_pull",
)
NULL_DRAWS: Final = 20
RESAMPLES: Final = 200
NONE: Final = pl.DataFrame()


@dataclass(frozen=True, slots=True)
class Round:
    """A round that is to be judged."""

    made: pl.DataFrame
    """Payload of its candidates."""
    generator: str
    suite: Decided | None = None
    """What the suite says of them; None: all of them are accepted."""
    reward: NDArray[np.bool_] | None = None
    """Candidates that one more expectation refuses, [n]."""
    parents: pl.DataFrame | None = None
    """Explicit parents of candidates, as `lineage.edges.PARENT`, all of them real rows."""


@dataclass(eq=False)
class Line:
    """Real rows, and the rounds after them under a regime."""

    world: World
    regime: str
    samples: pl.DataFrame = field(init=False)
    lineage: pl.DataFrame = field(init=False)
    mix: MixManifest = field(init=False)
    trained: pl.DataFrame = field(init=False)
    history: list[PastRound] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with the real rows, which are the first mix whatever the regime."""
        self.samples = self.world.real
        self.lineage = record.real(self.world.lineage)
        self.trained = self.world.real
        self.mix = self._mixed().manifest
        self.history.append(PastRound(0, "", self.mix.model_dump(mode="json"), {}))

    def add(self, given: Round, *, measured: bool = True) -> Evidence:
        """Add a round, and return what it leaves as the guard's evidence.

        Args:
            given: the round.
            measured: whether its figures are computed, which takes most of the time.
        """
        number = len(self.history)
        made = self._framed(given.made, number)
        refusals, accepted = _selected(given, made)
        frame = made.filter(pl.Series(accepted))
        rows = record.derive(
            made.select("row", "sample_id", "seed", "shard"),
            round_number=number,
            dataset=self.world.dataset,
            generator=given.generator,
            attribution="mix/1",
            mix=self.mix,
            parents=given.parents,
            stored=self.lineage.with_columns(pl.lit(self.world.dataset).alias("dataset")),
        ).join(frame, on=["round", "row"], how="semi")
        self.lineage = pl.concat([self.lineage, rows])
        columns = [*KEY, *given.made.columns]
        both = (self.samples.select(columns), frame.select(columns))
        self.samples = pl.concat(both, how="vertical_relaxed")
        mix = self._mixed()
        following = self.samples.join(
            mix.rows.select("round", "row"), on=["round", "row"], how="semi"
        )
        figures = self._figures(made, frame, following, number) if measured else {}
        self.trained, self.mix = following, mix.manifest
        past = PastRound(number, given.generator, self.mix.model_dump(mode="json"), figures)
        self.history.append(past)
        return Evidence(
            dataset=self.world.dataset,
            round=number,
            lineage=rows,
            mix=self.mix,
            counts={"candidates": len(made), "rejected": int((~accepted).sum())},
            copies=NONE,
            leaks=NONE,
            metrics=figures,
            history=tuple(self.history),
            refusals=refusals,
        )

    def _framed(self, payload: pl.DataFrame, number: int) -> pl.DataFrame:
        framed = rounds.framed(self.world, payload)
        return framed.with_columns(pl.lit(number, pl.Int32).alias("round"))

    def _mixed(self) -> training_mix.Mix:
        return training_mix.build(
            self.lineage, dataset=self.world.dataset, commit="", regime=self.regime
        )

    def _figures(
        self, made: pl.DataFrame, accepted: pl.DataFrame, following: pl.DataFrame, number: int
    ) -> dict[str, Any]:
        modality, world = self.world.settings.modality, self.world
        frames = {
            "real": world.real,
            "validation": world.validation,
            "accepted": accepted,
            TRAINED_ON: self.trained,
            NEXT_MIX: following,
            CANDIDATES: made,
        }
        sets = modality.measured(world.real, frames)
        seed = derive_seed(world.seed, world.dataset, number, self.regime)
        request = request_of(sets, seed, confidence_of(world, accepted))
        found: dict[str, dict[str, Any]] = {"accepted": {}, "mix": {}}
        reasons: dict[str, str] = {}
        for name in MEASURED:
            metric = METRICS.load(name)
            reasons |= metric.not_applicable(request)
            for part, figures in metric.measure(request, metric.Settings()).items():
                found[part] |= figures
        shape = {"recall": _recall(request)}
        return {
            "round": as_json(found["accepted"]) | shape,
            "mix": as_json(found["mix"]),
            "not_applicable": reasons,
        }


def judged(
    evidence: Evidence, settings: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, Any]]:
    """Judge a round by every optional check: its name, and what it says."""
    for name in CHECKS.names():
        check = CHECKS.load(name)
        yield name, check.judge(evidence, Limits(), check.Settings(**settings.get(name, {})))


def request_of(
    sets: Mapping[str, Labelled], seed: int, sure: Mapping[str, NDArray[np.float64]]
) -> MetricRequest:
    """Draw as many rows of each set as the smallest has, and keep the whole of them."""
    shown = {"accepted": sets["accepted"], "mix": sets[NEXT_MIX], "validation": sets["validation"]}
    n = min(len(each.labels) for each in shown.values())
    draw = np.random.default_rng(seed)
    few = {
        name: each.at(np.sort(draw.permutation(len(each.labels))[:n]))
        for name, each in shown.items()
    }
    return MetricRequest(
        real=sets["real"],
        validation=few.pop("validation"),
        sets=few,
        features=features.fit(sets["real"].vectors),
        null_draws=NULL_DRAWS,
        bootstrap=RESAMPLES,
        seed=seed,
        whole={
            name: sets[name]
            for name in ("accepted", "validation", TRAINED_ON, NEXT_MIX, CANDIDATES)
        },
        confidence=sure,
    )


def _recall(request: MetricRequest) -> dict[str, float]:
    """Recall of the round and its null, as the metric `shape` has them."""
    project = request.features.project
    held = project(request.validation.vectors)
    null = [
        manifold.recall(held, project(request.real.vectors[chosen]))
        for chosen in subsets.numbers(request, derive_seed(request.seed, "recall"))
    ]
    value = manifold.recall(held, project(request.sets["accepted"].vectors))
    return {"value": value, "null": float(np.mean(null))}


def _selected(given: Round, made: pl.DataFrame) -> tuple[dict[str, int], NDArray[np.bool_]]:
    """What each critical expectation refuses, and which candidates are accepted, [n]."""
    if given.suite is None:
        return {}, np.ones(len(made), dtype=bool)
    verdicts = given.suite.verdicts
    if given.reward is not None:
        refused = pl.DataFrame({"row": np.flatnonzero(given.reward)})
        more = refused.select(
            pl.lit(rounds.ROUND).alias("round"),
            "row",
            pl.lit("one_reward").alias("expectation"),
            pl.lit("critical").alias("severity"),
            pl.lit("failed").alias("verdict"),
            pl.lit(None).alias("observed"),
            pl.lit(None).alias("detail"),
        ).cast(schema.VERDICTS)
        verdicts = pl.concat([schema.conform(verdicts, schema.VERDICTS), more])
    kept = curation.kept(verdicts).filter("kept")["row"].to_numpy()
    return curation.refusals(verdicts), np.isin(made["row"].to_numpy(), kept)


@dataclass(frozen=True, eq=False)
class Confidence:
    """The suite's classifier of a world."""

    world: World

    @cached_property
    def scorer(self) -> tuple[str, str]:
        """The scorer that says how sure it is, and its column."""
        found = confidence.classifier_of(self.world.settings.verify.scorers)
        if found is None:
            raise LookupError(f"no scorer of {self.world.dataset} says how sure it is")
        return found

    @cached_property
    def given(self) -> Given:
        """What it learns from."""
        shown = self.world.settings.modality.shown
        return Given(
            real=shown(self.world.real),
            earlier=shown(self.world.real.clear()),
            held_out=shown(self.world.held_out),
            seed=derive_seed(self.world.seed, self.world.dataset, "verify"),
            content=tuple(
                name
                for name in self.world.settings.identity
                if name != self.world.settings.modality.answer
            ),
        )

    def of(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """How sure it is of each row, [n]; NaN where it cannot say."""
        numbered = rows.drop("round", "row", strict=False).select(
            pl.lit(0, pl.Int32).alias("round"),
            pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
            pl.exclude(*KEY, "seed", "shard", "split"),
        )
        name, column = self.scorer
        own = {name: self.world.settings.verify.scorers[name]}
        shown = self.world.settings.modality.shown(numbered)
        scores = scoring.score_all(own, shown, self.given)[column]
        return scores.cast(pl.Float64).fill_null(np.nan).to_numpy()


_KNOWN: dict[int, Confidence] = {}


def confidence_in(world: World) -> Confidence:
    """The suite's classifier of a world, trained once."""
    if id(world) not in _KNOWN:
        _KNOWN.clear()
        _KNOWN[id(world)] = Confidence(world)
    return _KNOWN[id(world)]


def confidence_of(world: World, accepted: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """How sure the suite's classifier is of accepted rows and of validation rows."""
    sure = confidence_in(world)
    found = {"accepted": sure.of(accepted), "validation": sure.of(world.validation)}
    return {name: each[np.isfinite(each)] for name, each in found.items()}
