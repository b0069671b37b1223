"""Before a model is trained or asked: will the later stages have what they need?

A suite that judges a column which nothing gives, an extra that is not installed, a sandbox that
does not isolate or a full disk would otherwise show only when the candidates are there and paid
for. All that is missing is said at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake import refs
from pipelines.common.errors import PipelineError, ProjectError
from pipelines.common.plugins import ChecksReadiness
from pipelines.generators.protocol import ChecksRequest, ChecksRows
from pipelines.generators.registry import GENERATORS
from pipelines.modalities import registry as modalities
from pipelines.project import chosen_generator, suite_check, suited_scorers
from pipelines.rounds import model_store, tables
from pipelines.rounds.context import RoundContext
from pipelines.scorers import registry
from pipelines.scorers.protocol import columns_read
from pipelines.verification import acceptance, judging, row_scores

LABEL: Final = "label"
MAX_CHARS: Final = "max_chars"
"""Setting of a generator and of a scorer: the length at which texts are cut."""
LEAST_FREE: Final = 256 << 20
"""Bytes that must be free on the disk."""
COPIES: Final = 4
"""Times that a round writes about as many bytes as the real rows have."""


def check(ctx: RoundContext, commit: str) -> None:
    """Check that all later stages of a round can run.

    Args:
        ctx: The round.
        commit: The commit that its generator learns from.

    Raises:
        ProjectError: Names everything that is missing, each with a remedy.
        SuiteError: The suite cannot be read, or is none.
    """
    problems = list(dict.fromkeys(_problems(ctx, commit)))
    if problems:
        listed = "; ".join(problems)
        raise ProjectError(f"{ctx.round.key} cannot be made as it is: {listed}")


def _problems(ctx: RoundContext, commit: str) -> Iterator[str]:
    settings, dataset = ctx.round.settings, ctx.round.dataset
    real = ctx.lake.scan(commit, refs.partition(dataset, "samples", 0))
    shown = settings.modality.shown(real.head(1).collect())
    scorers = settings.verify.scorers
    suite = judging.suite_of(dataset)
    every = [
        ctx.lake.scan(commit, refs.partition(dataset, "samples", number))
        for number in tables.real_rounds(ctx.lake, commit, dataset)
    ]
    found = suite_check.check(suite, suite_check.judged(shown), scorers, _classes(every))
    yield from (each.sentence for each in found if each.level == "error")
    for name, given in scorers.items():
        scorer, own = registry.load(name), registry.settings(name, given)
        missing = [each for each in columns_read(scorer, own) if each not in shown.columns]
        if missing:
            yield (
                f"scorer {name} reads {', '.join(missing)}, which the samples do not have (they "
                f"have {', '.join(shown.columns)}); set the name under verify.scorers.{name}, or "
                "leave the scorer out"
            )
        yield from _of_plugin(scorer, own)
    modality, given = settings.modality, settings.ingest.modality_settings
    yield from _of_plugin(modality, modalities.parsed(type(modality), given))
    own = settings.generate.of(ctx.round.generator)
    yield from cut_texts(ctx.round.generator, own, scorers)
    if unsuited := chosen_generator.problem(ctx.round.generator, settings):
        yield unsuited
    generator = GENERATORS.load(ctx.round.generator)
    yield from _of_plugin(generator, settings.generate.of(ctx.round.generator))
    yield from _of_request(ctx, generator)
    if not unsuited:
        yield from _rows(ctx, generator, real.head(1).collect())
    yield from _told(lambda: row_scores.check(ctx.round))
    if ctx.round.accepted is not None:
        yield from _told(lambda: acceptance.row_rules(suite))
    yield from _disk(sum(item.size for item in ctx.lake.objects(commit, f"{dataset}/samples/")))


def _classes(real: Sequence[pl.LazyFrame]) -> list[Any] | None:
    """Labels of the real rows of all rounds; None if these have none."""
    if LABEL not in real[0].collect_schema().names():
        return None
    labels = pl.concat([frame.select(LABEL) for frame in real])
    return labels.select(pl.col(LABEL).unique().sort()).collect()[LABEL].to_list()


def cut_texts(
    generator: str, own: object, scorers: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Compare the length at which the generator cuts texts with the one that is looked for."""
    cut = getattr(own, MAX_CHARS, None)
    seen = scorers.get(suited_scorers.SHAPE, {}).get(MAX_CHARS)
    if cut is not None and seen is not None and cut != seen:
        yield (
            f"generate.{generator}.{MAX_CHARS} is {cut} and verify.scorers.{suited_scorers.SHAPE}."
            f"{MAX_CHARS} is {seen}, so texts that are cut off would not be seen; set both to one "
            "length"
        )


def _of_plugin(plugin: object, settings: object) -> Iterator[str]:
    """Ask a plug-in whether it can run on this machine."""
    if not isinstance(plugin, ChecksReadiness):
        return
    checked: Callable[[Any], None] = plugin.check_ready
    yield from _told(lambda: checked(settings))


def _of_request(ctx: RoundContext, generator: object) -> Iterator[str]:
    """Ask a generator whether it can make the round as it is set."""
    if not isinstance(generator, ChecksRequest):
        return
    folder = model_store.directory(ctx.round.dataset, ctx.round.number)
    request = ctx.round.generate_request(folder)
    yield from _told(lambda: generator.check_request(request))


def _told(check_: Callable[[], object]) -> Iterator[str]:
    """Yield what a check says, if it fails."""
    try:
        check_()
    except PipelineError as error:
        yield str(error)


def _rows(ctx: RoundContext, generator: object, rows: pl.DataFrame) -> Iterator[str]:
    """Ask a generator whether its settings suit the rows."""
    if isinstance(generator, ChecksRows):
        try:
            generator.check_rows(rows, ctx.round.generate_request(Path()))
        except PipelineError as error:
            yield str(error)


def _disk(real: int) -> Iterator[str]:
    """Compare the free space with what a round writes."""
    free, wanted = shutil.disk_usage(Path.cwd()).free, max(LEAST_FREE, COPIES * real)
    if free < wanted:
        yield (
            f"the disk has {free >> 20:,} MiB free and a round may need {wanted >> 20:,}; make room"
        )
