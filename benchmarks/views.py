"""Test-time views against the plain classifier, on digits: a table for docs/generators.md.

Chai et al. 2021 (arXiv 2104.14551) average what a classifier says of a test image and of its views.
Here the task `view_labels` does so with views of two kinds, trained on all real training rows and
on few of each class, and is compared with `image_labels` on the same held-out rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from pipelines.features import images
from pipelines.metrics import Labelled
from pipelines.metrics.downstream import Answers
from pipelines.metrics.view_task import ViewLabels, ViewSettings
from pipelines.sources.registry import SOURCES

HELD_OUT: Final = 477
FEW: Final = (50, 200, 1080)
"""Training rows."""
DRAWS: Final = 3
"""Training sets of each size but the whole."""
TASK: Final = ViewLabels()
SETTINGS: Final = {
    "the image alone": ViewSettings(views=0),
    "edits, half": ViewSettings(),
    "edits, views alone": ViewSettings(own_weight=0.0),
    "neighbours, half": ViewSettings(kind="neighbours"),
}


def rows(count: int, seed: int) -> Iterator[Labelled]:
    """Draw training rows, and the held-out ones."""
    frame = SOURCES.load("digits").load(SOURCES.find("digits").Settings())
    vectors, labels = images.vectors(frame["image"]), frame["label"].to_numpy()
    order = np.random.default_rng(0).permutation(len(labels))
    held, train = order[:HELD_OUT], order[HELD_OUT:]
    chosen = np.random.default_rng(seed).permutation(train)[:count]
    for part in (chosen, held):
        yield Labelled(vectors[part], labels[part], shape=(8, 8))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.views", description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="training sets of a size")
    asked = parser.parse_args(arguments)
    print("| training rows | " + " | ".join(SETTINGS) + " |")
    for count in FEW:
        gains: dict[str, list[float]] = {name: [] for name in SETTINGS}
        scores: dict[str, list[float]] = {name: [] for name in SETTINGS}
        for seed in range(asked.draws if count < max(FEW) else 1):
            train, test = rows(count, seed)
            plain = None
            for name, settings in SETTINGS.items():
                said = Answers(test.labels, TASK.train(train, settings)(test))
                plain = plain or said
                scores[name].append(TASK.score(said, 2, seed).value)
                gains[name].append(TASK.gain(said, plain, 2, seed).value)
        cells = [f"{np.mean(scores[name]):.3f} ({np.mean(gains[name]):+.3f})" for name in SETTINGS]
        print(f"| {count:,} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
