"""Crafted rounds of texts: questions and answers by topic, with edits as people and programs make.

The dialogues are those of `pipelines.sources.dialogue`. The generators of texts that ask a model
take too long for many rounds, so `augment` and withheld real dialogues alone stand for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.crafted.added import stages
from benchmarks.crafted.added.craft import Craft, Numbers, Strong
from benchmarks.crafted.added.kinds import other_labels
from benchmarks.crafted.added.world import LABEL, AddedWorld
from benchmarks.crafted.shipped import Shipped
from pipelines.features import embedding, text_classifier
from pipelines.project.detection import Choice
from pipelines.sources import dialogue

COLUMNS: Final = ("prompt", "completion")
DROPPED: Final = 0.2
REPLACED: Final = 0.25
TRIES: Final = 6
"""Words that are put before a text, at most, to fool the judge."""
MARKS: Final = re.compile(r"[^\w\s]")
Edit = Callable[[list[str]], list[str]]


def load(seed: int) -> pl.DataFrame:  # noqa: ARG001  the same texts for each seed
    """Load the dialogues."""
    return _all()


@cache
def _all() -> pl.DataFrame:
    return dialogue.load()


def joined(rows: pl.DataFrame) -> NDArray[Any]:
    """Texts as scorers see them, [n]."""
    texts = rows.select(pl.concat_str(COLUMNS, separator="\n")).to_series()
    return np.asarray(texts.to_list(), dtype=object)


def _points(rows: pl.DataFrame, real: pl.DataFrame) -> Numbers:
    return embedding.fit(joined(real))(joined(rows)).astype(np.float64)


def _edited(rows: pl.DataFrame, edit: Edit) -> pl.DataFrame:
    """Edit the words of both columns; a text of which nothing is left stays."""
    return rows.with_columns(
        pl.Series(name, [" ".join(edit(text.split())) or text for text in rows[name]])
        for name in COLUMNS
    )


def _dropped(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    share: float,
    draw: Generator,
) -> pl.DataFrame:
    """Drop words, each by this chance."""
    return _edited(rows, lambda words: [word for word in words if draw.random() >= share])


def _drop(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    return _dropped(world, rows, DROPPED, draw)


def _replace(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    """Put words of other dialogues in place of some."""
    pool = " ".join(joined(world.real)).split()

    def edit(words: list[str]) -> list[str]:
        return [pool[draw.integers(len(pool))] if draw.random() < REPLACED else w for w in words]

    return _edited(rows, edit)


def _recase(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    return _plain(world, rows, 1.0, draw)


def _plain(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    share: float,
    draw: Generator,
) -> pl.DataFrame:
    """Write so large a share of the rows in small letters and without marks."""
    picked = (draw.random(len(rows)) < share).tolist()

    def of(name: str) -> Iterator[str]:
        for text, plain in zip(rows[name], picked, strict=True):
            yield (MARKS.sub("", text.lower()).strip() or text) if plain else text

    return rows.with_columns(pl.Series(name, list(of(name))) for name in COLUMNS)


def _vary(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    draw: Generator,
) -> pl.DataFrame:
    """Move a word of each text to another place."""

    def edit(words: list[str]) -> list[str]:
        moved = list(words)
        moved.insert(int(draw.integers(len(moved))), moved.pop(int(draw.integers(len(moved)))))
        return moved

    return _edited(rows, edit)


def _blend(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    others: pl.DataFrame,
    draw: Generator,  # noqa: ARG001
) -> pl.DataFrame:
    """Take the first half of the words of a text, and the second half of another."""

    def halves(name: str) -> Iterator[str]:
        for text, other in zip(rows[name], others[name], strict=True):
            first, second = text.split(), other.split()
            yield " ".join([*first[: -(-len(first) // 2)], *second[len(second) // 2 :]])

    return rows.with_columns(pl.Series(name, list(halves(name))) for name in COLUMNS)


def _prototype(world: AddedWorld, rows: pl.DataFrame) -> pl.DataFrame:
    """Take the text in the middle of its class."""
    points = world.points(rows)
    return rows[int((points @ points.mean(axis=0)).argmax())]


def _fool(world: AddedWorld, rows: pl.DataFrame, draw: Generator) -> pl.DataFrame:
    """Put words of another topic before a text, until the judge sees that topic."""
    real = world.real
    judge = text_classifier.train(joined(real), real[LABEL].to_numpy())
    wanted = other_labels(world, rows, draw)
    pools = {
        label: " ".join(joined(real.filter(pl.col(LABEL) == label))).split()
        for label in wanted.unique()
    }
    made, fooled = rows, np.zeros(len(rows), dtype=bool)
    for _ in range(TRIES):
        longer = [
            text if done else f"{pools[label][draw.integers(len(pools[label]))]} {text}"
            for text, label, done in zip(made["prompt"], wanted, fooled, strict=True)
        ]
        made = made.with_columns(pl.Series("prompt", longer))
        fooled = judge.labels(joined(made)) == wanted.to_numpy()
    return made.with_columns(wanted).filter(fooled)


def _loosen(
    world: AddedWorld,  # noqa: ARG001  as the others
    rows: pl.DataFrame,
    draw: Generator,
) -> pl.DataFrame:
    """Give questions the answers of others, of any topic."""
    return rows.with_columns(rows["completion"][draw.permutation(len(rows))])


def _bayes(rows: pl.DataFrame, labels: NDArray[Any], seed: int) -> Callable[[pl.DataFrame], Any]:  # noqa: ARG001
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415  slow to import
    from sklearn.naive_bayes import ComplementNB  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    model = make_pipeline(CountVectorizer(strip_accents="unicode"), ComplementNB())
    model.fit(joined(rows), labels)
    return lambda test: model.predict(joined(test))


def _forest(rows: pl.DataFrame, labels: NDArray[Any], seed: int) -> Callable[[pl.DataFrame], Any]:
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415  slow to import
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    trees = ExtraTreesClassifier(80, random_state=seed, n_jobs=1)
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), trees)
    model.fit(joined(rows), labels)
    return lambda test: model.predict(joined(test))


CRAFT: Final = Craft(
    name="texts",
    choice=Choice(modality="text", label=LABEL, columns=COLUMNS, keep=()),
    load=load,
    points=_points,
    vary=_vary,
    copies={"words dropped": _drop, "words replaced": _replace, "case": _recase},
    noise=Strong(_dropped, (0.02, 0.05, 0.1), "share of the words that are dropped"),
    styles={"small letters": Strong(_plain, (0.3, 0.6, 1.0), "share of the texts")},
    shipped={
        "augment": Shipped(
            "augment",
            (0.1, 0.3, 0.5),
            "chance of a word to be dropped",
            generate=("text", "word_dropout"),
        )
    },
    blend=_blend,
    prototype=_prototype,
    fool=_fool,
    loosen=_loosen,
    families={"bayes": _bayes, "forest": _forest},
    agreeing=True,
)
BENCH: Final = stages.of_craft(CRAFT)
