"""How much probability models of a mix give to the right labels of real rows that no generator saw.

Accuracy changes only where a row's answer does; of some hundred rows few do, so a loss of a point
is within chance. The probability of the right label changes with every row. It is compared row by
row with what models of real data alone give, so it shows a smaller loss with the same rows.

At the temperature that calibrates, most rows have a probability close to 1, whose changes are lost
beside those of the few others. So a flatter softmax is taken, in which the margins of all rows
count: its figure is no calibrated probability, and is compared with figures of its kind alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.common.seeds import derive_seed
from pipelines.features import image_classifier
from pipelines.metrics import values
from pipelines.metrics.downstream import Answers
from pipelines.metrics.values import Metric

REAL: Final = "real_only"
FLATTER: Final = 1.5
"""How many times the temperature that calibrates is taken."""


class Settings(Protocol):
    """Settings of intervals."""

    @property
    def bootstrap(self) -> int:
        """Resamples for an interval."""


def section(answers: Mapping[str, Answers], settings: Settings, seed: int) -> dict[str, Any]:
    """Measure the probability of right labels by each mix, and what the mix gains over the others.

    One temperature turns the margins of all models into probabilities: `FLATTER` times that of the
    least log loss of models of real data alone (Guo et al. 2017, arXiv 1706.04599, section 4.2).

    Args:
        answers: of models of real_only, mix and previous.
        settings: bootstrap.
        seed: of the bootstrap.

    Returns:
        `temperature`; `probability`, the mean over rows by what models were trained on;
        `difference`, that of the mix less the others, paired. Nothing where models give no margins.
    """
    if REAL not in answers or any(each.margins is None for each in answers.values()):
        return {}
    temperature = _temperature(answers[REAL])
    if temperature is None:
        return {}
    given = {name: right(each, temperature) for name, each in answers.items()}

    def mean(each: NDArray[np.float64], *names: str) -> Metric:
        return Metric(*values.of_means(each, settings.bootstrap, derive_seed(seed, *names)))

    return {
        "temperature": values.finite(temperature),
        "probability": {name: mean(each, "probability", name) for name, each in given.items()},
        "difference": {
            name: mean(given["mix"] - given[name], "difference", name)
            for name in (REAL, "previous")
            if name in given
        },
    }


def right(answers: Answers, temperature: float) -> NDArray[np.float64]:
    """Return the probability of the right label of each row, [n]; 0 of a label never learnt."""
    if answers.margins is None:
        return np.full(len(answers.labels), np.nan)
    places, is_known = _places(answers)
    logarithms = image_classifier.log_softmax(answers.margins / temperature)
    return np.where(is_known, np.exp(logarithms[np.arange(len(places)), places]), 0.0)


def _temperature(answers: Answers) -> float | None:
    places, is_known = _places(answers)
    if answers.margins is None or not is_known.any():
        return None
    return FLATTER * image_classifier.best_temperature(answers.margins[is_known], places[is_known])


def _places(answers: Answers) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the place of each row's label among the classes, [n], and whether it is there."""
    classes = answers.classes
    places = np.searchsorted(classes, answers.labels).clip(max=len(classes) - 1)
    return places, np.asarray(classes[places] == answers.labels, dtype=np.bool_)
