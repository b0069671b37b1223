"""Labels that the nearest rows contradict, beside as many real rows of each class."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.metrics import label_votes, task_figures, values
from pipelines.metrics.downstream import Answers
from pipelines.metrics.label_votes import Votes
from pipelines.metrics.tasks import NearestLabels, TextLabels

KNOWN = np.asarray(["common", "odd", "rare"])


def votes(**counted: tuple[int, int]) -> Votes:
    """So many rows of each class, and how many of them are contradicted."""
    given = np.concatenate([np.repeat(name, rows) for name, (rows, _) in counted.items()])
    wrong = np.concatenate([np.arange(rows) < bad for rows, bad in counted.values()])
    return Votes(given, np.where(wrong, "other", given))


def test_as_many_rows_of_a_rare_class_are_no_wrong_labels() -> None:
    """Half of the rare rows are contradicted, real ones too; the generator makes as many of each.

    By all rows, 27 of 100 accepted ones and 7 of 100 held-out ones are contradicted.
    """
    accepted = votes(common=(200, 8), rare=(200, 100))
    held = votes(common=(180, 7), rare=(20, 10))
    found = label_votes.errors(accepted, held, KNOWN)
    assert found.value == pytest.approx(0.27)
    assert found.null == pytest.approx((7 / 180 + 10 / 20) / 2)
    assert found.null_high - found.null_low > 0.2  # ten of twenty rows say little
    alike = label_votes.errors(held, held, KNOWN)
    assert (alike.null, alike.null_low, alike.null_high) == values.of_share(held.wrong)


def test_a_class_without_held_out_rows_is_left_out_and_an_unknown_label_is_wrong() -> None:
    held = votes(common=(100, 5))
    assert label_votes.errors(votes(common=(50, 1), odd=(50, 50)), held, KNOWN).value == 0.02
    assert label_votes.errors(votes(common=(50, 0), made_up=(50, 50)), held, KNOWN).value == 0.5
    alone = label_votes.errors(votes(made_up=(50, 50)), held, KNOWN)
    assert (alone.value, alone.null) == (1.0, 0.05)
    assert np.isnan(label_votes.errors(votes(odd=(50, 5)), held, KNOWN).value)


def test_a_weighted_share_is_that_of_fewer_rows() -> None:
    hits = np.arange(100) < 20
    assert values.of_weighted_share(hits, np.full(100, 3.0)) == values.of_share(hits)
    doubled = values.of_weighted_share(hits, np.where(np.arange(100) % 2, 1.0, 1.0 + 1e-9))
    assert doubled == pytest.approx(values.of_share(hits), abs=1e-6)
    half = values.of_weighted_share(hits, (np.arange(100) % 2).astype(float))
    assert half == pytest.approx(values.of_share(hits[1::2]))


def test_both_families_are_judged_by_the_first_ones_figure() -> None:
    """A mix finds all rare rows and errs on more of the frequent ones."""
    labels = np.repeat(["common", "rare"], [190, 10])
    said = labels.copy()
    said[:15] = "rare"
    missed = np.where(np.arange(200) < 195, "common", labels)
    given = {"mix": Answers(labels, said), "real_only": Answers(labels, missed)}
    first = task_figures.Family(TextLabels(), given)
    answers = iter((given["mix"], given["real_only"]))

    class Second(NearestLabels):
        def train(self, rows: object, settings: object) -> object:  # type: ignore[override]
            del rows, settings
            return lambda test: next(answers).said  # noqa: ARG005

    validation = SimpleNamespace(labels=labels)
    found = task_figures.section(
        Second(),
        SimpleNamespace(),
        {
            name: SimpleNamespace(labels=labels[:rows])
            for name, rows in (("mix", 9), ("real_only", 8))
        },
        validation,
        first=first,
        settings=SimpleNamespace(bootstrap=50),
        seed=1,
    )
    assert found["task"] == "macro_f1"
    assert found["accuracy"]["mix"].value < found["accuracy"]["real_only"].value
    assert found["difference"]["real_only"].value == pytest.approx(
        found["macro_f1"]["mix"].value - found["macro_f1"]["real_only"].value
    )
