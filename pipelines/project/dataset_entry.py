"""What `stemma dataset add` writes about a data set, found from the data alone.

First the source is looked at; then its rows are split as stage `ingest` will split them; then the
training rows are scored out of fold. What is written follows from these, and is checked as
params.yaml and suites are before it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from pipelines.common.settings import parse
from pipelines.modalities.registry import MODALITIES
from pipelines.params import Dataset
from pipelines.project import (
    chosen_generator,
    detection,
    generator_settings,
    guard_limits,
    out_of_fold,
    plots,
    suite_template,
    suited_scorers,
)
from pipelines.project.candidates_file import CandidatesFile
from pipelines.project.detection import Choice, Detected
from pipelines.project.generator_settings import Suited
from pipelines.project.out_of_fold import Measured
from pipelines.rounds import real_data
from pipelines.rounds.ingest_report import IngestReport
from pipelines.scorers import registry
from pipelines.scorers.protocol import EstimatesCost

LABEL: Final = "label"
HALVINGS: Final = 3
"""Times that the distance of near-duplicates is halved at most."""
STAGES: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be written about a data set."""

    name: str
    detected: Detected
    entry: Mapping[str, Any]
    """Its section under `datasets`."""
    comments: Mapping[str, str]
    """Comments of params.yaml, by path of the key in the section."""
    round: Mapping[str, Any]
    """The first entry under `rounds`."""
    suite: Mapping[str, Any]
    """Content of the suite's file."""
    plots: list[dict[str, Any]]
    splits: Mapping[str, int]
    classes: Mapping[str, int]
    """Training rows by label."""
    report: IngestReport
    """What stage `ingest` will say of the source, such as which files it leaves out."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Scorers that suit the modality and cannot be used, with the reason."""
    notes: tuple[str, ...] = ()
    """What is to be known of the generator."""
    lowered: str = ""
    """Why the distance of near-duplicates is below the modality's; empty where it is not."""


@dataclass(frozen=True, slots=True)
class Real:
    """Real rows of a data set as stage `ingest` splits them."""

    settings: Dataset
    train: pl.DataFrame
    """row, sample_id, payload."""
    splits: Mapping[str, int]
    report: IngestReport
    repeated: int
    """Rows with the content of another."""

    @property
    def payload(self) -> list[str]:
        """The columns of a sample."""
        return self.settings.modality.columns(self.train)


def plan(
    name: str,
    source: str,
    choice: Choice,
    *,
    licence: str | None = None,
    seed: int = 0,
    made: CandidatesFile | None = None,
    generator: str | None = None,
) -> Plan:
    """Look at a source and plan everything that is written about it.

    Args:
        name: Of the data set.
        source: As `ingest.source`.
        choice: What the user says about the data.
        licence: Of the real rows.
        seed: Of the scorers that are measured.
        made: Candidates of the first round that were made elsewhere.
        generator: What makes those of the first round; None: what suits the modality.

    Raises:
        DataError: The source cannot be read, or its rows cannot be split.
        ParamsError: What the user chose does not fit, such as the generator.
    """
    detected = detection.detect(source, {}, choice)
    entry: dict[str, Any] = {
        "identity": list(detected.identity),
        "ingest": _ingest(source, detected, licence),
    }
    real, lowered = with_even_splits(name, entry)
    suiting = real.settings.modality.generator
    first = {"dataset": name, "round": 1, "previous": 0, "generator": suiting}
    first |= {stage: {} for stage in STAGES}
    if generator is not None:
        first = chosen_generator.entry(first, generator, real.settings)
    generator = generator or suiting
    suited = generator_settings.suited(generator, real.train, real.settings.identity)
    scorers, left_out = suited_scorers.suited(real.settings.modality, real.train)
    if made is None:
        scorers = suited_scorers.with_limit(scorers, suited.generate)
    measured = measure(real, scorers, seed)
    for scorer, reason in measured.left_out.items():
        if not isinstance(registry.load(scorer), EstimatesCost):
            left_out[scorer] = reason
            scorers.pop(scorer)
    wrong = guard_limits.OF_A_TARGET if detected.target is not None else _wrong(measured)
    margins = real.settings.modality.task == "image_labels"
    limits, where = guard_limits.suited(real.splits["validation"], wrong, margins=margins)
    groups = real.report.groups
    near, dense = guard_limits.near_by_chance(real.report.read, groups.count - groups.several)
    classified = LABEL in real.train.columns or detected.target is not None
    pixels = real.settings.ingest.modality == detection.IMAGE
    equal, twice = guard_limits.equal_by_chance(real.report.read, real.repeated, pixels=pixels)
    guard = {**(limits if classified else {}), **near, **equal}
    reasons = (where if classified and limits else "", dense, twice)
    told = "; ".join(part for part in reasons if part)
    task = real.settings.modality.task if classified else _unlabelled_task(real)
    entry |= {
        "fit": dict(suited.fit),
        "generate": dict(suited.generate),
        "verify": {"scorers": scorers},
        "curate": {},
        "evaluate": suited_scorers.suited_evaluation(
            real.settings.modality, real.train, suited.candidates
        ),
        "publish": {"guard": guard},
    }
    settings = parse(Dataset, entry, f"datasets.{name}")
    suite = suite_template.write(
        name, measured, real.payload, scorers, candidates=suited.candidates
    )
    return Plan(
        name=name,
        detected=detected,
        entry=entry,
        comments=_comments(detected, suited, real, told or None),
        round=first if made is None else made.entry(first, settings),
        suite=suite,
        plots=plots.of_dataset(name, settings, task),
        splits=real.splits,
        classes=_classes(real.train),
        report=real.report,
        left_out=left_out,
        notes=tuple(chosen_generator.notes(generator, settings)) if made is None else (),
        lowered=lowered,
    )


def with_even_splits(name: str, entry: dict[str, Any]) -> tuple[Real, str]:
    """Read real rows, and lower the distance of images that are near where most are in one group.

    Images that are dim, plain or alike are near each other by their pixels without being copies.

    Args:
        name: Of the data set.
        entry: Its section; `ingest.near` is changed in it.

    Returns:
        The rows, and why the distance was lowered; empty where it was not.
    """
    first = real = read(name, entry)
    near = real.settings.ingest.near
    for halved in (near / 2**step for step in range(1, HALVINGS + 1)):
        crowded = real.report.uneven and real.report.groups.several
        if not crowded or real.settings.ingest.modality != detection.IMAGE:
            break
        entry["ingest"]["near"] = halved
        real = read(name, entry)
    if real is first:
        return first, ""
    return real, (
        f"at ingest.near {near:g}, {first.report.groups.largest:,} of {first.report.read:,} images "
        f"are in one group of near-duplicates; it is {entry['ingest']['near']:g} here"
    )


def read(name: str, entry: Mapping[str, Any]) -> Real:
    """Read the real rows of a data set and split them, as stage `ingest` does.

    Raises:
        DataError: They cannot be read, or a split is empty.
        ParamsError: The entry is wrong.
    """
    settings = parse(Dataset, dict(entry), f"datasets.{name}")
    return of_settings(settings)


def of_settings(settings: Dataset) -> Real:
    """Read the real rows of a data set with these settings, as `read`."""
    prepared = real_data.prepare(settings)
    rows = prepared.rows
    sizes = dict(sorted(rows["split"].value_counts().iter_rows()))
    train = rows.filter(pl.col("split") == "train")
    columns = settings.modality.columns(train)
    chosen = train.select("row", "sample_id", *columns)
    repeated = int(rows["sample_id"].is_duplicated().sum())
    return Real(settings, chosen, sizes, prepared.report, repeated)


def measure(real: Real, scorers: Mapping[str, Mapping[str, Any]], seed: int) -> Measured:
    """Score the training rows out of fold."""
    settings = real.settings
    modality = settings.modality
    content = tuple(name for name in settings.identity if name != modality.answer)
    return out_of_fold.measure(
        real.train, modality, settings.ingest.near, scorers, seed=seed, content=content
    )


def _ingest(source: str, detected: Detected, licence: str | None) -> dict[str, Any]:
    """The section `ingest`."""
    section: dict[str, Any] = {"source": source}
    if licence is not None:
        section["licence"] = licence
    if detected.modality != detection.IMAGE:
        section["modality"] = detected.modality
    if detected.image not in (None, detection.IMAGE):
        section["image"] = detected.image
    if detected.label not in (None, LABEL):
        section["label"] = detected.label
    if detected.target is not None:
        section["target"] = detected.target
    if detected.id is not None:
        section["id"] = detected.id
    if detected.keep:
        section["keep"] = list(detected.keep)
    section |= detected.settings
    section["near"] = MODALITIES.find(detected.modality).default_near
    return section


def _unlabelled_task(real: Real) -> str | None:
    """The task that judges mixes of rows without labels; None if there is none."""
    return real.settings.modality.unlabelled_task or None


def _wrong(measured: Measured) -> float | None:
    """Share of real training rows whose label a classifier gets wrong out of fold."""
    rows = measured.rows
    for column in ("predicted_label", "predicted_topic", "predicted_class"):
        if column in rows.columns and LABEL in rows.columns:
            right = rows[column].cast(pl.String) == rows[LABEL].cast(pl.String)
            return 1 - float(right.fill_null(value=False).mean() or 0.0)  # type: ignore[arg-type]
    return None


def _comments(detected: Detected, suited: Suited, real: Real, limits: str | None) -> dict[str, str]:
    """Comments that say what a value is, where it is not plain."""
    modality = MODALITIES.find(detected.modality)
    comments = {
        "identity": "the columns whose content makes a sample's id",
        "ingest.keep": "columns that travel with the samples",
        "ingest.near": f"{modality.near} of near-duplicates",
        "generate.candidates": f"for {len(real.train):,} real training rows",
        "ingest.size": "larger images cost a generator more; fit says how others are brought to it",
        "ingest.white": "no grey of 16 bits is brighter in these images; it becomes 255 of 8 bits",
        **suited.comments,
    }
    if limits is not None:
        comments["publish.guard"] = limits
    return comments


def _classes(train: pl.DataFrame) -> dict[str, int]:
    if LABEL not in train.columns:
        return {}
    counted = train[LABEL].value_counts().sort(LABEL)
    return {str(label): int(count) for label, count in counted.iter_rows()}
