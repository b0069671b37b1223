"""Questions and answers by topic: the English part of the package `chatterbot-corpus`.

A conversation of several turns gives a pair for each turn and the one after it. Topics with fewer
than `MIN_ROWS` pairs are left out, since no classifier learns them, and so are texts of more than
`MAX_LETTERS`, which are listings of programs. A pair that comes again counts once.

Source: G. Cox and others, chatterbot-corpus (https://github.com/gunthercox/chatterbot-corpus),
BSD-3-Clause.
"""

from __future__ import annotations

from importlib import resources
from itertools import pairwise
from typing import Final

import polars as pl
import yaml

from pipelines.common.errors import LibraryError
from pipelines.sources.function_source import of_function

SOURCE = "chatterbot-corpus/english"
LICENCE = "BSD-3-Clause"

MIN_ROWS: Final = 30
MAX_LETTERS: Final = 300


def load() -> pl.DataFrame:
    """Return all pairs: prompt, completion, label (the topic), each a string.

    Raises:
        LibraryError: the package is not installed.
    """
    try:
        folder = resources.files("chatterbot_corpus") / "data" / "english"
    except ModuleNotFoundError as error:
        raise LibraryError(
            "the dialogues need the package chatterbot-corpus, which is not installed; "
            "run `pip install 'stemma[text]'`"
        ) from error
    rows = [
        (question, answer, place.name.removesuffix(".yml"))
        for place in sorted(folder.iterdir(), key=lambda each: each.name)
        if place.name.endswith(".yml")
        for talk in yaml.safe_load(place.read_text(encoding="utf-8"))["conversations"]
        if not isinstance(talk, str)  # one entry is no conversation
        for question, answer in pairwise(talk)
    ]
    named = pl.DataFrame(
        [[str(part).strip() for part in row] for row in rows],
        schema=dict.fromkeys(("prompt", "completion", "label"), pl.String),
        orient="row",
    )
    short = pl.all_horizontal(pl.col("prompt", "completion").str.len_chars() <= MAX_LETTERS)
    distinct = named.filter(short).unique(
        ["prompt", "completion"], keep="first", maintain_order=True
    )
    return distinct.filter(pl.len().over("label") >= MIN_ROWS)


Dialogue: Final = of_function(
    load, called="dialogue", release="dialogue/1", made_from=SOURCE, terms=LICENCE
)
