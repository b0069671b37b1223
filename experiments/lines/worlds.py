"""Three data sets by a seed each: rows for the lake, test rows that never get there, settings.

The digits and their suite are the shipped ones; dialogues and table are set up as `stemma dataset
add` does it. Generators are small, so that many rounds can follow one another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from expectations import suite as suites
from lake import files
from pipelines import params
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import parse
from pipelines.metrics.downstream import Answers
from pipelines.project import dataset_entry
from pipelines.project.detection import Choice
from pipelines.scorers import registry
from pipelines.sources import dialogue, digits

ROOT: Final = Path(__file__).resolve().parents[2]
DIGITS: Final = "digits"
TEST: Final = 0.3
"""Share of the rows that test, which no stage ever sees."""
SOURCE: Final = "rows.parquet"
"""File of a project that real rows are read from."""
LABEL: Final = "label"
NULL_DRAWS: Final = 4
"""Random real subsets that make a null, instead of 20: they are most of a round's work."""


@dataclass(frozen=True, slots=True)
class Data:
    """A data set, and what a line's project needs of it."""

    name: str
    load: Callable[[], pl.DataFrame]
    choice: Choice
    """What the user says to `stemma dataset add`; the digits have shipped settings."""
    generator: str
    """As `rounds` of params.yaml names it."""
    plugins: tuple[str, ...] = ()
    """Modules of `experiments.lines.plugins` that are files of the project."""
    left_out: tuple[str, ...] = ()
    """Scorers whose network takes longer than all else of a round."""
    metrics: tuple[str, ...] = ()
    """Metrics of the user's own, by their files."""
    checks: tuple[str, ...] = ()
    """Checks of the guard of the user's own, by their files."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A data set as a seed has it."""

    data: Data
    source: pl.DataFrame
    """Rows that the lake gets, of which it holds some out for its gates."""
    test: pl.DataFrame
    """Rows that only the score of a line is measured on."""
    entry: Mapping[str, Any]
    """Section of the data set in params.yaml."""
    suite: Mapping[str, Any]
    """Content of its suite."""
    real_answers: dict[str, Answers] = field(default_factory=dict)
    """What the task answers on the test rows after training on real rows alone, once it has."""


def _cells() -> pl.DataFrame:
    """Load measures of cells of 569 tumours (Wolberg et al. 1995, CC BY 4.0)."""
    from sklearn import datasets  # noqa: PLC0415  slow to import

    frame: pl.DataFrame = pl.from_pandas(datasets.load_breast_cancer(as_frame=True).frame)
    label = pl.col("target").replace_strict({0: "malignant", 1: "benign"}).alias(LABEL)
    found: pl.DataFrame = frame.select(pl.exclude("target"), label)
    return found


DATA: Final = {
    each.name: each
    for each in (
        Data(DIGITS, digits.load, Choice(), "plugins/mixtures.py", ("mixtures",)),
        Data("cells", _cells, Choice(modality="table", label=LABEL, keep=()), "interpolation"),
        Data(
            "dialogues",
            dialogue.load,
            Choice(modality="text", label=LABEL, columns=("prompt", "completion"), keep=()),
            "plugins/word_chains.py",
            ("word_chains", "words"),
            left_out=("text_meaning",),
            metrics=("plugins/words.py",),
            checks=("plugins/words.py",),
        ),
    )
}


@lru_cache(maxsize=1)
def world(name: str, seed: int) -> World:
    """Split a data set by a seed, and set it up; the last one is kept.

    Args:
        name: one of `DATA`.
        seed: of the split.
    """
    data = DATA[name]
    rows = data.load()
    order = np.random.default_rng(derive_seed(seed, name, "split")).permutation(len(rows))
    cut = round(TEST * len(rows))
    test, source = (rows[np.sort(part)] for part in (order[:cut], order[cut:]))
    Path(SOURCE).unlink(missing_ok=True)
    source.write_parquet(SOURCE)
    entry, suite = _shipped() if name == DIGITS else _added(data)
    settings = parse(params.Dataset, entry, name)
    entry["generate"] = {"candidates": len(dataset_entry.of_settings(settings).train)}
    entry["evaluate"] = {"null_draws": NULL_DRAWS, "metrics": {each: {} for each in data.metrics}}
    entry["publish"] = {**entry["publish"], "checks": {each: {} for each in data.checks}}
    return World(data, source, test, entry, suite)


def _shipped() -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Take settings and suite of the digits from this checkout; all their rows are the source's."""
    import yaml  # noqa: PLC0415  no other data set needs it

    content = yaml.safe_load(files.read_text(ROOT / params.FILE))["datasets"][DIGITS]
    content["ingest"] |= {"source": SOURCE, "test": 0.0}
    return content, json.loads(files.read_text(ROOT / suites.place(DIGITS)))


def _added(data: Data) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Plan settings and suite as `stemma dataset add` does, for rows of which none is a test."""
    planned = dataset_entry.plan(data.name, SOURCE, data.choice)
    entry = json.loads(json.dumps(planned.entry))
    entry["ingest"]["test"] = 0.0
    entry["fit"] = {}
    columns = {column for scorer in data.left_out for column in registry.load(scorer).columns}
    for scorer in data.left_out:
        entry["verify"]["scorers"].pop(scorer, None)
    left = [
        each
        for each in planned.suite["expectations"]
        if columns.isdisjoint(map(str, each["kwargs"].values()))
    ]
    return entry, {**planned.suite, "expectations": left}
