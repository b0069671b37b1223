"""How long is a text, is it cut off, is it a refusal, and did something of the prompt stay in it?

A generator that is given a greatest length ends texts there, amid a sentence, and no service says
so of a length that a JSON schema sets (`finish_reason` is "stop"). What shows it is a text of
exactly this length.

Refusals and leftovers are found by patterns, each with a name that says what it finds. They are
plain on purpose: whoever reads a verdict can see which words made it, and none of them is found in
the real dialogues (a test holds that). They are written for English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl
from pydantic import Field

from expectations import scripts
from pipelines.scorers import digests
from pipelines.scorers.columns import OCCURRENCE
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given
from pipelines.scorers.text_scorer import TextScorer, TextSettings, cut

COLUMNS: Final = {
    "text_chars": pl.Int64,
    "text_words": pl.Int64,
    "refusal": pl.Boolean,
    "leftover": pl.Boolean,
    "text_at_limit": pl.Boolean,
}

_ACT: Final = (
    r"(?:help|assist|fulfil|fulfill|comply|provide|create|generate|produce|write|answer|engage|"
    r"continue|discuss|share|support)"
)
REFUSALS: Final[Mapping[str, str]] = {
    "speaks as a model": r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)"
    r"(?: language)?(?: model| assistant)?\s*(?:,|\bi\b)",
    "is sorry that it cannot": r"\b(?:i'm|i am|we're|we are) (?:very |so |really )?sorry,? "
    rf"(?:but )?(?:i|we) (?:can't|cannot|can not|won't|am (?:un|not )able to) (?:do|{_ACT})\b",
    "cannot do what is asked": r"\bi (?:can't|cannot|can not|won't|will not|am unable to|am not "
    rf"able to|'m unable to) {_ACT}\b[^.?!]{{0,40}}\b(?:that|this|with|request|content|you)\b",
    "is not able to": rf"\bi(?:'m| am) (?:unable|not able|not allowed|not programmed) to {_ACT}\b",
    "breaks guidelines": r"\b(?:violates?|against|goes against) (?:my|our|the|openai's) "
    r"(?:content |usage |safety )?(?:policy|policies|guidelines)\b",
}
"""Without regard to case."""
LEFTOVERS: Final[Mapping[str, str]] = {
    "placeholder of a template": r"(?i)\{\{?\s*(?:topic|label|style|length|prompt|completion|"
    r"question|answer|text|name|examples?|input|output)\s*\}?\}",
    "blank to fill in": r"\[(?:insert|your|name|topic|placeholder|fill in|INSERT|YOUR|Your|"
    r"Insert)\b[^\]\n]{0,40}\]",
    "name of a turn": r"(?mi)^\s*(?:\*\*|#+ )?(?:question|answer|q|a|user|assistant|human|system|"
    r"prompt|completion|topic|label|instruction|response|input|output)(?:\*\*)?\s*:",
    "control token": r"(?i)\[/?INST\]|<\|[^|\n]{1,40}\|>|</?s>|<(?:bos|eos|pad|unk|unused\d+)>|"
    r"<(?:start|end)_of_turn>|<<SYS>>",
    "an example's JSON": r'(?i)["{,]\s*"?(?:prompt|completion|text|label)"\s*:',
    "what separates examples": r"(?m)^\s*(?:-{3,}|={3,}|#{3,})\s*$",
    "speaks of the task": r"(?i)\bhere(?:'s| is| are) (?:a|an|one|the|your) (?:new |possible )?"
    r"(?:pair|example|question[- ]and[- ]answer)\b",
}
FENCE: Final = "```"
"""An odd number of these is a leftover too: one of them was never closed."""
CODE: Final = r"(?s)```.*?```"
"""Code between fences; what looks like a placeholder there is none."""
WRAPPED: Final = r"(?i)```json|^\s*```\s*\{"
"""JSON between fences: the answer was wrapped once more."""


class TextShapeSettings(TextSettings):
    """Which column is the text, and where texts are cut off."""

    max_chars: int | None = Field(None, gt=0)
    """Characters at which the generator ends a text, as its own `max_chars`; None: it does not."""


class TextShape(TextScorer[TextShapeSettings]):
    """Length of texts, where they are cut, refusals, and leftovers of the prompt."""

    name = "text_shape"
    version = "text_shape/3"
    Settings = TextShapeSettings
    reads_content = True
    columns = COLUMNS
    libraries = ("polars",)
    """The one whose patterns these are."""

    def expected(self, settings: TextShapeSettings) -> tuple[Expected, ...]:
        """Expect a usual length, no refusal, no cut, and nothing that a prompt has left."""
        low, high = Quantile(0.005, 0.5), Quantile(0.995, 1.5)
        whole = Expected("not_cut_off", "text_at_limit", values=(False,))
        return (
            Expected("of_usual_length", "text_chars", low=low, high=high),
            Expected("no_refusal", "refusal", values=(False,)),
            Expected("no_leftover", "leftover", values=(False,)),
            *(() if settings.max_chars is None else (whole,)),
        )

    def model_digest(self, given: Given, settings: TextShapeSettings) -> str:
        """Digest the libraries, and how the real texts are cut into words."""
        libraries = digests.installed(*self.libraries)
        return digests.of_values(libraries=libraries, **cut(given.real[settings.text]))

    def score(
        self,
        candidates: pl.DataFrame,
        given: Given,
        settings: TextShapeSettings,
    ) -> pl.DataFrame:
        """Measure each text.

        Args:
            candidates: round, row, text, and the columns that are the content.
            given: names of these columns.
            settings: name of the column, and the length at which texts are cut.

        Returns:
            round, row, text_chars, text_words (runs without white space; where a script has no
            spaces between words, its characters), refusal, leftover, text_at_limit (whether a
            column of the content has exactly max_chars characters; null without this setting);
            null where there is no text.
        """
        text = pl.col(settings.text)
        values = {
            "text_chars": text.str.len_chars(),
            "text_words": text.str.count_matches(scripts.TOKENS),
            "refusal": _any(plain(text), {name: f"(?i){each}" for name, each in REFUSALS.items()}),
            "leftover": _any(plain(text).str.replace_all(CODE, ""), LEFTOVERS)
            | text.str.contains(WRAPPED)
            | (text.str.count_matches(FENCE, literal=True) % 2 == 1),
            "text_at_limit": pl.when(text.is_not_null()).then(
                _at_limit(candidates, given, settings)
            ),
        }
        return candidates.select(
            *(pl.col(name).cast(kind) for name, kind in OCCURRENCE.items()),
            *(values[name].cast(kind).alias(name) for name, kind in COLUMNS.items()),
        )

    def score_real(self, given: Given, settings: TextShapeSettings) -> pl.DataFrame:
        """Measure each real text."""
        return self.score(given.real, given, settings)


def _at_limit(candidates: pl.DataFrame, given: Given, settings: TextShapeSettings) -> pl.Expr:
    """Whether a column of the content has the length at which texts are cut; null without one."""
    if settings.max_chars is None:
        return pl.lit(None, pl.Boolean)
    content = [name for name in given.content if candidates.schema.get(name) == pl.String]
    lengths = (pl.col(name).str.len_chars() for name in content or [settings.text])
    return pl.any_horizontal(length.eq_missing(settings.max_chars) for length in lengths)


def plain(text: pl.Expr) -> pl.Expr:
    """The text with straight apostrophes, as the patterns have them."""
    return text.str.replace_all("\u2019", "'", literal=True)


def _any(text: pl.Expr, patterns: Mapping[str, str]) -> pl.Expr:
    return pl.any_horizontal(text.str.contains(pattern) for pattern in patterns.values())
