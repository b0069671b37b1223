"""The sections of params.yaml: one class for each stage, data set and round.

Everything is frozen, and every unknown key is an error that names the nearest known one. Nothing
heavy is imported here: the `lake` stage reads params on every `dvc repro`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from lake import refs
from lineage.limits import Limits
from pipelines import modalities
from pipelines.common.executors.settings import ExecutorSettings
from pipelines.common.settings import StrictModel, operational
from pipelines.generators import generator_settings
from pipelines.generators.generator_settings import GeneratorSections
from pipelines.generators.protocol import GenerateRequest
from pipelines.modalities.registry import MODALITIES
from pipelines.params.ingest import IMAGE, Ingest, modality_of
from pipelines.scorers import registry as scorers
from pipelines.sources.columns import Columns

if TYPE_CHECKING:
    import polars as pl

    from pipelines.modalities import Modality

if TYPE_CHECKING:
    FitSections: TypeAlias = GeneratorSections
    GenerateSections: TypeAlias = GeneratorSections
else:
    FitSections = generator_settings.sections("FitSettings")
    GenerateSections = generator_settings.sections("GenerateSettings")


class Fit(FitSections):
    """Training mix and generator settings; each generator has a section of its name."""

    regime: Literal["accumulate", "replace", "accumulate-subsample"] = "accumulate"
    """What the next generator learns from: all rounds and the real data, the last round alone, or a
    sample of all of them."""
    real_weight: float | Literal["auto"] = 1.0
    """Weight of a real row, above 0; a synthetic row has weight 1. `auto` takes r = (1 + √(1 +
    4k))/2 for a mix with k synthetic rows for each real one, which is best where every round has
    fresh real rows (He et al. 2025); the manifest of the mix has the number."""
    sample_size: int | None = Field(None, gt=0)
    """Rows that accumulate-subsample draws; None: as many as there are real rows."""

    @field_validator("real_weight", mode="before")
    @classmethod
    def _weight(cls, given: object) -> object:
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if given == "auto" or (is_number and float(str(given)) > 0):
            return given
        raise ValueError("Input should be a number above 0, or auto")


class Generate(GenerateSections):
    """Number of candidates and generator settings; each generator has a section of its name."""

    candidates: int = Field(600, gt=0)
    """Candidates of a round."""
    shard_rows: int = Field(300, gt=0)
    """Candidates per shard; a shard has a seed of its own and can be replayed alone."""
    accepted: int | None = Field(None, gt=0)
    """End once so many candidates would be accepted: each shard is judged when it is made, and
    `candidates` are the most that are made. None: all of them are made."""

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.accepted is not None and self.accepted > self.candidates:
            raise ValueError(
                f"accepted is {self.accepted} and candidates, the most that are made, "
                f"{self.candidates}; raise candidates"
            )
        return self


class Verify(StrictModel):
    """Settings of the scorers whose columns the suite judges."""

    scorers: Mapping[str, Mapping[str, Any]] = Field(
        MODALITIES.find(IMAGE).scorers, validate_default=True
    )
    """Settings by scorer, which is one of Stemma's own or one's own; null in place of the settings
    leaves one out. Not given: what suits the modality."""

    @field_validator("scorers", mode="before")
    @classmethod
    def _known_scorers(cls, given: object) -> object:
        return scorers.resolved(given, own=False) if isinstance(given, Mapping) else given


class Curate(StrictModel):
    """Settings of the selection of verified candidates."""

    max_accepted: int | None = Field(None, gt=0)
    """At most this many accepted samples, lowest rows first; None: no bound."""


class Evaluate(StrictModel):
    """Settings of the measurement against real data that no generator saw."""

    null_draws: int = Field(20, gt=1)
    """Random real subsets that make the real-versus-real null."""
    bootstrap: int = Field(300, gt=1)
    """Resamples for a 95 % interval."""
    examples: int = Field(3, gt=0)
    """Images per class in the round's picture."""
    task: str | None = None
    """What mixes are judged by: a downstream task; None: what suits the modality."""
    task_settings: Mapping[str, Any] = {}
    """The task's own settings."""
    metrics: Mapping[str, Mapping[str, Any]] = {}
    """Settings by metric, of such that measure a round besides those of the modality."""
    sample: int | None = Field(None, ge=100)
    """Rows that figures are measured on at most, of the round, of the mix and of the mix before it:
    of more as many are drawn by the seed of the round. None: all, however many there are. Counts,
    lineage, leaks and what the suite says of copies are of all rows in any case."""


class Publish(StrictModel):
    """Settings of the guard and of publication."""

    guard: Limits = Limits()
    checks: Mapping[str, Mapping[str, Any]] = {}
    """Settings by check, of such that one adds to the guard's own."""
    override: str | None = None
    """A reason to publish although a check blocks; it is written into the merge commit."""
    review: Literal["none", 1, 2] = operational("none")
    """How many people have to approve a round that passes: none, or it waits for 1 or 2 of them."""
    attest: bool = operational(False)
    """Whether the stage attests what it published, as `stemma attest` does."""


class ReviewSettings(StrictModel):
    """What reviewers of a data set go by."""

    guidelines: str | None = None
    """A Markdown file of the project, which the page shows beside the decisions on samples."""


class TakedownPolicy(StrictModel):
    """What becomes of the descendants of samples that are taken down (`stemma takedown`)."""

    direct: Literal["drop", "regenerate"] = "drop"
    """Of rows that were made from them: `drop` takes them from main as well; `regenerate` does so,
    and has their rounds made again."""
    indirect: Literal["keep", "refit"] = "keep"
    """Of rows by a model that learned from them: `keep` leaves them on main; `refit` has the rounds
    made again from the first whose model learned from them."""


class Dataset(StrictModel):
    """One data set: its identity and the defaults of every stage."""

    identity: tuple[str, ...] = Field(min_length=1)
    """Columns whose content makes a sample's id."""
    ingest: Ingest
    fit: Fit = Fit()
    generate: Generate = Generate()
    verify: Verify = Verify()
    curate: Curate = Curate()
    evaluate: Evaluate = Evaluate()
    publish: Publish = Publish()
    review: ReviewSettings = operational(ReviewSettings())
    takedown: TakedownPolicy = operational(TakedownPolicy())

    @property
    def modality(self) -> Modality:
        """The modality of this data set."""
        return modalities.load(self.ingest.modality, self.identity, self.ingest.modality_settings)

    @property
    def columns(self) -> Columns:
        """The columns of the source that are read."""
        ingest = self.ingest
        given = {"label": ingest.label, "image": ingest.image, "text": ingest.text}
        named = {ours: name for ours, name in given.items() if name not in (None, ours)}
        return Columns(self.identity, named, ingest.id, ingest.keep)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Columns of held-out rows that gates never see: kept ones, and what is predicted."""
        return (*self.columns.kept, self.modality.answer)

    def generate_request(
        self, generator: str, dataset: str, number: int, seed: int, directory: Path
    ) -> GenerateRequest[Any]:
        """The request to a generator for the candidates of a round.

        Args:
            generator: Its reference, as in params.yaml.
            dataset: Name of the data set.
            number: Number of the round.
            seed: Root of every random choice.
            directory: The generator's files.
        """
        return GenerateRequest(
            dataset=dataset,
            round=number,
            seed=seed,
            identity=self.identity,
            candidates=self.generate.candidates,
            shard_rows=self.generate.shard_rows,
            settings=self.generate.of(generator),
            directory=directory,
            read=self._candidates,
            answers=(self.modality.answer,),
            kept=self.columns.kept,
            by_shard=self.generate.accepted is not None,
        )

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if self.generate.accepted is not None and self.curate.max_accepted is not None:
            raise ValueError(
                "generate.accepted and curate.max_accepted both say how many are accepted; leave "
                "out one of them"
            )
        return self

    def _candidates(self, path: str, label: str | None) -> pl.DataFrame:
        """Read candidates that were made elsewhere."""
        from pipelines.sources import candidates  # noqa: PLC0415  no command needs it but a stage

        return candidates.rows(path, label, self.modality, self.columns.named)

    @model_validator(mode="before")
    @classmethod
    def _with_scorers(cls, given: Any) -> Any:  # noqa: ANN401  whatever params.yaml holds
        """Score by what suits the modality, where no scorers are named."""
        modality = modality_of(given.get("ingest")) if isinstance(given, Mapping) else None
        if modality is None:
            return given
        verify = given.get("verify", {})
        if not isinstance(verify, Mapping) or "scorers" in verify:
            return given
        return {**given, "verify": {**verify, "scorers": modality.scorers}}


class RoundEntry(StrictModel):
    """One entry of `rounds`: which data set, its number, its predecessor, its overrides."""

    dataset: str
    """A data set of this file."""
    round: int = Field(ge=1)
    """Number of the round."""
    previous: int = Field(ge=0)
    """Number of the round whose mix the generator learns from; 0 is real data."""
    revision: int = Field(0, ge=0)
    """Raised by `stemma round redo`, so that every clone makes the round again."""
    generator: str = "diffusion"
    """One of Stemma's own by its name, or one's own by its module or file."""
    fit: Mapping[str, Any] = {}
    generate: Mapping[str, Any] = {}
    verify: Mapping[str, Any] = {}
    curate: Mapping[str, Any] = {}
    evaluate: Mapping[str, Any] = {}
    publish: Mapping[str, Any] = {}


class Lake(StrictModel):
    """Names of the lake's repositories."""

    repository: str = Field("stemma", pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")
    """Repository of all else."""
    holdout: str = Field("stemma-holdout", pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")
    """Repository of the held-out rows."""


class Params(StrictModel):
    """The whole of params.yaml."""

    line: str = Field(refs.MAIN, pattern=r"^\w[-\w]*$")
    """`main` publishes; any other line only goes as far as the guard's answer."""
    seed: int = Field(0, ge=0)
    """Root of every random choice."""
    lake: Lake = Lake()
    executor: ExecutorSettings = operational(ExecutorSettings())
    """Where the shards of a stage run: the name of an executor, or its settings."""
    datasets: Mapping[str, Dataset]
    rounds: Mapping[str, RoundEntry] = {}
