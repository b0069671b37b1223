"""`stemma dataset update`: take new real rows as a round of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lake import files
from pipelines.params import FILE, load
from pipelines.project import dataset_update
from pipelines.project.dataset_update import Update
from pipelines.rounds.arrivals import taking
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, print_json, sentence


def run(*, dataset: str, source: str, licence: str | None, dry_run: bool, as_json: bool) -> None:
    """Plan a round of real data, write it unless told not to, and print it."""
    params = load()
    wanted_dataset(params, dataset)
    update = dataset_update.plan(params, dataset, source, licence)
    text = dataset_update.text(update, Path(FILE))
    if not dry_run:
        files.write_text(Path(FILE), text)
        load()
    if as_json:
        print_json(_to_dict(update, dry_run=dry_run))
        return
    out = make_console()
    for line in _lines(update, dry_run=dry_run):
        out.print(sentence(line), soft_wrap=True)


def _to_dict(update: Update, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dataset": update.dataset,
        "round": None if update.seen else update.key,
        "entry": None if update.seen else dict(update.entry),
        "pinned": dict(update.pinned),
        "seen": dict(update.seen),
        "waits_for": update.waits_for,
        "arrivals": update.arrivals.to_dict(),
        "files": [FILE],
        "written": not dry_run,
    }


def _lines(update: Update, *, dry_run: bool) -> Iterator[str]:
    yield from taking.lines(update.arrivals)
    if update.pinned:
        yield "ingest.pinned now names what round 0 read of the source, so round 0 stays as it is"
    if update.seen:
        yield (
            f"nothing is new for training, so there is no round; ingest.seen names this state, and "
            f"{'is not written' if dry_run else f'{FILE} is changed by that alone'}"
        )
        return
    if update.waits_for is not None:
        yield f"{update.key} follows {update.waits_for}, which main does not hold yet"
    if dry_run:
        yield f"nothing was written; without --dry-run: {update.key} in {FILE}"
    else:
        yield f"added {update.key} to {FILE}; `stemma run {update.dataset}` runs it"
