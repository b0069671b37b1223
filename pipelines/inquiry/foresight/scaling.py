"""Measure what a data set's downstream task gains from more real and from more synthetic rows.

The task is trained on real rows alone, on synthetic rows alone, and on real rows beside all
synthetic ones, at sizes in a geometric ladder and several times with other rows, and scored on the
validation rows. The loss is 1 less the task's figure. Each result is kept as it is measured, so a
run that was stopped goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from lake import files, refs
from lake.client import Lake
from lineage import digests
from pipelines.common import progress
from pipelines.common.errors import DataError
from pipelines.common.seeds import derive_seed
from pipelines.gate import contamination
from pipelines.inquiry.foresight import scaling_law
from pipelines.inquiry.foresight.scaling_law import Fitted, Worth
from pipelines.inquiry.training import mix_at
from pipelines.metrics import Configured, task_figures
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import Task
from pipelines.params import Params, Round
from pipelines.rounds import plugin_inputs, round_holdout, tables
from pipelines.takedown import denied_rows

FOLDER: Final = Path(".stemma/scaling")
REAL: Final = "real"
SYNTHETIC: Final = "synthetic"
BOTH: Final = "both"
LEAST: Final = 8
"""Rows of the smallest size, at least."""
RESAMPLES: Final = 200
PER_CLASS: Final = 2
"""Rows of each class, on average, that the smallest size has at least."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training: on how many real and synthetic rows, and which draw of them."""

    kind: str
    rows: int
    repeat: int


@dataclass(frozen=True, slots=True)
class Scaling:
    """The losses, the laws, and what synthetic rows are worth."""

    dataset: str
    commit: str
    task: str
    figure: str
    real_rows: int
    synthetic_rows: int
    losses: Mapping[str, Mapping[int, tuple[float, ...]]]
    """By kind and number of rows; of `both`, of real rows beside all synthetic ones."""
    laws: Mapping[str, Fitted | None]
    """Of real rows alone and of synthetic rows alone; None: sizes are too few, or no fit."""
    worths: tuple[Worth, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        laws = {
            name: None
            if law is None
            else {
                part: {"value": getattr(law.curve, part), "interval": law.interval(part)}
                for part in ("a", "b", "c")
            }
            for name, law in self.laws.items()
        }
        content = {
            name: getattr(self, name)
            for name in ("dataset", "commit", "task", "figure", "real_rows", "synthetic_rows")
        }
        losses = {
            kind: {str(size): list(each) for size, each in sizes.items()}
            for kind, sizes in self.losses.items()
        }
        worth = [asdict(each) for each in self.worths]
        return {**content, "losses": losses, "laws": laws, "worth": worth}


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """What is trained on and scored."""

    round: Round
    commit: str
    task: Configured[Task[Any]]
    rows: Mapping[str, Labelled]
    """`real`, `synthetic` and `validation`."""
    seed: int

    @property
    def key(self) -> str:
        """Name of what the results are about."""
        plugin = self.task.plugin
        about = [self.commit, plugin.version, self.task.settings.model_dump(mode="json"), self.seed]
        measured = [self.rows[REAL].embedder, self.rows[REAL].features]
        return digests.of_json({"about": about, "measured": measured})[:16]


def scaling(lake: Lake, params: Params, dataset: str, *, sizes: int, repeats: int) -> Scaling:
    """Measure what more rows are worth.

    Args:
        lake: the lake.
        params: the content of params.yaml, whose settings give the task.
        dataset: the data set's name.
        sizes: rungs of the ladder.
        repeats: draws of rows at each rung.

    Raises:
        DataError: main holds too few real or synthetic rows, or rows have nothing to predict.
        NotFoundError: main holds no samples of the data set.
        StaleError: the hold-out that round 0 names cannot be read.
    """
    subject = _subject(lake, params, dataset)
    real, synthetic = (len(subject.rows[name].labels) for name in (REAL, SYNTHETIC))
    classifies = subject.task.plugin.classifies
    classes = len(np.unique(subject.rows[REAL].labels)) if classifies else 1
    least = max(LEAST, PER_CLASS * classes)
    runs = list(_plan({REAL: real, SYNTHETIC: synthetic}, least, sizes, repeats))
    done = _measured(subject, runs)
    losses: dict[str, dict[int, tuple[float, ...]]] = {}
    for kind in (REAL, SYNTHETIC, BOTH):
        for rows in sorted({run.rows for run in runs if run.kind == kind}):
            found = tuple(done[Run(kind, rows, repeat)] for repeat in range(repeats))
            losses.setdefault(kind, {})[rows] = found
    seed = derive_seed(subject.seed, "fit")
    laws = {
        kind: scaling_law.fit(losses.get(kind, {}), RESAMPLES, seed) for kind in (REAL, SYNTHETIC)
    }
    worths = scaling_law.worths(laws[REAL], losses.get(BOTH, {}), synthetic, real, seed)
    return Scaling(
        dataset, subject.commit, subject.task.plugin.version, subject.task.plugin.figure,
        real, synthetic, losses, laws, tuple(worths),
    )  # fmt: skip


def _subject(lake: Lake, params: Params, dataset: str) -> _Subject:
    commit = lake.resolve(refs.MAIN).id
    ctx = mix_at.context_after(lake, params, commit, dataset)
    real = tables.real_samples(lake, commit, dataset)
    real_rounds = set(tables.real_rounds(lake, commit, dataset)) | {0}
    later = [each for each in tables.rounds(lake, commit, dataset) if each not in real_rounds]
    made = [tables.read_round(lake, commit, dataset, "samples", number) for number in later]
    if not made:
        raise DataError(
            f"main holds no synthetic rows of {dataset} yet; publish a round with `dvc repro`"
        )
    synthetic = pl.concat([each.select(made[0].columns) for each in made])
    held_out = round_holdout.open_at(ctx, commit)
    contaminated = contamination.of_mix(ctx, commit, held_out)
    denied = denied_rows.of_mix(lake, commit, ctx.round)
    left_out = [contaminated.filter(pl.col("dataset") == dataset)]
    left_out += [] if denied is None else [denied]
    for each in left_out:  # what no mix holds either
        synthetic = synthetic.join(each, on=["round", "row"], how="anti")
        real = real.join(each, on=["round", "row"], how="anti")
    if synthetic.is_empty() or real.is_empty():
        raise DataError(
            f"a mix could hold no real or no synthetic row of {dataset}: what main has of them is "
            "contaminated or was taken down"
        )
    validation = held_out.validation()
    frames = {REAL: real, SYNTHETIC: synthetic, "validation": validation}
    rows = ctx.round.settings.modality.measured(real, frames)
    task, unlabelled = plugin_inputs.task(ctx.round), plugin_inputs.unlabelled_task(ctx.round)
    if task.plugin.classifies and len(np.unique(rows["validation"].labels)) < 2:  # noqa: PLR2004
        if unlabelled is None:
            raise DataError(f"rows of {dataset} have no two labels; name another evaluate.task")
        task = unlabelled
    return _Subject(ctx.round, commit, task, rows, derive_seed(params.seed, dataset, "scaling"))


def ladder(least: int, most: int, sizes: int) -> list[int]:
    """Sizes from the least to the most, each as many times the one before it, without repeats."""
    if most <= least:
        return [most]
    return sorted({round(float(each)) for each in np.geomspace(least, most, sizes)})


def _plan(rows: Mapping[str, int], least: int, sizes: int, repeats: int) -> Iterator[Run]:
    """The trainings: each kind alone at all sizes, and up to half of the real rows with both."""
    for kind, most in rows.items():
        for size in ladder(least, most, sizes):
            yield from (Run(kind, size, repeat) for repeat in range(repeats))
    for size in ladder(least, rows[REAL], sizes):
        if size <= rows[REAL] / 2:
            yield from (Run(BOTH, size, repeat) for repeat in range(repeats))


def _measured(subject: _Subject, runs: list[Run]) -> dict[Run, float]:
    """Measure what was not measured before; each result is kept at once."""
    path = FOLDER / f"{subject.round.dataset}-{subject.key}.jsonl"
    done = kept(path)
    missing = [run for run in runs if run not in done]
    if missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.exists() and not path.read_bytes().endswith(b"\n")
        with path.open("a", encoding="utf-8") as out:
            out.write("\n" if torn else "")
            for run in progress.track(missing, "scaling"):
                done[run] = _loss(subject, run)
                out.write(json.dumps({**asdict(run), "loss": done[run]}) + "\n")
                out.flush()
    return done


def kept(path: Path) -> dict[Run, float]:
    """Read the results that were kept; a line that a kill cut off is measured again."""
    if not path.exists():
        return {}
    found = {}
    for line in files.read_text(path).splitlines():
        try:
            content = json.loads(line)
            run = Run(str(content["kind"]), int(content["rows"]), int(content["repeat"]))
            found[run] = float(content["loss"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _loss(subject: _Subject, run: Run) -> float:
    """Train on drawn rows; 1 less the figure on the validation rows."""
    seed = derive_seed(subject.seed, run.kind, run.rows, run.repeat)
    trained = _drawn(subject, run, np.random.default_rng(seed))
    task, validation = subject.task, subject.rows["validation"]
    given = task_figures.answers(task.plugin, task.settings, {"rows": trained}, validation)
    return 1.0 - task.plugin.score(given["rows"], 2, seed).value


def _drawn(subject: _Subject, run: Run, random: np.random.Generator) -> Labelled:
    kind = REAL if run.kind == BOTH else run.kind
    rows = _some(subject.rows[kind], run.rows, random)
    return _joined(rows, subject.rows[SYNTHETIC]) if run.kind == BOTH else rows


def _some(rows: Labelled, size: int, random: np.random.Generator) -> Labelled:
    """Draw rows at random, with one of each class where there is room for them."""
    labels = rows.labels
    order = random.permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    if len(first) <= size:
        order = np.concatenate([order[np.sort(first)], np.delete(order, first)])
    return rows.at(np.sort(order[:size]).astype(np.int64))


def _joined(left: Labelled, right: Labelled) -> Labelled:
    """Both sets of rows, as far as tasks see them."""

    def both(name: str) -> Any:  # noqa: ANN401  an array of any kind
        return np.concatenate([getattr(left, name), getattr(right, name)])

    return Labelled(
        vectors=both("vectors"),
        labels=both("labels"),
        inputs=both("inputs"),
        features=left.features,
        embedder=left.embedder,
        neutral=both("neutral"),
        shape=left.shape,
        reduced=both("reduced"),
    )
