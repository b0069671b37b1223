"""Attributes from files: words with weights, which can depend on the word of another attribute.

A file is YAML, a mapping of names; each has words with weights, or, with `given`, such words for
each word of another attribute, which stands before it:

    region:
      words: {north: 3, south: 1}
    profession:
      given: region
      words:
        north: {fisher: 2, teacher: 1}
        south: {farmer: 1}

So a persona has a profession that its region has (as in Ge et al. 2024, "Scaling Synthetic Data
Creation with 1,000,000,000 Personas", arXiv 2406.20094).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeGuard

import numpy as np

from lake import documents, files
from lake.documents import DocumentError
from pipelines.common.errors import GeneratorError
from pipelines.common.plugins import MAX_TEXT_BYTES
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import nearest

KEYS: Final = ("given", "words")
Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Attribute:
    """Words of an attribute with their weights."""

    name: str
    given: str | None
    """The attribute on whose word the weights depend; None: on nothing."""
    words: Mapping[str | None, Weights]
    """Weights by the word of that attribute, or of None."""


def read(paths: Sequence[str]) -> list[Attribute]:
    """Read attributes from files.

    Raises:
        GeneratorError: a file cannot be read, or holds something else; the sentence names it.
    """
    found: dict[str, Attribute] = {}
    for path in paths:
        for name, content in _mapping(path).items():
            where = f"{path}: attribute {name!r}"
            if name in found:
                raise GeneratorError(f"{where} stands twice; give each a name of its own")
            found[name] = _attribute(where, name, content, found)
    return list(found.values())


def draw(attributes: Sequence[Attribute], count: int, *seed: str | int, root: int) -> list[Any]:
    """Draw a word of each attribute for each of `count` rows.

    Each attribute has random numbers of its own, so a further one leaves the words of others.

    Args:
        attributes: in order; one on which another depends stands before it.
        count: rows.
        seed: what the draw is for.
        root: the root seed.

    Returns:
        A word by attribute for each row.
    """
    rows: list[dict[str, str]] = [{} for _ in range(count)]
    for attribute in attributes:
        random = np.random.default_rng(derive_seed(root, *seed, "attribute", attribute.name))
        uniform = random.random(count)
        tables = {key: _table(weights) for key, weights in attribute.words.items()}
        for row, number in zip(rows, uniform, strict=True):
            words, sums = tables[None if attribute.given is None else row[attribute.given]]
            row[attribute.name] = words[int(np.searchsorted(sums, number, side="right"))]
    return rows


def _table(weights: Weights) -> tuple[list[str], Any]:
    """The words, and the sums of their shares; the last is beyond every random number."""
    sums = np.cumsum(list(weights.values()))
    shares = sums / sums[-1]
    shares[-1] = math.inf
    return list(weights), shares


def _mapping(path: str) -> Mapping[str, Any]:
    try:
        content = documents.parse_yaml(files.read_text(Path(path), MAX_TEXT_BYTES))
    except OSError as error:
        raise GeneratorError(
            f"attribute_files: {path} cannot be read ({error.strerror}); give the path of a file"
        ) from error
    except DocumentError as error:
        raise GeneratorError(f"attribute_files: {path} {error}") from error
    if not isinstance(content, dict) or not content:
        raise GeneratorError(f"attribute_files: {path} must be a mapping of attributes")
    return content


def _attribute(
    where: str, name: str, content: object, before: Mapping[str, Attribute]
) -> Attribute:
    if not isinstance(content, dict) or "words" not in content:
        raise GeneratorError(f"{where} has no words; give a mapping of words and weights")
    unknown = next((key for key in content if key not in KEYS), None)
    if unknown is not None:
        raise GeneratorError(f"{where} has the key {unknown!r}{nearest(unknown, KEYS)}")
    given, words = content.get("given"), content["words"]
    if given is None:
        return Attribute(name, None, {None: _weights(where, words)})
    if not isinstance(given, str) or given not in before:
        known = nearest(str(given), before)
        raise GeneratorError(f"{where} depends on {given!r}, which does not stand before it{known}")
    wanted = {word: None for part in before[given].words.values() for word in part}
    missing = [word for word in wanted if not isinstance(words, dict) or word not in words]
    if missing:
        raise GeneratorError(f"{where} has no words for {given} {missing[0]!r}; give some")
    return Attribute(
        name, given, {word: _weights(f"{where}, {given} {word!r}", words[word]) for word in wanted}
    )


def _weights(where: str, words: object) -> Weights:
    """Check words and weights; a list of words has equal ones."""
    if _are_distinct(words):
        words = dict.fromkeys(words, 1)
    if not isinstance(words, dict) or not words:
        raise GeneratorError(f"{where}: give a mapping of words and weights, or a list of words")
    for word, weight in words.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not isinstance(word, str) or not number or not 0 < weight < math.inf:
            raise GeneratorError(
                f"{where}: {word!r} has the weight {weight!r}; a word is a text (put it into "
                "quotes) and its weight a number above 0"
            )
    if not math.isfinite(sum(map(float, words.values()))):
        raise GeneratorError(f"{where}: the weights have no sum; give smaller ones")
    return words


def _are_distinct(words: object) -> TypeGuard[list[str | float]]:
    """Whether words are a list of single values, each once."""
    if not isinstance(words, list) or any(isinstance(each, list | dict) for each in words):
        return False
    return len(words) == len(set(map(str, words)))
