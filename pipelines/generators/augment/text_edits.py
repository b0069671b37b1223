"""Edits of one text: words dropped, and a template around it.

Word dropout is the random deletion of Wei and Zou 2019 ("EDA: Easy Data Augmentation Techniques for
Boosting Performance on Text Classification Tasks", arXiv 1901.11196, section 2), with the
difference that a text of two words or more loses one at least: a copy of its source is of no use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from pipelines.generators.augment.settings import TextEdits

WORD: Final = re.compile(r"\S+\s*")


def edited(
    row: Mapping[str, Any], columns: Sequence[str], edits: TextEdits, draw: np.random.Generator
) -> dict[str, Any]:
    """Edit columns of a row.

    Args:
        row: values by column.
        columns: those of which words are dropped.
        edits: what is done.
        draw: of words and of templates.

    Returns:
        The row; a text that is null stays null.
    """
    dropped = {
        **row,
        **{name: without_words(row[name], edits.word_dropout, draw) for name in columns},
    }
    texts = {name: "" if value is None else str(value) for name, value in dropped.items()}
    written = {}
    for name, templates in edits.templates.items():
        template = templates[int(draw.integers(len(templates)))]
        written[name] = None if dropped[name] is None else template.format_map(texts)
    return {**dropped, **written}


def without_words(text: str | None, share: float, draw: np.random.Generator) -> str | None:
    """Drop each word of a text by chance, but not all.

    Args:
        text: words between white space.
        share: chance of each word; 0 drops none.
        draw: of the words.
    """
    words = WORD.findall(text or "")
    if text is None or not share or len(words) <= 1:
        return text
    kept = draw.random(len(words)) >= share
    if kept.all():
        kept[draw.integers(len(words))] = False
    if not kept.any():
        kept[draw.integers(len(words))] = True
    joined = "".join(word for word, stays in zip(words, kept, strict=True) if stays)
    return joined if text[-1:].isspace() else joined.rstrip()
