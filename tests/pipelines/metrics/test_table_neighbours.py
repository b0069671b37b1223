"""Small crafted rounds of a table: each figure sees the labels, copies or leaks it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from expectations.measures import features
from lineage import round_figures
from lineage.limits import Limits
from pipelines import modalities
from pipelines.common.plugins import NoSettings
from pipelines.features.tables import likeness
from pipelines.metrics import Labelled, Metric, closeness
from pipelines.metrics.classes import Classes
from pipelines.metrics.content import Content
from pipelines.metrics.protocol import MetricRequest, RoundMetric
from pipelines.metrics.table_neighbours import TableNeighbours
from tests.lineage.digits import HEALTHY as DIGITS

COLUMNS = ("a", "b", "c", "d", "e", "town")
TOWNS = np.asarray(["Bonn", "Kiel", "Ulm"])


def drawn(seed: int, count: int = 200, label: str = "label") -> pl.DataFrame:
    """Rows of two classes, apart in three numbers, with a town that says nothing."""
    draw = np.random.default_rng(seed)
    classes = np.arange(count) % 2
    numbers = draw.normal(0, 1, (count, 5)) + 4 * classes[:, None] * [1, 1, 1, 0, 0]
    columns = {name: numbers[:, at] for at, name in enumerate(COLUMNS[:5])}
    names = np.asarray(["no", "yes"])[classes] if label == "label" else classes * 1.5
    return pl.DataFrame({**columns, "town": TOWNS[draw.integers(3, size=count)], label: names})


REAL, HELD, HEALTHY = drawn(1), drawn(2), drawn(3)


def request(
    accepted: pl.DataFrame, held: pl.DataFrame = HELD, target: str | None = None
) -> MetricRequest:
    modality = modalities.load("table", COLUMNS, {} if target is None else {"target": target})
    real = REAL if target is None else drawn(1, label=target)
    frames = {"real": real, "held": held, "accepted": accepted}
    sets: Mapping[str, Labelled] = modality.measured(real, frames)
    return MetricRequest(
        real=sets["real"],
        validation=sets["held"],
        sets={"accepted": sets["accepted"], "mix": sets["real"]},
        features=features.fit(sets["real"].vectors),
        null_draws=5,
        bootstrap=20,
        seed=9,
    )


def measured(
    accepted: pl.DataFrame, metric: RoundMetric[NoSettings] | None = None
) -> Mapping[str, Metric]:
    return (metric or TableNeighbours()).measure(request(accepted), NoSettings())["accepted"]


def part(bad: pl.DataFrame, share: float) -> pl.DataFrame:
    """Healthy rows, so large a share of them replaced."""
    count = round(share * len(HEALTHY))
    return pl.concat([bad[:count], HEALTHY[count:]])


def recast(rows: pl.DataFrame) -> pl.DataFrame:
    """Change one value of each row, a number or the town."""
    other, at = drawn(4), np.arange(len(rows)) % len(COLUMNS)
    return rows.with_columns(
        other[name].zip_with(pl.Series(at == number), rows[name]).alias(name)
        for number, name in enumerate(COLUMNS)
    )


def test_a_label_is_wrong_where_like_rows_have_another() -> None:
    swapped = pl.col("label").replace({"no": "yes", "yes": "no"})
    wrong = measured(part(HEALTHY.with_columns(swapped), 0.25))["label_errors"]
    assert wrong.value == pytest.approx(0.25, abs=0.02)
    assert wrong.null < 0.03
    assert measured(HEALTHY)["label_errors"].value < 0.03


def overlapping(seed: int, count: int = 500) -> pl.DataFrame:
    """Rows of three classes that overlap in two numbers, beside six columns that say nothing."""
    draw = np.random.default_rng(seed)
    classes = np.arange(count) % 3
    centres = np.asarray([(0, 0), (2, 0), (0, 2)])[classes]
    numbers = np.concatenate([draw.normal(centres, 1), draw.normal(0, 1, (count, 5))], axis=1)
    columns = {f"x{at}": column for at, column in enumerate(numbers.T)}
    town = TOWNS[draw.integers(3, size=count)]
    return pl.DataFrame({**columns, "town": town, "label": np.asarray(["p", "q", "r"])[classes]})


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_wrong_labels_are_counted_where_classes_overlap(share: float) -> None:
    """The three nearest rows of real ones disagree in 39 of 100 cases here."""
    frames = {name: overlapping(seed) for name, seed in (("real", 1), ("held", 2), ("ours", 3))}
    count = round(share * len(frames["ours"]))
    swapped = frames["ours"].with_columns(
        pl.when(pl.int_range(pl.len()) < count)
        .then(pl.col("label").replace({"p": "q", "q": "r", "r": "p"}))
        .otherwise("label")
        .alias("label")
    )
    modality = modalities.load("table", tuple(frames["real"].columns[:-1]), {})
    sets = modality.measured(frames["real"], {**frames, "ours": swapped})
    fixed = features.fit(sets["real"].vectors)
    given = {"accepted": sets["ours"], "mix": sets["real"]}
    asked = MetricRequest(sets["real"], sets["held"], given, fixed, 5, 20, 9)
    found = TableNeighbours().measure(asked, NoSettings())["accepted"]["label_errors"]
    assert found.value == pytest.approx(share, abs=0.08)
    assert found.low - found.null_high < share < found.high - found.null_low
    assert (found.low - found.null_high > Limits().label_errors_block) == (share > 0)


@pytest.mark.parametrize("rare", [0.5, 0.2, 0.05])
def test_labels_that_no_column_tells_are_not_measured(rare: float) -> None:
    """Neighbours that know nothing agree with most rows of a frequent class all the same."""

    def untold(seed: int) -> pl.DataFrame:
        draw = np.random.default_rng(seed)
        labels = np.where(draw.random(400) < rare, "yes", "no")
        return pl.DataFrame(
            {"x": draw.normal(size=400), "y": draw.normal(size=400), "label": labels}
        )

    real = untold(1)
    modality = modalities.load("table", ("x", "y"), {})
    sets = modality.measured(real, {"real": real, "held": untold(2), "ours": untold(3)})
    fixed = features.fit(sets["real"].vectors)
    given = {"accepted": sets["ours"], "mix": sets["real"]}
    asked = MetricRequest(sets["real"], sets["held"], given, fixed, 5, 20, 9)
    found = TableNeighbours().measure(asked, NoSettings())["accepted"]["label_errors"]
    assert np.isnan(found.value)


def test_a_copy_with_one_other_value_is_a_copy() -> None:
    memory, leak = (measured(part(recast(rows), 0.3)) for rows in (REAL, HELD))
    assert memory["memorised_ratio"].value > 0.25
    assert memory["holdout_closer"].value < memory["holdout_closer"].null
    assert leak["holdout_closer"].value > 0.2
    assert leak["holdout_closer"].low - leak["holdout_closer"].null > Limits().holdout_closer_block
    assert leak["memorised_ratio"].value < 0.03
    assert measured(recast(HELD))["holdout_leaning"].low > Limits().holdout_leaning_block
    healthy = measured(HEALTHY)
    assert healthy["memorised_ratio"].value < 0.03
    assert healthy["holdout_leaning"].value == pytest.approx(0.5, abs=0.1)


def dense(seed: int, count: int = 400) -> pl.DataFrame:
    """Rows of six numbers that follow from two: a fifth is far nearer to the hold-out by chance."""
    draw = np.random.default_rng(seed)
    size = draw.normal(0, 1, (count, 2))
    numbers = np.repeat(size, 3, axis=1)
    names = np.where(size[:, 0] > 0, "large", "small")
    return pl.DataFrame({**{f"x{at}": numbers[:, at] for at in range(6)}, "label": names})


def test_a_small_leak_is_seen_in_a_table_of_near_rows() -> None:
    real, held, healthy = dense(1), dense(2), dense(3)
    leaked = held[:20].with_columns(healthy["x3"][:20])
    frames = {"real": real, "held": held, "ours": pl.concat([leaked, healthy[20:]])}
    modality = modalities.load("table", tuple(real.columns[:-1]), {})
    limit = Limits().holdout_closer_block
    for name, sees in (("ours", True), ("healthy", False)):
        sets = modality.measured(real, {**frames, "healthy": healthy})
        fixed = features.fit(sets["real"].vectors)
        given = {"accepted": sets[name], "mix": sets["real"]}
        asked = MetricRequest(sets["real"], sets["held"], given, fixed, 5, 20, 9)
        found = TableNeighbours().measure(asked, NoSettings())["accepted"]["holdout_closer"]
        assert (found.low - found.null > limit) == sees


def test_real_rows_that_were_held_out_together_are_no_leak() -> None:
    """Near-duplicates stay in one split, so a whole region of the data can be held out."""
    draw = np.random.default_rng(6)
    many = REAL[np.full(60, 7)].with_columns(
        (pl.col(name) + pl.Series(draw.normal(0, 0.01, 60))).alias(name) for name in COLUMNS[:5]
    )
    rows = pl.concat([HEALTHY[:150], many[:30]])
    held = pl.concat([HELD, many[30:].with_columns(pl.col("a") + 8)])
    accepted = rows.with_columns(
        pl.when(pl.int_range(pl.len()) >= 150).then(pl.col("a") + 8).otherwise("a").alias("a")
    )
    found = TableNeighbours().measure(request(accepted, held), NoSettings())["accepted"]
    closer = found["holdout_closer"]
    assert closer.value > 0.1
    assert closer.low - closer.null < Limits().holdout_closer_block


def test_classes_and_rare_rows_of_a_table_are_measured() -> None:
    ours = (HEALTHY["label"] == "yes").arg_true()
    one = HEALTHY[np.where(HEALTHY["label"] == "yes", int(ours[0]), np.arange(200))]
    found = measured(one, Classes())
    assert found["class_variance"].value < 0.05
    assert found["class_coverage"].value < 0.3
    assert measured(HEALTHY, Classes())["class_variance"].value > 0.6
    assert set(measured(HEALTHY, Content())) == {"rare_recall"}


def test_a_number_to_be_foretold_has_no_wrong_labels() -> None:
    rows = drawn(3, label="price")
    asked = request(rows, drawn(2, label="price"), "price")
    figures = TableNeighbours().measure(asked, NoSettings())["accepted"]
    assert set(figures) == {"memorised_ratio", "holdout_leaning", "holdout_closer"}
    reasons = dict(TableNeighbours().not_applicable(asked)) | dict(Classes().not_applicable(asked))
    told = replace(DIGITS, metrics={"round": {}, "not_applicable": reasons})
    errors = round_figures.excess(told, "label_errors", "err")
    share = round_figures.of_class(told, "class_share", "share")
    assert (errors.applies, share.applies) == (False, False)
    assert "no classes" in errors.detail


def test_null_equals_null_and_the_largest_difference_is_left_out() -> None:
    rows = np.zeros(3, dtype=[("x", "f8"), ("y", "f8"), ("z", "O")])
    rows["x"], rows["y"], rows["z"] = [0.0, 1.0, np.nan], [0.0, 0.5, 0.5], ["a", "a", None]
    scale = likeness.Scale.of(rows)
    apart, places = likeness.nearest(scale.points(rows), scale.points(rows), 3)
    assert places[:, 0].tolist() == [0, 1, 2]
    assert (apart[:, 0] == 0).all()
    assert apart[1].tolist() == pytest.approx([0, 0.5, 0.5])


def test_categories_that_no_training_row_has_are_told_apart() -> None:
    """Names that occur once would else be one: new ones would be as those of the hold-out."""
    known, held, ours = (np.zeros(2, dtype=[("x", "f8"), ("name", "O")]) for _ in range(3))
    for rows, names in ((known, "ab"), (held, "cd"), (ours, "ec")):
        rows["name"] = list(names)
    scale = likeness.Scale.of(known)
    sets = [scale.points(rows) for rows in (ours, held)]
    apart, places = likeness.nearest(*sets, 1)
    assert apart[:, 0].tolist() == [0.5, 0.0]
    assert places[1, 0] == 0


def test_rows_that_cannot_be_told_apart_are_neither_copies_nor_leaks() -> None:
    """Each accepted row equals several training rows and several held-out ones."""
    none = np.zeros((30, 3))
    assert np.isnan(closeness.memorised(none, none, 0.25).value)
    sides = np.zeros(30), np.arange(30)
    found = closeness.leaks(sides, sides, np.arange(30) % 3, 0.5)
    assert all(np.isnan(each.value) for each in found.values())
    none[0, 1:] = 1.0
    assert closeness.memorised(none, none, 0.25).value == pytest.approx(1 / 30)
