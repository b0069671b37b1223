"""What each candidate is asked by: drawn before anything is made, by the seed of the round alone.

A prompt of a row is drawn by the row's weight, or evenly from another data set, and the row is a
`seed` parent of the candidate with half of the weight: the model has the other half, as exemplars
of a language model have theirs.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from lake.visible import visible
from pipelines.common import console
from pipelines.common.errors import GeneratorError
from pipelines.common.seeds import derive_seed
from pipelines.generators import asked_labels
from pipelines.generators.pool import Pool
from pipelines.generators.prompts import checks
from pipelines.generators.prompts.settings import LABEL, Prompts
from pipelines.generators.protocol import STAGE, GenerateRequest
from pipelines.generators.template_names import fields

WEIGHT: Final = 0.5
"""Of the row that a prompt is of."""
LONGEST: Final = 4000
"""Characters of a prompt that are sent to a model."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A row that a candidate is made of."""

    dataset: str
    round: int
    row: int
    commit: str | None = None
    """Of another data set."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one candidate is asked by."""

    row: int
    """Of the candidate."""
    text: str
    label: Any = None
    """None: the rows have none."""
    parent: Parent | None = None
    """The row whose text it is."""
    cut: bool = False
    """Whether it was longer than is sent."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that prompts are drawn from."""

    rows: pl.DataFrame
    """round, row and columns of content."""
    weights: Sequence[float]
    dataset: str
    commit: str | None
    column: str | None
    """The one that is the prompt, where there is no template."""


def drawn(
    request: GenerateRequest[Any], prompts: Prompts, pool: Pool, *, sources: bool = False
) -> list[Prompt]:
    """Draw the prompts of all candidates of a round.

    Args:
        request: the round.
        prompts: where they come from.
        pool: rows of the mix.
        sources: whether each candidate is made of a row of the mix, whatever its prompt is.

    Raises:
        GeneratorError: the rows, or their columns, are not there.
    """
    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "prompts")
    draw = np.random.default_rng(seed)
    order = _evenly(prompts.combinations, request.candidates, draw)
    if prompts.of_rows or sources:
        found = _of_rows(request, prompts, pool, draw)
    else:
        found = _of_labels(request, pool, draw)
    template = prompts.template or ("{label}" if not prompts.of_rows else "{" + PROMPT + "}")
    made = []
    for row, (content, label, parent) in enumerate(found):
        text = filled(template, {**content, **prompts.words(order[row])})
        made.append(Prompt(row, text[:LONGEST], label, parent, len(text) > LONGEST))
    say_cut(sum(each.cut for each in made), len(made))
    asked_labels.say(left_out := _not_asked(made, pool), len(made) + len(left_out))
    return made


def say_cut(cut: int, of: int) -> None:
    """Say how many prompts are longer than is sent, if any is."""
    if cut:
        console.line(
            f"{cut:,} of {of:,} prompts are longer than {LONGEST:,} characters and are cut there"
        )


def facts(prompts: Sequence[Prompt], pool: Pool) -> dict[str, Any]:
    """Return what the manifest says: how many prompts were cut, and labels without one, if any."""
    cut = sum(each.cut for each in prompts)
    left_out = asked_labels.facts(_not_asked(prompts, pool))
    return {**({"cut_prompts": cut} if cut else {}), **left_out}


def _not_asked(prompts: Sequence[Prompt], pool: Pool) -> list[Any]:
    """Labels that no prompt is of; none where prompts are of rows, which have labels of theirs."""
    if LABEL not in pool.payload.columns or any(each.parent for each in prompts):
        return []
    asked = {each.label for each in prompts}
    return [each for each in pool.payload[LABEL].unique().sort().to_list() if each not in asked]


def _evenly(things: int, count: int, draw: np.random.Generator) -> list[int]:
    """Draw things by number, each equally often; where there are more than are drawn, some once."""
    if things > count:
        return list(map(int, draw.choice(things, count, replace=False)))
    return list(map(int, draw.permutation(np.resize(np.arange(things), count))))


PROMPT: Final = "prompt"
"""Stands for the text of the drawn row, where no template is given."""
Row = tuple[dict[str, Any], Any, Parent | None]
"""Columns by name, label and parent of a prompt."""


def _of_labels(request: GenerateRequest[Any], pool: Pool, draw: np.random.Generator) -> list[Row]:
    """Ask for each label equally often."""
    if LABEL not in pool.payload.columns:
        return [({}, None, None)] * request.candidates
    labels = pool.payload[LABEL].unique().sort().to_list()
    order = _evenly(len(labels), request.candidates, draw)
    return [({LABEL: labels[each]}, labels[each], None) for each in order]


def _of_rows(
    request: GenerateRequest[Any], prompts: Prompts, pool: Pool, draw: np.random.Generator
) -> list[Row]:
    """Draw a row for each candidate."""
    source = _source(request, prompts, pool)
    weights = np.asarray(source.weights, dtype=np.float64)
    places = draw.choice(len(source.rows), size=request.candidates, p=weights / weights.sum())
    labels = _labels(source, pool)
    content = source.rows.to_dicts()
    return [
        (
            {**content[at], PROMPT: content[at].get(source.column or "")},
            None if labels is None else labels[at],
            Parent(source.dataset, content[at]["round"], content[at]["row"], source.commit),
        )
        for at in map(int, places)
    ]


def _source(request: GenerateRequest[Any], prompts: Prompts, pool: Pool) -> Source:
    """Read the rows that prompts are drawn from.

    Raises:
        GeneratorError: they are not there, or the column is not.
    """
    if prompts.dataset is None or prompts.round is None:
        columns = [pool.payload.drop("image", strict=False), pool.others]
        rows = pl.concat([pool.keys.select("round", "row"), *columns], how="horizontal")
        weights = pool.weights.tolist()
        dataset, commit, column = request.dataset, None, prompts.column
    else:
        if request.samples is None:
            raise GeneratorError("samples of another data set are read within a project only")
        commit, rows = request.samples(prompts.dataset, prompts.round)
        weights, dataset = [1.0] * len(rows), prompts.dataset
        column = prompts.column or _only_text(rows, prompts)
    checks.check_columns(rows, column, prompts, dataset)
    usable = rows.with_columns(pl.Series("__weight", weights)).drop_nulls(
        _used(rows, column, prompts)
    )
    if usable.is_empty():
        raise GeneratorError(f"no row of {visible(dataset)} has a prompt; generate some first")
    if len(usable) < len(rows):
        console.line(
            f"{len(rows) - len(usable):,} of {len(rows):,} rows of {visible(dataset)} lack a value "
            "that prompts are made of, and give none"
        )
    return Source(usable.drop("__weight"), usable["__weight"].to_list(), dataset, commit, column)


def _used(rows: pl.DataFrame, column: str | None, prompts: Prompts) -> list[str]:
    """List the columns that a row needs values in to be a prompt."""
    named = fields(prompts.template) if prompts.template else ()
    other = [each for each in named if each in rows.columns and each not in prompts.attributes]
    return list(dict.fromkeys([*([column] if column else []), *other]))


def _only_text(rows: pl.DataFrame, prompts: Prompts) -> str | None:
    """Name the only column of texts; None where a template says what is used."""
    texts = [name for name, kind in rows.schema.items() if kind == pl.String and name != LABEL]
    if len(texts) != 1 and prompts.template is None:
        listed = ", ".join(visible(each) for each in texts) or "none"
        raise GeneratorError(
            f"prompts.column has to name a column of texts of {visible(str(prompts.dataset))}; "
            f"it has {listed}"
        )
    return texts[0] if len(texts) == 1 else None


def _labels(source: Source, pool: Pool) -> list[Any] | None:
    """Labels of the drawn rows as the images have them; None where images have none.

    Raises:
        GeneratorError: a row has none, or one that no image has.
    """
    if LABEL not in pool.payload.columns:
        return None
    known = {str(each): each for each in pool.payload[LABEL].unique().to_list()}
    given = source.rows[LABEL].to_list() if LABEL in source.rows.columns else [None]
    unknown = [each for each in given if str(each) not in known]
    if unknown:
        raise GeneratorError(
            f"the images have labels, and a prompt of {visible(source.dataset)} has the label "
            f"{visible(str(unknown[0]))!r}, which no image has; label the prompts as the images are"
        )
    return [known[str(each)] for each in given]


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template with texts, which are taken as they are.

    Raises:
        GeneratorError: it names what there is not.
    """
    parts = []
    for text, name, _, _ in string.Formatter().parse(template):
        parts.append(text)
        if name is None:
            continue
        if values.get(name) is None:
            known = ", ".join(visible(each) for each in values if values[each] is not None)
            raise GeneratorError(
                f"the template names {visible(name)!r}, which there is not (there is "
                f"{known or 'nothing'}); correct prompts.template"
            )
        parts.append(str(values[name]))
    return "".join(parts)


def parents(
    prompts: Sequence[Prompt], relation: str = "seed", weight: float = WEIGHT
) -> pl.DataFrame | None:
    """Build the edges to the rows that prompts are of; None where they are of none."""
    of_rows = [each for each in prompts if each.parent is not None]
    if not of_rows:
        return None
    rows = [
        {
            "row": each.row,
            "dataset": each.parent.dataset,
            "round": each.parent.round,
            "parent_row": each.parent.row,
            "relation": relation,
            "weight": weight,
            "commit": each.parent.commit,
        }
        for each in of_rows
        if each.parent is not None
    ]
    frame = pl.DataFrame(rows, schema=SCHEMA)
    return frame.drop("commit") if frame["commit"].null_count() == len(frame) else frame


SCHEMA: Final = pl.Schema(
    {
        "row": pl.Int64(),
        "dataset": pl.String(),
        "round": pl.Int32(),
        "parent_row": pl.Int64(),
        "relation": pl.String(),
        "weight": pl.Float64(),
        "commit": pl.String(),
    }
)
