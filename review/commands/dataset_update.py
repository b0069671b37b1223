"""`stemma dataset update`: take new real rows as a round of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lake import files
from pipelines.params import FILE, load
from pipelines.project import dataset_update
from pipelines.project.dataset_update import Own, Update
from pipelines.rounds.arrivals import taking
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, print_json, sentence
from review.errors import UsageError


def run(
    *,
    dataset: str,
    source: str,
    licence: str | None,
    column: tuple[str, ...],
    setting: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Plan a round of real data, write it unless told not to, and print it."""
    params = load()
    wanted_dataset(params, dataset)
    settings = {name: _value(text) for name, text in _pairs("--setting", setting).items()}
    own = Own(settings, _pairs("--column", column))
    update = dataset_update.plan(params, dataset, source, licence, own)
    text = dataset_update.text(update, Path(FILE))
    if not dry_run and text is not None:
        files.write_text(Path(FILE), text)
        load()
    if as_json:
        print_json(_to_dict(update, written=not dry_run and text is not None))
        return
    out = make_console()
    for line in _lines(update, dry_run=dry_run, changes=text is not None):
        out.print(sentence(line), soft_wrap=True)


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    """Read NAME=VALUE, once or more.

    Raises:
        UsageError: There is no `=`, or a name comes twice.
    """
    pairs: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals and value):
            raise UsageError(f"{option} {each!r} is not NAME=VALUE")
        if name in pairs:
            raise UsageError(f"{option} names {name!r} twice; give it once")
        pairs[name] = value
    return pairs


def _value(text: str) -> Any:  # noqa: ANN401  whatever JSON holds
    """Read a value as JSON where it is such, and as a text otherwise."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _to_dict(update: Update, *, written: bool) -> dict[str, Any]:
    return {
        "dataset": update.dataset,
        "round": update.key if update.brings_round else None,
        "entry": dict(update.entry) if update.brings_round else None,
        "pinned": dict(update.pinned),
        "seen": dict(update.seen),
        "waits_for": update.waits_for,
        "arrivals": update.arrivals.to_dict(),
        "files": [FILE],
        "written": written,
    }


def _lines(update: Update, *, dry_run: bool, changes: bool) -> Iterator[str]:
    yield from taking.lines(update.arrivals)
    if update.pinned:
        yield "ingest.pinned now names what round 0 read of the source, so round 0 stays as it is"
    if not update.brings_round:
        then = "" if changes else f", and {FILE} stays as it is"
        if changes and update.seen:
            written = "is not written" if dry_run else f"{FILE} is changed by that alone"
            then = f"; ingest.seen names this state, and {written}"
        yield f"nothing is new for training, so there is no round{then}"
        return
    if update.waits_for is not None:
        yield f"{update.key} follows {update.waits_for}, which main does not hold yet"
    if dry_run:
        yield f"nothing was written; without --dry-run: {update.key} in {FILE}"
    else:
        yield f"added {update.key} to {FILE}; `stemma run {update.dataset}` runs it"
