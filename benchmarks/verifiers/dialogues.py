"""Questions and answers by topic: refusals, rests of prompts, lengths and topics that are wrong.

The dialogues are those of `pipelines.sources.dialogue`. What is planted is written as language
models write it, and not after the patterns that look for it; rules are those of the suite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.random import Generator

from benchmarks.verifiers.plan import BETWEEN, IN_SET, Planted, RowCase, Seen, batch
from pipelines.scorers.protocol import Given
from pipelines.sources import dialogue

LETTERS: Final = (6, 600)
"""Of a dialogue, as in the suite of the data set."""
LEARNT: Final = 600
"""Dialogues that the classifier learns from, at most."""
REFUSALS: Final = (
    "I'm sorry, but I can't help with that.",
    "As an AI language model, I do not have opinions about {topic}.",
    "I cannot fulfill this request.",
    "I'm unable to provide information about {topic}.",
    "I apologize, but I cannot create content of this kind.",
    "Sorry, I can't assist with that.",
    "I am not able to discuss {topic} with you.",
    "That request goes against my guidelines.",
    "I'm just a language model, so I can't help you with that.",
    "As a large language model, I have no feelings about {topic}.",
)
"""In place of an answer."""
VEILED: Final = (
    "Let us talk about something other than {topic}, please.",
    "No comment on {topic} from me.",
    "That is nothing that I would answer.",
    "{topic} is a subject that I was told to leave alone.",
    "Dabei kann ich leider nicht helfen.",
)
"""Refusals in other words, or in another language."""
LEFTOVERS: Final = (
    "Question: {prompt}\nAnswer: {completion}",
    "{prompt}\n[your answer here]",
    "{prompt}\n{completion}<|endoftext|>",
    '{{"prompt": "{prompt}", "completion": "{completion}"}}',
    "{prompt}\n```\n{completion}",
    "Here is a new question and answer about {topic}:\n{prompt}\n{completion}",
    "{prompt}\n{completion}\n---\n{prompt}",
    "{prompt}\n{{{{ completion }}}}",
    "<start_of_turn>user\n{prompt}<end_of_turn>\n{completion}",
    "### Instruction:\nTalk about {topic}.\n\n### Response:\n{prompt}\n{completion}",
)
"""What is left of a prompt or of a chat's template."""
INSTRUCTIONS: Final = (
    "Write about {topic} in a casual style.\n{prompt}\n{completion}",
    "{prompt}\n{completion}\nLength: one sentence. Style: formal.",
    "{prompt}\n{completion}\nI hope this fits what you asked for!",
    "{prompt}\nANSWER GOES HERE",
)
"""What is left of a prompt, but has no form of its own."""


def make(rows: int, seed: int) -> Planted:
    """Dialogues, and such that are refused, of a wrong length or topic, or hold rests of a prompt.

    The classifier of topics learns from the dialogues that are not used here.
    """
    draw = np.random.default_rng(seed)
    whole = dialogue.load().sample(fraction=1, shuffle=True, seed=seed)
    each = max(rows // 5, 10)
    right, base, turned = whole[:rows], whole[rows : rows + each], whole[rows + each :][:each]
    planted = {
        "refusal": _filled(base, [f"{{prompt}}\n{said}" for said in REFUSALS]),
        "refusal in other words": _filled(base, [f"{{prompt}}\n{said}" for said in VEILED]),
        "leftover": _filled(base, LEFTOVERS),
        "instruction left": _filled(base, INSTRUCTIONS),
        "too short": base.select(pl.lit("Ok.").alias("text"), "label"),
        "too long": _run_on(base),
        "another topic's label": _shown(turned).with_columns(_others(turned["label"], draw)),
        "another answer of the topic": _crossed(turned),
    }
    used = pl.concat([right, base, turned])
    return Planted(batch(_shown(right), planted), Given(_real(whole, used), seed=seed))


def _real(whole: pl.DataFrame, used: pl.DataFrame) -> pl.DataFrame:
    """Round, row, text and label of the rows that are not used, nor next to one in a conversation.

    Of a conversation each turn is the answer of one dialogue and the question of the next.
    """
    free = (
        whole.join(used, on=whole.columns, how="anti", maintain_order="left")
        .join(used, left_on="prompt", right_on="completion", how="anti", maintain_order="left")
        .join(used, left_on="completion", right_on="prompt", how="anti", maintain_order="left")
    )
    rows = _shown(free[:LEARNT]).with_row_index("row")
    return rows.select(
        pl.lit(0, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), "text", "label"
    )


def _shown(rows: pl.DataFrame) -> pl.DataFrame:
    """Text, as scorers see a question and its answer, and label."""
    return rows.select(pl.concat_str("prompt", "completion", separator="\n").alias("text"), "label")


def _filled(rows: pl.DataFrame, templates: Sequence[str]) -> pl.DataFrame:
    """Dialogues in templates, by turns."""
    texts = [
        templates[at % len(templates)].format(topic=label, prompt=prompt, completion=completion)
        for at, (prompt, completion, label) in enumerate(rows.iter_rows())
    ]
    return pl.DataFrame({"text": texts, "label": rows["label"]})


def _run_on(rows: pl.DataFrame) -> pl.DataFrame:
    """Dialogues that come again and again, until they are longer than is wanted."""
    shown = _shown(rows)
    times = LETTERS[1] // pl.col("text").str.len_chars() + 1
    return shown.with_columns(pl.col("text").repeat_by(times).list.join("\n"))


def _crossed(rows: pl.DataFrame) -> pl.DataFrame:
    """Questions with the answer to another question of their topic, where there is one."""
    following = pl.col("prompt", "completion").gather((pl.int_range(pl.len()) + 1) % pl.len())
    turned = rows.select(following.over("label").name.prefix("next "))
    both = rows.hstack(turned).filter(pl.col("prompt") != pl.col("next prompt"))
    return _shown(both.with_columns(completion="next completion"))


def _others(labels: pl.Series, draw: Generator) -> pl.Series:
    """Another label for each, evenly drawn."""
    known = labels.unique().sort()
    shift = pl.Series(draw.integers(1, len(known), size=len(labels)), dtype=pl.Int64)
    at = labels.replace_strict(known, pl.int_range(len(known), eager=True), return_dtype=pl.Int64)
    return known.gather((at + shift) % len(known)).alias("label")


CASE: Final = RowCase(
    "dialogues",
    make,
    {"text_shape": {}, "text_agreement": {}},
    (
        Seen(
            "no_refusal",
            IN_SET,
            {"column": "refusal", "value_set": [False]},
            ("refusal",),
            "text_shape",
            misses=("refusal in other words",),
        ),
        Seen(
            "no_leftover",
            IN_SET,
            {"column": "leftover", "value_set": [False]},
            ("leftover",),
            "text_shape",
            (0.95, 0.15),
            misses=("instruction left",),
        ),
        Seen(
            "text_of_fitting_length",
            BETWEEN,
            {"column": "text_chars", "min_value": LETTERS[0], "max_value": LETTERS[1]},
            ("too short", "too long"),
            "text_shape",
        ),
        Seen(
            "topic_agrees",
            "expect_column_pair_values_to_be_equal",
            {"column_A": "label", "column_B": "predicted_topic"},
            ("another topic's label",),
            "text_agreement",
            (0.75, 0.1),
            misses=("another answer of the topic",),
        ),
    ),
)
