"""Texts with a label of fact and one of judgement: what is reviewed, and how it is found.

The texts are sentences of reviews of goods and of films, each with 15 or 20 people's ratings from
−4 to 4 (Hutto and Gilbert 2014, ICWSM), which the source package of `vaderSentiment` holds.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from experiments import packages
from experiments.packages import Package

PACKAGE: Final = Package(
    registry="PyPI",
    name="vaderSentiment",
    version="3.3.2",
    licence="MIT",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
)
ARCHIVE: Final = "additional_resources/hutto_ICWSM_2014.tar.gz"
SOURCES: Final = ("amazonReviewSnippets", "movieReviewSnippets")
"""Reviews of goods and of films."""
WORDS: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[.,;:!?()]")
FEWEST: Final = 3
"""Words of a text, at least."""
UNANIMOUS: Final = 0.9
"""Share of raters on one side from which on they agree."""
LABELS: Final = ("fact", "judgement")
Text = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Texts as words, [n], with both labels."""

    words: tuple[Text, ...]
    labels: dict[str, NDArray[np.int64]]
    """By name of the label, [n]: 1 where a film is reviewed, and 1 where it is liked."""
    agreed: NDArray[np.bool_]
    """Whether raters agree which side a text is on, [n]."""

    def at(self, rows: NDArray[np.int64]) -> Texts:
        """Select texts."""
        labels = {name: values[rows] for name, values in self.labels.items()}
        return Texts(tuple(self.words[row] for row in rows), labels, self.agreed[rows])

    def of(self, label: str, value: int) -> list[Text]:
        """Select the words of texts that have a label."""
        return [self.words[row] for row in np.flatnonzero(self.labels[label] == value)]


@cache
def load() -> Texts:
    """Load all texts on which the mean rating takes a side."""
    content = packages.read(PACKAGE, lambda name: name == ARCHIVE)[ARCHIVE]
    words: list[Text] = []
    rows: list[tuple[int, int, bool]] = []
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for film, source in enumerate(SOURCES):
            ratings = {
                at: json.loads(last) for at, *_, last in _lines(archive, source, "anonDataRatings")
            }
            for at, mean, text in _lines(archive, source, "GroundTruth"):
                found = tuple(WORDS.findall(text.lower()))
                if float(mean) and len(found) >= FEWEST:
                    same = np.sign(ratings[at]) == np.sign(float(mean))
                    words.append(found)
                    rows.append((film, int(float(mean) > 0), bool(same.mean() >= UNANIMOUS)))
    film, liked, agreed = np.asarray(rows, dtype=np.int64).T
    return Texts(tuple(words), dict(zip(LABELS, (film, liked), strict=True)), agreed == 1)


def split(train: int, test: int, draw: Generator) -> tuple[Texts, Texts]:
    """Draw texts that train and others that test, as many of each pair of labels.

    Args:
        train: texts of each pair of labels that train.
        test: texts of each that test.
        draw: source of chance.
    """
    every = load()
    fact, judgement = (every.labels[name] for name in LABELS)
    cells = [
        draw.permutation(np.flatnonzero((fact == first) & (judgement == second)))
        for first in (0, 1)
        for second in (0, 1)
    ]
    learnt = np.concatenate([cell[:train] for cell in cells])
    return every.at(learnt), every.at(
        np.concatenate([cell[train : train + test] for cell in cells])
    )


def _lines(archive: tarfile.TarFile, source: str, kind: str) -> list[list[str]]:
    """Read a table of a source: number, mean rating, and what the kind of table has besides."""
    file = archive.extractfile(f"hutto_ICWSM_2014/{source}_{kind}.txt")
    assert file is not None  # noqa: S101  the archive has the digest that was measured on
    lines = file.read().decode("utf-8-sig").splitlines()
    return [line.split("\t") for line in lines if line.strip()]
