"""`stemma verdicts --expectation NAME`: what an expectation said over the rounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import RenderableType

from lake.client import Lake
from pipelines.common import digests
from pipelines.common.settings import nearest
from pipelines.inquiry import expectation_history
from pipelines.inquiry.expectation_history import COUNTED, RoundVerdicts
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli.datasets import wanted_datasets
from review.cli.output import make_console, number, print_json, sentence, table
from review.errors import UsageError

COLUMNS: Final = ("round", "severity", "judged", *COUNTED, "warned", "share")
LONGEST: Final = 200
"""Characters of limits that are printed; `--json` has them all."""


def run(*, expectation: str, dataset: str | None, as_json: bool) -> None:
    """Print the verdicts of an expectation on the rounds of the data sets that have it.

    Raises:
        UsageError: no round was judged by an expectation of this name.
    """
    params = load()
    lake = open_lake(params)
    datasets = wanted_datasets(params, dataset)
    found = {name: expectation_history.over_rounds(lake, name, expectation) for name in datasets}
    held = {
        name: rounds
        for name, rounds in found.items()
        if any(each.entry is not None for each in rounds)
    }
    if not held:
        _refuse(lake, datasets, expectation)
    if as_json:
        content = {name: [each.to_dict() for each in rounds] for name, rounds in held.items()}
        print_json({"expectation": expectation, "datasets": content})
        return
    out = make_console()
    for name, rounds in held.items():
        for part in _rendered(name, expectation, rounds):
            out.print(part)


def _refuse(lake: Lake, datasets: Sequence[str], expectation: str) -> None:
    known = sorted({name for each in datasets for name in expectation_history.names(lake, each)})
    said = f"no round was judged by an expectation {expectation!r}"
    raise UsageError(f"{said}{nearest(expectation, known)}")


def _rendered(
    dataset: str, expectation: str, rounds: Sequence[RoundVerdicts]
) -> Iterator[RenderableType]:
    yield table(f"{dataset}: {expectation}", COLUMNS, [_row(each) for each in rounds])
    for each in rounds:
        for said in _changes(each):
            yield sentence(f"round {_name(each)}: {said}")
    last = next(each for each in reversed(rounds) if each.entry is not None)
    yield sentence(f"threshold in round {_name(last)}: {_limits(last)}")


def _row(found: RoundVerdicts) -> list[object]:
    if found.entry is None:
        return [_name(found), *([None] * (len(COLUMNS) - 1))]
    told = found.to_dict()
    counts = [told[name] for name in ("judged", *COUNTED, "warned")]
    return [_name(found), told["severity"], *counts, number(found.share)]


def _name(found: RoundVerdicts) -> str:
    return str(found.round) if found.ref == "main" else f"{found.round} ({found.ref})"


def _changes(found: RoundVerdicts) -> Iterator[str]:
    """What changed since the round before, and whether the suite had the expectation."""
    if found.entry is None:
        yield "the suite did not have it"
    if found.suite_changed:
        own = "" if found.changed or found.entry is None else ", this expectation did not"
        yield f"the suite changed to {found.suite[:12]}{own}"
    if found.changed and found.entry is not None:
        names = " and ".join(found.changed)
        yield f"its {names} changed; threshold then: {_limits(found)}"


def _limits(found: RoundVerdicts) -> str:
    entry: dict[str, Any] = dict(found.entry or {})
    text = str(entry.get("sentence") or digests.canonical(dict(entry.get("limits") or {})).decode())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
