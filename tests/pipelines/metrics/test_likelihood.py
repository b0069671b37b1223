"""The probability of right labels: what margins say, at one temperature for all mixes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.common.plugins import NoSettings
from pipelines.features import image_classifier
from pipelines.metrics import Configured, evaluate_round, likelihood, task_figures
from pipelines.metrics.downstream import Answers, Labelled
from pipelines.metrics.tasks import ImageLabels, NearestLabels

SETTINGS = SimpleNamespace(bootstrap=500)


def answers(margins: list[list[float]], labels: str = "ab", classes: str = "ab") -> Answers:
    given, names = np.array(margins), np.array(list(classes))
    return Answers(np.array(list(labels)), names[given.argmax(axis=1)], given, names)


def test_a_margin_of_log_three_is_three_to_one() -> None:
    """Margins of ln 3 at temperature 1 give ¾, and a label that was never learnt has 0."""
    sure = answers([[np.log(3), 0.0], [np.log(3), 0.0], [0.0, 0.0]], labels="abc")
    assert likelihood.right(sure, 1.0) == pytest.approx([0.75, 0.25, 0.0])
    assert likelihood.right(sure, 0.5) == pytest.approx([0.9, 0.1, 0.0])


def test_the_temperature_makes_real_rows_most_likely() -> None:
    """Of four rows with margin 2 three are right: the best odds are 3 to 1, at 2 / ln 3."""
    margins = np.array([[2.0, 0.0]] * 4)
    found = image_classifier.best_temperature(margins, np.array([0, 0, 0, 1]))
    assert found == pytest.approx(2 / np.log(3), rel=1e-3)


def test_it_shows_a_loss_that_answers_do_not() -> None:
    """All answers are right with either mix, and the models of one are less sure of each."""
    rows = 40
    sure = answers([[1.0, 0.0]] * (rows - 1) + [[0.5, 0.0]], "a" * (rows - 1) + "b")
    less = answers([[0.8, 0.0]] * (rows - 1) + [[0.5, 0.0]], "a" * (rows - 1) + "b")
    given = {"real_only": sure, "mix": less, "previous": sure}
    found = likelihood.section(given, SETTINGS, 1)
    assert task_figures.differences(given, SETTINGS, 1, ImageLabels())["real_only"].value == 0
    assert found["difference"]["real_only"].high < 0
    gain = found["probability"]["mix"].value - found["probability"]["real_only"].value
    assert found["difference"]["real_only"].value == pytest.approx(gain)


def test_models_without_margins_give_none() -> None:
    rows = Labelled(np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1]))
    mixes = {"real_only": rows, "mix": rows}
    told = task_figures.answers(NearestLabels(), NoSettings(), mixes, rows)
    assert likelihood.section(told, SETTINGS, 1) == {}
    assert likelihood.section({}, SETTINGS, 1) == {}
    machines = task_figures.answers(ImageLabels(), ImageLabels.Settings(), mixes, rows)
    assert machines["mix"].said.tolist() == [0, 1, 0, 1]
    found = likelihood.section(machines, SETTINGS, 1)
    assert found["difference"]["real_only"].value == 0


class Own(ImageLabels):
    """A task whose figure has the name of the section of probabilities."""

    name = "own"
    figure = "likelihood"


def test_a_figure_of_the_same_name_stays_beside_the_probabilities() -> None:
    draw, labels = np.random.default_rng(7), np.arange(60) % 2
    points = (draw.normal(0, 1, (60, 4)) + labels[:, None]).astype(np.float32)
    rows = Labelled(points, labels)
    found = evaluate_round(
        real=rows,
        validation=rows,
        accepted=rows,
        mix=rows,
        previous=rows,
        settings=SimpleNamespace(null_draws=2, bootstrap=5),
        seed=1,
        task=Configured(Own()),
        metrics=(),
    ).to_dict()
    assert found["task"] == "likelihood"
    assert found["likelihood"]["mix"]["value"] > 0.5
    assert found["likelihood"]["difference"]["real_only"]["value"] == 0
    assert found["summary"]["likelihood_mix"] == found["likelihood"]["mix"]["value"]
