"""A small language model of dialogues: each word follows the one before it, as it did in the mix.

A successor is drawn among those that the word has in dialogues of the topic, or, with a small
chance, in those of any topic. It is maximum likelihood of a bigram, mixed over two sets of rows, so
that what it cannot say any more it never says again; it learns in milliseconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from lake import files
from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import StrictModel
from pipelines.common.shards import Shard
from pipelines.generators import model_folder
from pipelines.generators.protocol import (
    GenerateBatch,
    GeneratePlan,
    GenerateReport,
    GenerateRequest,
    Generator,
)

FILE: Final = "dialogues.parquet"
COLUMNS: Final = ("prompt", "completion")
START, TURN, END = "\x02", "\x1f", "\x03"
"""Marks that stand before a dialogue, between its two texts, and behind it."""
MOST: Final = 60
"""Words of a dialogue at most; a longer one is cut."""
TRIES: Final = 50
"""Dialogues that are drawn for a row until one has words on both sides."""
Successors = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chains:
    """What follows each word, as often as it does, in dialogues of each topic and of all."""

    topics: tuple[str, ...]
    """Topic of each row of the mix: one that is drawn has the chance of its share."""
    own: Mapping[str, Successors]
    everyone: Successors


class ChainsGenerate(StrictModel):
    """How dialogues are drawn."""

    any_topic: float = 0.1
    """Chance that a word is drawn from dialogues of any topic."""


class WordChains(Generator[NoSettings, ChainsGenerate]):
    """Dialogues of a topic each, word by word."""

    name = "word_chains"
    version = "word_chains/1"
    FitSettings = NoSettings
    GenerateSettings = ChainsGenerate
    attribution = "mix/1"
    modalities = ("text",)

    def fit(self, samples: pl.DataFrame, settings: NoSettings, seed: int, directory: Path) -> None:  # noqa: ARG002  nothing is drawn
        """Keep the dialogues; pairs of words are counted when they are needed.

        Raises:
            GeneratorError: rows have weights; the chains count each row once.
        """
        if samples["weight"].n_unique() > 1:
            raise GeneratorError(
                "word chains count every row once; leave fit.real_weight at 1, or take another "
                "generator"
            )
        directory.mkdir(parents=True, exist_ok=True)
        samples.sort("round", "row").select(*COLUMNS, "label").write_parquet(directory / FILE)
        about = {"kind": self.version, "rows": len(samples)}
        files.write_json(directory / model_folder.MANIFEST, about)

    def plan(self, request: GenerateRequest[ChainsGenerate]) -> GeneratePlan[ChainsGenerate]:
        """Count what follows each word."""
        mix = pl.read_parquet(request.directory / FILE)
        return GeneratePlan(request, request.shards(), chains(mix))

    def generate(self, plan: GeneratePlan[ChainsGenerate], shard: Shard) -> Iterator[GenerateBatch]:
        """Draw the dialogues of a shard; one without words on both sides is drawn again."""
        draw = np.random.default_rng(shard.seed)
        known: Chains = plan.content
        chance = plan.request.settings.any_topic
        rows = [(row, *dialogue(known, chance, draw)) for row in shard.rows]
        schema = {"row": pl.Int64, **dict.fromkeys((*COLUMNS, "label"), pl.String)}
        made = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
            pl.lit(shard.seed, pl.Int64).alias("seed"),
            pl.lit(shard.index, pl.Int32).alias("shard"),
        )
        ids = sample_ids(made, plan.request.identity).alias("sample_id")
        yield GenerateBatch(made.with_columns(ids))

    def report(self, plan: GeneratePlan[ChainsGenerate]) -> GenerateReport:  # noqa: ARG002  none needs it
        """Say which library drew."""
        return GenerateReport({"numpy": np.__version__})


def chains(mix: pl.DataFrame) -> Chains:
    """Count what follows each word of a mix: prompt, completion, label."""
    topics = tuple(mix["label"].to_list())
    own = {topic: successors(mix.filter(pl.col("label") == topic)) for topic in sorted(set(topics))}
    return Chains(topics, own, successors(mix))


def successors(rows: pl.DataFrame) -> Successors:
    """List what follows each word, as often as it does."""
    found: dict[str, list[str]] = defaultdict(list)
    for prompt, completion in rows.select(COLUMNS).iter_rows():
        words = [START, *prompt.split(), TURN, *completion.split(), END]
        for word, following in pairwise(words):
            found[word].append(following)
    return dict(found)


def dialogue(known: Chains, chance: float, draw: np.random.Generator) -> tuple[str, str, str]:
    """Draw a topic, and a dialogue of it with words on both sides.

    Raises:
        GeneratorError: none came; the mix holds none either.
    """
    topic = known.topics[int(draw.integers(len(known.topics)))]
    for _ in range(TRIES):
        words: list[str] = []
        word = START
        while len(words) < MOST:
            among = known.own[topic].get(word)
            if among is None or draw.random() < chance:
                among = known.everyone[word]
            word = among[int(draw.integers(len(among)))]
            if word == END:
                break
            words.append(word)
        prompt, completion = _parted(words)
        if prompt and completion:
            return prompt, completion, topic
    raise GeneratorError(
        f"{TRIES} dialogues about {topic} had no words on one side; look at the mix"
    )


def _parted(words: Sequence[str]) -> tuple[str, str]:
    """Join the words before the first turn, and those behind it."""
    at = words.index(TURN) if TURN in words else len(words)
    behind = [word for word in words[at + 1 :] if word != TURN]
    return " ".join(words[:at]), " ".join(behind)
