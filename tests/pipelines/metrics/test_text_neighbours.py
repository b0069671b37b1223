"""Small crafted rounds of texts: each figure sees the labels, copies or leaks it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from expectations.measures import features
from lineage.limits import Limits
from pipelines.common.plugins import NoSettings
from pipelines.features import text_likeness
from pipelines.metrics import Labelled, Metric, text_neighbours, values
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.text_neighbours import TextNeighbours

SYLLABLES = {
    "sea": ("ta", "ro", "mi", "lu", "sen", "bay", "kor", "wave"),
    "rail": ("gru", "pel", "vox", "tin", "dra", "kap", "zug", "sol"),
}


def drawn(seed: int, count: int = 120) -> Labelled:
    """Texts of two topics, each of twelve words of the topic's own syllables."""
    draw = np.random.default_rng(seed)
    labels = np.asarray(["sea", "rail"])[np.arange(count) % 2]
    texts = [
        " ".join("".join(draw.choice(SYLLABLES[label], 3)) for _ in range(12)) for label in labels
    ]
    return of(texts, labels)


def of(texts: Sequence[str], labels: NDArray[Any]) -> Labelled:
    points = np.random.default_rng(0).normal(size=(len(texts), 3)).astype(np.float32)
    return Labelled(points, labels, None, np.asarray(texts, dtype=object))


REAL, HELD, HEALTHY = drawn(1), drawn(2), drawn(3)


def request(accepted: Labelled, real: Labelled = REAL) -> MetricRequest:
    sets = {"accepted": accepted, "mix": real}
    return MetricRequest(real, HELD, sets, features.fit(real.vectors), 5, 20, 9)


def measured(accepted: Labelled) -> Mapping[str, Metric]:
    return TextNeighbours().measure(request(accepted), NoSettings())["accepted"]


def part(texts: Sequence[str], share: float) -> Labelled:
    """Healthy texts, so large a share of them replaced by texts of the same topics."""
    count = round(share * len(HEALTHY.inputs))
    return of([*texts[:count], *HEALTHY.inputs[count:]], HEALTHY.labels)


def shouted(rows: Labelled) -> list[str]:
    return [text.upper() + "!" for text in rows.inputs]


def shortened(rows: Labelled) -> list[str]:
    """Leave out every fifth word."""
    return [
        " ".join(word for at, word in enumerate(text.split()) if at % 5) for text in rows.inputs
    ]


@pytest.mark.parametrize("edit", [shouted, shortened])
def test_a_copy_in_other_letters_or_with_fewer_words_is_a_copy(
    edit: Callable[[Labelled], list[str]],
) -> None:
    memory, leak = (measured(part(edit(rows), 0.3)) for rows in (REAL, HELD))
    assert memory["memorised_ratio"].value == pytest.approx(0.3, abs=0.02)
    assert leak["holdout_closer"].value == pytest.approx(0.3, abs=0.02)
    assert leak["holdout_closer"].low > Limits().holdout_closer_block
    assert leak["memorised_ratio"].value < 0.02
    assert memory["holdout_closer"].value < 0.02


def test_healthy_texts_are_no_copies_and_have_their_labels() -> None:
    found = measured(HEALTHY)
    assert found["holdout_leaning"].value == pytest.approx(0.5, abs=0.12)
    assert max(found[name].value for name in ("label_errors", "memorised_ratio")) < 0.02
    swapped = np.where(HEALTHY.labels == "sea", "rail", "sea")
    wrong = np.where(np.arange(120) < 36, swapped, HEALTHY.labels)
    errors = measured(replace(HEALTHY, labels=wrong))["label_errors"]
    assert errors.value == pytest.approx(0.3, abs=0.02)


def test_long_texts_are_compared_by_fewer_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = of(shouted(REAL), REAL.labels)
    assert measured(copied)["memorised_ratio"].low == values.of_share(np.ones(120, np.bool_))[1]
    monkeypatch.setattr(text_neighbours, "CELLS", 110 * sum(map(len, REAL.inputs)))
    assert measured(copied)["memorised_ratio"].low == values.of_share(np.ones(110, np.bool_))[1]
    monkeypatch.setattr(text_neighbours, "CELLS", 1)
    assert measured(copied)["memorised_ratio"].low == values.of_share(np.ones(100, np.bool_))[1]


def test_texts_without_labels_have_no_wrong_ones() -> None:
    nothing = np.full(120, "")
    asked = request(replace(HEALTHY, labels=nothing), replace(REAL, labels=nothing))
    found = TextNeighbours().measure(asked, NoSettings())["accepted"]
    assert set(found) == {"memorised_ratio", "holdout_leaning", "holdout_closer"}
    assert set(TextNeighbours().not_applicable(asked)) == {"label_errors"}
    assert TextNeighbours().not_applicable(request(HEALTHY)) == {}


def test_equal_texts_are_at_no_distance_and_strangers_at_the_greatest() -> None:
    points = text_likeness.points(np.asarray(["A café open", "a CAFE open", "日本語", ""]))
    apart, _ = text_likeness.nearest(points, points, 4)
    assert apart[0, :2].tolist() == pytest.approx([0, 0], abs=1e-4)
    assert apart[2].tolist() == pytest.approx([0, 2**0.5, 2**0.5, 2**0.5])
