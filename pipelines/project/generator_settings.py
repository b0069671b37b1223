"""Settings of a first round's generator that suit the data: how many candidates, how it learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from pipelines.features import images
from pipelines.generators.diffusion.settings import DiffusionFit

LABEL: Final = "label"
IMAGE: Final = "image"
SHARE: Final = 0.5
"""Candidates for each real training row: real rows stay two thirds of the next mix."""
LEAST: Final = 40
MOST: Final = 600
MOST_ASKED: Final = 40
"""Candidates that a language model is asked for: on a processor each takes seconds."""
PER_CLASS: Final = 5
TOKEN: Final = 2.5
"""Characters that a token has at least, of languages with an alphabet."""
WIDE_TOKEN: Final = 0.8
"""The same, of scripts in which a word is a character or two."""
WIDE: Final = 0.3
"""Share of letters of such scripts from which a text is counted so."""
LONGEST: Final = 2000
"""Characters of a text that a model is let to write."""
USUAL: Final = 0.95
"""Quantile of the lengths of real texts that a model is let to write."""
STEPS: Final = (200, 1200)
"""Steps of training on greyscale, at least and at most."""
COLOUR_STEPS: Final = 3000
"""Steps of training in colour, at least: after a third of them, candidates lie near hardly a real
image (docs/images.md)."""
COLOUR_SAMPLING: Final[Mapping[str, float]] = {"eta": 1.0}
GUIDED: Final[Mapping[str, float]] = {"guidance": 1.5}
"""How images in colour are sampled from so short a training: with fresh noise and, where there are
labels, a step further towards the label than the network goes."""
SAMPLING_COMMENTS: Final[Mapping[str, str]] = {
    "eta": "fresh noise in each step mends what earlier steps missed",
    "guidance": "above 1 classes are told apart better, and vary less within",
}


@dataclass(frozen=True, slots=True)
class Suited:
    """Sections of params.yaml for a generator."""

    fit: Mapping[str, Any] = field(default_factory=dict)
    generate: Mapping[str, Any] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    """Comments by path of the key, from `fit` or `generate` on."""

    @property
    def candidates(self) -> int:
        """How many candidates are asked for."""
        return int(self.generate["candidates"])


def suited(generator: str, train: pl.DataFrame, identity: tuple[str, ...]) -> Suited:
    """Choose settings for a generator by its training rows.

    Args:
        generator: Its reference.
        train: Payload of the training rows.
        identity: Columns that are the content of a sample.
    """
    return OF_GENERATOR.get(generator, _of_any)(train, identity)


def _candidates(train: pl.DataFrame, most: int) -> int:
    """Half as many as there are training rows, and some of each class."""
    classes = train[LABEL].n_unique() if LABEL in train.columns else 1
    wanted = max(LEAST, round(SHARE * len(train)), PER_CLASS * classes)
    return min(wanted, max(most, PER_CLASS * classes))


def _of_any(train: pl.DataFrame, identity: tuple[str, ...]) -> Suited:  # noqa: ARG001  of all
    return Suited({}, {"candidates": _candidates(train, MOST)})


def _of_diffusion(train: pl.DataFrame, identity: tuple[str, ...]) -> Suited:  # noqa: ARG001  of all
    """Train small data for as many steps as larger data, but not for longer than is of use."""
    shape = images.decode(train[IMAGE][:1]).shape[1:]
    default = DiffusionFit().suited(shape)
    scale = (default.reference_rows / max(len(train), 1)) ** 0.5
    in_colour = len(shape) > 2  # noqa: PLR2004  height and width
    if in_colour:
        steps = max(default.steps, round(COLOUR_STEPS * scale))
    else:
        steps = round(min(max(default.steps, STEPS[0] / scale), STEPS[1]) * max(scale, 1.0))
    fit = {"diffusion": {"steps": steps}} if steps != default.steps else {}
    made = f"on {len(train):,} rows {round(steps / scale):,} steps are made"
    comments = {"fit.diffusion.steps": made} if fit else {}
    generate: dict[str, Any] = {"candidates": _candidates(train, MOST)}
    if in_colour:
        sampling = {**COLOUR_SAMPLING, **(GUIDED if LABEL in train.columns else {})}
        generate["diffusion"] = sampling
        comments |= {f"generate.diffusion.{name}": SAMPLING_COMMENTS[name] for name in sampling}
    return Suited(fit, generate, comments)


def _of_text(train: pl.DataFrame, identity: tuple[str, ...]) -> Suited:
    """Let the local model write texts as long as real ones are."""
    lengths = [train[name].str.len_chars().quantile(USUAL) or 0 for name in identity]
    longest = int(min(max(20, *(float(length) for length in lengths)), LONGEST))
    wide = any(is_wide(train[name]) for name in identity)
    tokens = int(longest * len(identity) / (WIDE_TOKEN if wide else TOKEN)) + 32
    own = {
        "service": {"model": "local", "temperature": 0.9, "top_p": 0.95, "max_tokens": tokens},
        "shots": 5,
        "max_chars": longest,
    }
    comments = {
        "generate.text.service.model": "or a model of any OpenAI-compatible service (docs/text.md)",
        "generate.text.max_chars": f"{100 * USUAL:g} % of real texts are no longer",
    }
    return Suited({}, {"candidates": _candidates(train, MOST_ASKED), "text": own}, comments)


def is_wide(texts: pl.Series) -> bool:
    """Whether most letters of texts are of a script without spaces between words."""
    joined = texts.drop_nulls().head(200)
    wide = int(joined.str.count_matches(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]").sum())
    return wide > WIDE * int(joined.str.count_matches(r"\p{L}").sum())


OF_GENERATOR: Final[Mapping[str, Callable[[pl.DataFrame, tuple[str, ...]], Suited]]] = {
    "diffusion": _of_diffusion,
    "text": _of_text,
}
