"""`stemma audit SAMPLE`: where a sample came from, and why it stayed or did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from lineage.audit import Occurrence
from pipelines.params import load
from pipelines.rounds.context import open_lake
from pipelines.rounds.superseded import Superseded
from review.cli.output import console, print_json, sentence, table
from review.provenance import origins, tree
from review.provenance.lookup import locate
from review.provenance.origins import SampleProvenance

SHOWN: Final = 5
"""Occurrences that are printed; `--json` has them all."""


def run(*, sample: str, ref: str, dataset: str | None, as_json: bool) -> None:
    """Find every occurrence of a sample and print where each came from."""
    params = load()
    lake = open_lake(params)
    located = locate(lake, params, ref, dataset, sample)
    if as_json:
        found = [each.to_dict() for each in origins.describe(lake, located)]
        print_json({"ref": ref, "commit": located.commit, "occurrences": found})
        return
    out = console()
    if located.lost is not None:
        out.print(_lost(ref, located.lost), soft_wrap=True)
    for each in origins.describe(lake, located, SHOWN):
        for part in _rendered(each):
            out.print(part)
    if len(located.numbers) > SHOWN:
        more = len(located.numbers) - SHOWN
        out.print(f"… {more:,} more occurrences; --json has them all, --dataset narrows them")


def _lost(ref: str, lost: Superseded) -> Text:
    """Say that a round was superseded, and from when its family tree is."""
    return sentence(
        f"not at {ref}: round {lost.round} of {lost.dataset} was superseded by {lost.by[:12]}; "
        f"what follows is as of {lost.last[:12]}, the last commit of main that held it"
    )


def _rendered(found: SampleProvenance) -> Iterator[RenderableType]:
    one = found.occurrence
    head = f"{one.dataset}, round {one.round}, row {one.row}"
    decision = one.decision.decision if one.decision else "undecided"
    state = one.kind if one.kind == "real" else f"{one.kind}, {decision}"
    yield Text.assemble((f"\n{one.sample_id}\n", "bold"), sentence(f"{head}: {state}"))
    drawn, left_out = tree.draw(found)
    yield drawn
    if left_out:
        yield sentence(left_out)
    if one.kind != "real" and found.licences:
        yield sentence(f"real ancestors by licence: {tree.counted(found.licences)}")
    yield from _decision(one)
    if one.verdicts:
        yield _verdicts(one)


def _decision(one: Occurrence) -> Iterator[Text]:
    if one.decision is None:
        return
    if one.decision.reasons:
        yield sentence(f"reasons: {', '.join(one.decision.reasons)}")
    if one.decision.warnings:
        yield sentence(f"warnings: {', '.join(one.decision.warnings)}")
    if one.decision.duplicate_of:
        first = one.decision.duplicate_of
        place = f"{first['dataset']}, round {first['round']}, row {first['row']}"
        yield sentence(f"the same content: {place}")


def _verdicts(one: Occurrence) -> Table:
    body = [
        [
            each.expectation,
            each.severity,
            each.verdict,
            "–" if each.observed is None else f"{each.observed:.4g}",
            each.detail or "",
        ]
        for each in one.verdicts
    ]
    return table("", ["expectation", "severity", "verdict", "observed", "detail"], body)
