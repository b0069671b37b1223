"""Scorers that suit real rows: those of the modality, and what labels and language call for.

And settings of scorers and of `evaluate` that suit very many of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from pipelines.common.errors import LibraryError
from pipelines.modalities import Modality
from pipelines.project import detection, generator_settings
from pipelines.scorers import registry
from pipelines.scorers.protocol import Given, columns_read

LABEL: Final = "label"
AGREEMENT: Final[Mapping[str, str]] = {"text": "text_agreement", "table": "table_agreement"}
"""The scorer, by modality, that needs labels and is asked for where there are some."""
IMAGES: Final[Mapping[str, tuple[str, Any]]] = {
    "agreement": ("sample", True),
    "distance": ("search", "forest"),
}
"""Scorers that take time as the square of the rows, unless this setting has this value."""
MANY_IMAGES: Final = 2_048
"""Training rows beyond which it has."""
MEASURED: Final = 20_000
"""Rows that figures of a round are measured on, of more than so many."""
SHORT_TEXT: Final = 60
"""Words of a text up to which short runs of words are compared with held-out texts."""
NGRAM: Final = 5
"""Length of such a run."""
CHARACTERS: Final = 2
"""Characters of a word in scripts without spaces between words, where the scorer counts each."""
MEANING: Final = "text_meaning"
LANGUAGE: Final = "language"
SHAPE: Final = "text_shape"
"""The scorer that tells texts which end at the greatest length."""
ENGLISH: Final = 0.8
"""Share of the texts in English from which they are compared by meaning: of other languages the
model says little."""
LOOKED_AT: Final = 100
"""Rows whose language and length are looked at."""


def suited(
    modality: Modality, train: pl.DataFrame
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Choose scorers.

    Args:
        modality: What the rows are.
        train: row and payload of the training rows.

    Returns:
        Settings by scorer; and why others that suit the modality are left out, by name.
    """
    wanted = {name: dict(given) for name, given in modality.scorers.items()}
    shown = modality.shown(train.head(LOOKED_AT).with_columns(pl.lit(0).alias("round")))
    if len(train) > MANY_IMAGES:
        wanted |= _of_many(wanted)
    if LABEL in train.columns and modality.name in AGREEMENT:
        wanted = {AGREEMENT[modality.name]: {}, **wanted}
    if modality.name == detection.TEXT:
        if "text_overlap" in wanted and (ngram := _run(shown["text"])) is not None:
            wanted["text_overlap"] = {"ngram": ngram}
        if _is_english(shown):
            wanted[MEANING] = {}
    left_out: dict[str, str] = {}
    for name in list(wanted):
        read_columns = columns_read(registry.load(name), registry.settings(name, wanted[name]))
        missing = [column for column in read_columns if column not in shown.columns]
        if missing:
            left_out[name] = f"it reads {', '.join(missing)}, which this data has not"
            wanted.pop(name)
    return wanted, left_out


def _of_many(scorers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give scorers of images the settings with which they score very many."""
    return {
        name: {**scorers[name], setting: value}
        for name, (setting, value) in IMAGES.items()
        if name in scorers
    }


def suited_evaluation(modality: Modality, train: pl.DataFrame, candidates: int) -> dict[str, Any]:
    """Choose settings of `evaluate`: figures and models of very many rows are of a sample.

    Args:
        modality: What the rows are.
        train: row and payload of the training rows.
        candidates: Of a round.
    """
    most, wanted = max(len(train), candidates), dict[str, Any]()
    if most > MEASURED:
        wanted["sample"] = MEASURED
    if most > MANY_IMAGES and modality.name == detection.IMAGE and LABEL in train.columns:
        wanted["task_settings"] = {"sample": True}
    return wanted


def with_limit(
    scorers: Mapping[str, Mapping[str, Any]], generate: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Tell the scorer of shapes at which length the generator of texts cuts them.

    Args:
        scorers: Settings by name.
        generate: The section `generate` of the data set.
    """
    told = {name: dict(given) for name, given in scorers.items()}
    limit = generate.get(detection.TEXT, {}).get("max_chars")
    if limit is not None and SHAPE in told:
        told[SHAPE]["max_chars"] = limit
    return told


def _run(texts: pl.Series) -> int | None:
    """Length of the runs of words by which short texts are compared with held-out ones."""
    wide = generator_settings.is_wide(texts)
    words = texts.str.len_chars() / CHARACTERS if wide else texts.str.count_matches(r"\S+")
    usual = words.median()
    if not isinstance(usual, int | float) or usual >= SHORT_TEXT:
        return None
    return NGRAM * CHARACTERS if wide else NGRAM


def _is_english(shown: pl.DataFrame) -> bool:
    """Whether most texts are in English, as far as the scorer of languages can tell."""
    try:
        found = registry.load(LANGUAGE).score(shown, Given(shown), registry.settings(LANGUAGE, {}))
    except LibraryError:
        return False
    return (found["language"] == "en").sum() >= ENGLISH * len(found)
