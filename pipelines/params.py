"""The typed view of params.yaml: one section, one class and one module per stage.

A stage's settings are `datasets.<dataset>.<stage>` with the overrides of `rounds.<key>.<stage>`
laid over them. Everything is frozen and every unknown key is an error that names the nearest
known one. Nothing heavy is imported here: the `lake` stage reads params on every `dvc repro`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from lake import documents, refs
from lake.documents import DocumentError
from lineage.limits import Limits
from pipelines import modalities
from pipelines.common.errors import ParamsError
from pipelines.common.plugin_modules import Reference
from pipelines.common.plugins import Registry
from pipelines.common.settings import StrictModel, nearest, parse
from pipelines.generators import generator_settings
from pipelines.generators.generator_settings import GeneratorSections
from pipelines.generators.registry import GENERATORS
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.modalities.registry import MODALITIES
from pipelines.scorers import registry as scorers

if TYPE_CHECKING:
    from pipelines.modalities import Modality

FILE: Final = "params.yaml"
IMAGE: Final = "image"
"""Modality of a data set that names none."""


def _modality(ingest: object) -> type[Modality] | None:
    """Return the modality that a section `ingest` names; None if it is no such section.

    A user's own modality that cannot be imported is None too: the stages of its data set say so,
    and other data sets are not affected.

    Raises:
        ValueError: There is no modality of this name.
    """
    if not isinstance(ingest, Mapping) or not isinstance(ingest.get("modality", IMAGE), str):
        return None
    reference = ingest.get("modality", IMAGE)
    try:
        return MODALITIES.find(reference)
    except ParamsError as error:
        if not Reference.of(reference).is_name:
            return None
        raise ValueError(str(error)) from error


class Ingest(StrictModel):
    """Real data: where it is, and how much of it no generator ever sees."""

    source: str
    """One of Stemma's own sources, a Python module with `load()` or a class, a table, or a folder
    of images in class folders."""
    settings: Mapping[str, Any] = {}
    """The source's own, where it has any."""
    licence: str | None = None
    """Licence of the real rows; None: what the source module says."""
    validation: float = Field(0.25, gt=0, lt=0.5)
    """Share of the rows that gates rounds."""
    test: float = Field(0.15, ge=0, lt=0.5)
    """Share of the rows that no gate reads."""
    split_key: str = "stemma"
    """Key of the hash that assigns rows to splits."""
    modality: str = IMAGE
    """What a sample is: `image`, `text` (in the columns of the data set's identity), or a modality
    of one's own."""
    near: float = Field(MODALITIES.find(IMAGE).default_near, ge=0)
    """Distance at or below which two rows are near-duplicates: RMS of pixels, or 1 less the Jaccard
    similarity of texts. Not given: what suits the modality."""

    @model_validator(mode="before")
    @classmethod
    def _with_near(cls, given: Any) -> Any:  # noqa: ANN401  whatever params.yaml holds
        modality = _modality(given)
        if modality is None or "near" in given:
            return given
        return {**given, "near": modality.default_near}


if TYPE_CHECKING:
    FitSections: TypeAlias = GeneratorSections
    GenerateSections: TypeAlias = GeneratorSections
else:
    FitSections = generator_settings.sections("FitSettings")
    GenerateSections = generator_settings.sections("GenerateSettings")


class Fit(FitSections):
    """Training mix and generator settings; each generator has a section of its name."""

    regime: Literal["accumulate", "replace", "accumulate-subsample"] = "accumulate"
    real_weight: float = Field(1.0, gt=0)
    """Weight of a real row; a synthetic row has weight 1."""
    sample_size: int | None = Field(None, gt=0)
    """Rows that accumulate-subsample draws; None: as many as there are real rows."""


class Generate(GenerateSections):
    """Number of candidates and generator settings; each generator has a section of its name."""

    candidates: int = Field(600, gt=0)
    shard_rows: int = Field(300, gt=0)
    """Candidates per shard; a shard has a seed of its own and can be replayed alone."""


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
    metrics: Mapping[str, Mapping[str, Any]] = {}
    """Settings by metric, of such that measure a round besides those of the modality."""


class Publish(StrictModel):
    """Settings of the guard and of publication."""

    guard: Limits = Limits()
    checks: Mapping[str, Mapping[str, Any]] = {}
    """Settings by check, of such that one adds to the guard's own."""
    override: str | None = None
    """A reason to publish although a check blocks; it is written into the merge commit."""


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

    @property
    def modality(self) -> Modality:
        """The modality of this data set."""
        return modalities.load(self.ingest.modality, self.identity)

    @model_validator(mode="before")
    @classmethod
    def _with_scorers(cls, given: Any) -> Any:  # noqa: ANN401  whatever params.yaml holds
        """Score by what suits the modality, where no scorers are named."""
        modality = _modality(given.get("ingest")) if isinstance(given, Mapping) else None
        if modality is None:
            return given
        verify = given.get("verify", {})
        if not isinstance(verify, Mapping) or "scorers" in verify:
            return given
        return {**given, "verify": {**verify, "scorers": modality.scorers}}


class RoundEntry(StrictModel):
    """One entry of `rounds`: which data set, its number, its predecessor, its overrides."""

    dataset: str
    round: int = Field(ge=1)
    previous: int = Field(ge=0)
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
    holdout: str = Field("stemma-holdout", pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")


class Params(StrictModel):
    """The whole of params.yaml."""

    line: str = Field(refs.MAIN, pattern=r"^\w[-\w]*$")
    """`main` publishes; any other line only goes as far as the guard's answer."""
    seed: int = Field(0, ge=0)
    """Root of every random choice."""
    lake: Lake = Lake()
    datasets: Mapping[str, Dataset]
    rounds: Mapping[str, RoundEntry] = {}


@dataclass(frozen=True, slots=True)
class Round:
    """One round as the stages see it, with its settings resolved."""

    key: str
    dataset: str
    number: int
    previous: int
    generator: str
    line: str
    seed: int
    identity: tuple[str, ...]
    settings: Dataset
    revision: int = 0

    @property
    def branch(self) -> str:
        """The round's branch in the lake."""
        return refs.branch_name(self.dataset, self.number, self.line)


def load(path: Path | None = None) -> Params:
    """Read and check params.yaml.

    Raises:
        ParamsError: the file is missing, is not YAML as DVC reads it, has an unknown key (the
            nearest known one is named), a value of another type than its key wants, or a round
            whose data set or predecessor is missing.
    """
    path = Path(FILE) if path is None else path
    try:
        content = documents.read_yaml(path)
    except FileNotFoundError as error:
        raise ParamsError(f"there is no {path}; run this in the project's directory") from error
    except DocumentError as error:
        raise ParamsError(f"{path} {error}") from error
    if not isinstance(content, dict):
        raise ParamsError(f"{path} must be a mapping with datasets and rounds")
    params = parse(Params, content, path.name)
    for name in params.datasets:
        if not refs.NAME.match(name):
            raise ParamsError(f"{path.name}: data set {name!r} must match {refs.NAME.pattern}")
    for key in params.rounds:
        _laid_over(params, key)
    return params


def resolve(params: Params, key: str) -> Round:
    """Resolve the settings of a round: those of its data set, overridden by its own.

    Its plug-ins are imported, those of the user's own too, and their settings are checked.

    Raises:
        ParamsError: no such round, data set or predecessor; an override that is unknown; a plug-in
            that is not there or does not keep its protocol.
    """
    round_ = _laid_over(params, key)
    try:
        asked_scorers = scorers.resolved(round_.settings.verify.scorers)
    except ValueError as error:
        raise ParamsError(f"rounds.{key}: verify.scorers: {error}") from error
    for section in (round_.settings.fit, round_.settings.generate):
        section.of(round_.generator)
    verify = round_.settings.verify.model_copy(update={"scorers": asked_scorers})
    return replace(round_, settings=round_.settings.model_copy(update={"verify": verify}))


def _laid_over(params: Params, key: str) -> Round:
    """Resolve a round without importing the user's plug-ins, so that a broken one fails alone."""
    entry = params.rounds.get(key)
    if entry is None:
        raise ParamsError(f"there is no round {key!r} in {FILE}{nearest(key, params.rounds)}")
    if entry.dataset not in params.datasets:
        near = nearest(entry.dataset, params.datasets)
        raise ParamsError(f"rounds.{key}: there is no data set {entry.dataset!r}{near}")
    _check_place(params, key, entry)
    _check_name(GENERATORS, entry.generator, f"rounds.{key}")
    merged: dict[str, Any] = {"identity": params.datasets[entry.dataset].identity}
    for stage in ("ingest", "fit", "generate", "verify", "curate", "evaluate", "publish"):
        own = getattr(params.datasets[entry.dataset], stage).model_dump()
        merged[stage] = _overlay(own, getattr(entry, stage, {}))
    return Round(
        key=key,
        dataset=entry.dataset,
        number=entry.round,
        previous=entry.previous,
        generator=entry.generator,
        line=params.line,
        seed=params.seed,
        identity=params.datasets[entry.dataset].identity,
        settings=_checked(parse(Dataset, merged, f"rounds.{key}"), f"rounds.{key}"),
        revision=entry.revision,
    )


def _checked(settings: Dataset, where: str) -> Dataset:
    """Check the names of a round's task and metrics; the user's own are checked when they run.

    Raises:
        ParamsError: There is no task or no metric of this name.
    """
    if settings.evaluate.task is not None:
        _check_name(TASKS, settings.evaluate.task, f"{where}: evaluate.task")
    for reference in settings.evaluate.metrics:
        _check_name(METRICS, reference, f"{where}: evaluate.metrics")
    return settings


def _check_name(plugins: Registry[Any], reference: str, where: str) -> None:
    """Check that a plug-in exists, if it is named as one of Stemma's own.

    Raises:
        ParamsError: There is none.
    """
    if not Reference.of(reference).is_name:
        return
    try:
        plugins.find(reference)
    except ParamsError as error:
        raise ParamsError(f"{where}: {error}") from error


def _check_place(params: Params, key: str, entry: RoundEntry) -> None:
    if key != f"{entry.dataset}-{entry.round}":
        raise ParamsError(f"rounds.{key} must be named {entry.dataset}-{entry.round}")
    before = f"{entry.dataset}-{entry.previous}"
    if entry.previous >= entry.round:
        raise ParamsError(f"rounds.{key}: previous ({entry.previous}) must be an earlier round")
    if entry.previous > 0 and before not in params.rounds:
        raise ParamsError(
            f"rounds.{key} follows round {entry.previous}, but there is no rounds.{before}; "
            f"add it, or set previous to a round that exists"
        )
    earlier = [
        other.round
        for other in params.rounds.values()
        if other.dataset == entry.dataset and other.round < entry.round
    ]
    if entry.previous != max(earlier, default=0):
        raise ParamsError(
            f"rounds.{key} follows round {entry.previous} and skips round {max(earlier)}; "
            f"set previous to {max(earlier)}: rounds of a data set are one line of descent"
        )


def _overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        below = result.get(name)
        nested = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[name] = _overlay(below, value) if nested else value  # type: ignore[arg-type]
    return result
