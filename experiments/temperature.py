"""E14: generated texts lose diversity at a low temperature, and hurt where labels are judgement.

The same texts have both labels, so that neither their number nor their words set them apart. The
generator of a label is a bigram of the words of its texts, whose next word is drawn with a chance
in proportion to the count to the power of 1/T: at T = 1 as often as it was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from expectations.measures import text_diversity
from experiments import rated_texts
from experiments.experiment import (
    Estimate,
    Experiment,
    Finding,
    Listing,
    Part,
    Plot,
    above_zero,
    mean_of,
)
from experiments.rated_texts import LABELS, Text, Texts
from pipelines.features import text_classifier

TEMPERATURES: Final = (0.3, 0.6, 1.0)
TRAIN, TEST, REPEATS = 500, 400, 8
"""Texts of each pair of labels that train, and that test; splits."""
LONGEST: Final = 60
"""Words of a generated text, at most."""
FACT, JUDGEMENT = LABELS
MEASURED: Final = ("distinct-2", "macro-F1", "agreed", "disputed")
"""What is measured of each mix; the last two are accuracies where raters agree, or do not."""


class Bigram:
    """Which word follows which in some texts, and how often."""

    def __init__(self, texts: Sequence[Text]) -> None:
        """Count pairs, with a mark, 0, before and after each text."""
        self.words = ("", *sorted({word for text in texts for word in text}))
        number = {word: at for at, word in enumerate(self.words)}
        size = len(self.words)
        pairs = [
            number[first] * size + number[second]
            for text in texts
            for first, second in zip(("", *text), (*text, ""), strict=True)
        ]
        known, self.counts = np.unique(pairs, return_counts=True)
        self.after = known % size
        """What follows, one word after the other."""
        self.ends = np.searchsorted(known, np.arange(1, size + 1) * size)
        """Where what follows each word ends."""

    def draw(self, count: int, temperature: float, draw: Generator) -> list[Text]:
        """Draw texts, side by side.

        Args:
            count: texts.
            temperature: T of the chance of a word, its count to the power of 1/T.
            draw: source of chance.
        """
        weights = np.concatenate([[0.0], np.cumsum(self.counts ** (1 / temperature))])
        starts = np.concatenate([[0], self.ends[:-1]])
        state = np.zeros(count, dtype=np.int64)
        found: list[NDArray[np.int64]] = []
        for _ in range(LONGEST):
            low, high = weights[starts[state]], weights[self.ends[state]]
            target = low + draw.random(count) * (high - low)
            next_ = np.searchsorted(weights, target, side="right") - 1
            chosen = self.after[np.clip(next_, starts[state], self.ends[state] - 1)]
            state = np.where((state > 0) | (not found), chosen, 0)
            found.append(state)
        rows = np.stack(found, axis=1)
        return [tuple(self.words[at] for at in row if at) for row in rows]


def distinct(texts: Sequence[Text]) -> float:
    """Distinct-2 of texts, by the measure of the project."""
    joined = pl.Series([" ".join(text) for text in texts])
    return text_diversity.ngrams(joined, 2).distinct(np.arange(len(texts)))


def predicted(texts: Sequence[Text], labels: NDArray[np.int64], test: Texts) -> NDArray[np.int64]:
    """Labels of test texts by the project's classifier of texts, which learns from texts."""
    model = text_classifier.train(_joined(texts), labels)
    return model.labels(_joined(test.words)).astype(np.int64)


def measured(label: str, seed: int) -> dict[str, float]:
    """Measure real texts and generated ones of a label, on one split, by what is measured."""
    from sklearn.metrics import f1_score  # noqa: PLC0415  slow to import

    draw = np.random.default_rng(seed)
    train, test = rated_texts.split(TRAIN, TEST, draw)
    mixes = {"real": (list(train.words), train.labels[label])}
    models = [Bigram(train.of(label, value)) for value in (0, 1)]
    labels = np.repeat([0, 1], 2 * TRAIN)
    for temperature in TEMPERATURES:
        drawn = [text for model in models for text in model.draw(2 * TRAIN, temperature, draw)]
        mixes[f"T = {temperature:g}"] = (drawn, labels)
    found = {}
    for name, (texts, own) in mixes.items():
        said = predicted(texts, own, test)
        right = said == test.labels[label]
        found[f"distinct-2, {name}"] = distinct(texts)
        found[f"macro-F1, {name}"] = float(f1_score(test.labels[label], said, average="macro"))
        found[f"agreed, {name}"] = float(right[test.agreed].mean())
        found[f"disputed, {name}"] = float(right[~test.agreed].mean())
    return found


def _joined(texts: Sequence[Text]) -> NDArray[np.object_]:
    return np.asarray([" ".join(text) for text in texts], dtype=object)


def _part(seed: int) -> Part:
    """Measure both labels on the same splits, and how they differ."""
    draw = np.random.default_rng(seed)
    seeds = [int(draw.integers(1 << 31)) for _ in range(REPEATS)]
    columns: dict[str, dict[str, NDArray[np.float64]]] = {}
    for label in LABELS:
        lines = [measured(label, each) for each in seeds]
        columns[label] = {name: np.asarray([line[name] for line in lines]) for name in lines[0]}
    figures = {
        f"{name}, {label}": mean_of(values)
        for label, own in columns.items()
        for name, values in own.items()
    }
    return Part(figures | _compared(columns), _curves(figures))


def _compared(columns: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> dict[str, Estimate]:
    """Compare temperatures and labels, split by split."""
    figures: dict[str, Estimate] = {}
    for name in (f"T = {temperature:g}" for temperature in TEMPERATURES):
        lost = {
            label: own["macro-F1, real"] - own[f"macro-F1, {name}"]
            for label, own in columns.items()
        }
        figures[f"lost more, {name}"] = mean_of(lost[JUDGEMENT] - lost[FACT])
        own = columns[JUDGEMENT]
        figures[f"apart, {name}"] = mean_of(own[f"agreed, {name}"] - own[f"disputed, {name}"])
    for what in ("distinct-2", "macro-F1"):
        for label, own in columns.items():
            gained = own[f"{what}, T = 1"] - own[f"{what}, T = 0.3"]
            figures[f"{what} gained, {label}"] = mean_of(gained)
    return figures


def _curves(figures: Mapping[str, Estimate]) -> dict[str, list[tuple[float, float]]]:
    """Macro-F1 by temperature of generated texts; that of real ones is the same at each."""
    return {
        f"{label}, {kind}": [
            (each, figures[f"macro-F1, {kind or f'T = {each:g}'}, {label}"].value)
            for each in TEMPERATURES
        ]
        for label in LABELS
        for kind in ("", "real")
    }


def conclude(parts: Mapping[str, Part]) -> Sequence[Finding]:
    """Find what a low temperature costs, and which label generated texts hurt more."""
    figures = parts["texts"].figures
    found = [
        above_zero(
            f"{what} at T = 1, less that at 0.3, label of {label}",
            figures[f"{what} gained, {label}"],
        )
        for what in ("distinct-2", "macro-F1")
        for label in LABELS
    ]
    found += [
        above_zero(
            f"macro-F1 lost to real texts at T = {temperature:g}, judgement less fact",
            figures[f"lost more, T = {temperature:g}"],
        )
        for temperature in reversed(TEMPERATURES)
    ]
    name = "accuracy at T = 1 where raters agree, less that where they do not"
    return [*found, above_zero(name, figures["apart, T = 1"])]


def plot(parts: Mapping[str, Part]) -> Plot:
    """Macro-F1 by temperature, with that of real texts as lines."""
    curves = parts["texts"].curves
    marks = {f"label of {label}": curves[f"{label}, "] for label in LABELS}
    lines = {f"label of {label}": curves[f"{label}, real"] for label in LABELS}
    return Plot("temperature (lines: real texts)", "macro-F1", marks, lines)


def lists(parts: Mapping[str, Part]) -> Sequence[Listing]:
    """What real texts and generated ones of each label measure."""
    figures = parts["texts"].figures
    mixes = ["real", *(f"T = {temperature:g}" for temperature in reversed(TEMPERATURES))]
    heads = ["label", "texts", "distinct-2", "macro-F1", "accuracy, raters agree", "they do not"]
    rows = [
        [label, mix, *(f"{figures[f'{what}, {mix}, {label}'].value:.3f}" for what in MEASURED)]
        for label in LABELS
        for mix in mixes
    ]
    return [Listing("What texts of each kind measure, by label.", heads, rows)]


EXPERIMENT: Final = Experiment(
    name="E14",
    version=1,
    title="Generated texts hurt more where the label is a matter of judgement",
    paper="[Li et al. 2023](https://arxiv.org/abs/2310.07849)",
    setup=(
        f"{4 * TRAIN:,} sentences of reviews, as many of goods as of films and as many that are "
        "liked as not by the mean of 15 to 20 raters (`vaderSentiment`, MIT), with two labels that "
        "halve the same texts: of fact (goods or film) and of judgement (liked or not). For each "
        "label a class-conditional bigram draws as many texts at a temperature, the project's "
        f"classifier of texts learns from them, and {4 * TEST:,} other sentences test it, "
        f"{REPEATS} splits. Raters agree where nine tenths are on one side. The paper asks "
        "GPT-3.5, which has seen more than these texts, so its figures are others"
    ),
    parts={"texts": _part},
    needs=(rated_texts.PACKAGE,),
    conclude=conclude,
    plot=plot,
    lists=lists,
)
