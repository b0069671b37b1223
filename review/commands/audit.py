"""`stemma audit SAMPLE`: where a sample came from, and why it was accepted or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
from rich.console import Console, RenderableType
from rich.text import Text

from lake.client import Lake
from lineage.audit import Occurrence
from lineage.decision_words import told
from pipelines.common.fitted_table import FittedTable
from pipelines.inquiry import overrides
from pipelines.params import load
from pipelines.rounds.context import open_for_command
from pipelines.rounds.superseded import Superseded
from pipelines.takedown import gone
from pipelines.takedown.gone import Gone
from review.cli.output import make_console, print_json, sentence, table
from review.provenance import exchanges, origins, payload, tree
from review.provenance.lookup import Located, locate
from review.provenance.origins import SampleProvenance
from review.provenance.payload import Part

SHOWN: Final = 5
"""Occurrences that are printed; `--json` has them all."""


def run(
    *,
    sample: str,
    ref: str,
    dataset: str | None,
    as_json: bool,
    prompt: bool = False,
    output: Path | None = None,
) -> None:
    """Find every occurrence of a sample and print its provenance, or what was asked for it.

    Raises:
        ReviewError: a file of the payload is there already, or cannot be written.
    """
    params = load()
    lake = open_for_command(params)
    located = locate(lake, params, ref, dataset, sample)
    taken = gone.at(lake)
    if as_json:
        occurrences = [
            _to_dict(lake, located, provenance, prompt=prompt, output=output)
            | {"taken_down": _taken_down(taken, provenance.occurrence)}
            for provenance in origins.describe(lake, located)
        ]
        print_json({"ref": ref, "commit": located.commit, "occurrences": occurrences})
        return
    out = make_console()
    if located.lost is not None:
        out.print(_lost(ref, located.lost), soft_wrap=True)
    for provenance in origins.describe(lake, located, SHOWN):
        out.print(_title(provenance.occurrence))
        if prompt:
            _print_exchanges(out, lake, located, provenance)
        else:
            _print_provenance(out, lake, located, provenance, output)
        for why in _taken_down(taken, provenance.occurrence):
            out.print(sentence(_sentence(why), "bold"), soft_wrap=True)
    if len(located.numbers) > SHOWN:
        more = len(located.numbers) - SHOWN
        out.print(f"… {more:,} more occurrences; --json has them all, --dataset narrows them")


def _print_exchanges(
    out: Console, lake: Lake, located: Located, provenance: SampleProvenance
) -> None:
    for part in _asked(lake, located, provenance):
        out.print(part, soft_wrap=True)


def _print_provenance(
    out: Console,
    lake: Lake,
    located: Located,
    provenance: SampleProvenance,
    output: Path | None,
) -> None:
    override = overrides.of_merge(lake.resolve(provenance.commit))
    if override is not None:
        out.print(sentence(f"its round was {override.sentence}", "yellow"), soft_wrap=True)
    for line in _payload(lake, located, provenance, output):
        out.print(Text(line), soft_wrap=True)
    for part in _rendered(provenance):
        out.print(part)


def _payload(
    lake: Lake, located: Located, provenance: SampleProvenance, output: Path | None
) -> Iterator[str]:
    """Say what the sample holds, whole, and write it into a folder where one is given."""
    parts = _read(lake, located, provenance)
    if parts is None:
        yield "its payload is not in the lake at this commit"
        return
    for part in parts:
        size = "" if part.picture is None or output is not None else "; -o FOLDER writes it"
        yield payload.lines(part) + size
    for path in _written(output, provenance, parts):
        yield f"wrote {path}"


def _read(lake: Lake, located: Located, provenance: SampleProvenance) -> list[Part] | None:
    occurrence = provenance.occurrence
    return payload.read(lake, located.commit, occurrence.dataset, occurrence.round, occurrence.row)


def _written(
    folder: Path | None, provenance: SampleProvenance, parts: Sequence[Part]
) -> list[Path]:
    occurrence = provenance.occurrence
    stem = f"{occurrence.dataset}-{occurrence.round}-{occurrence.row}"
    return [] if folder is None else payload.write(folder, stem, parts)


def _to_dict(
    lake: Lake,
    located: Located,
    provenance: SampleProvenance,
    *,
    prompt: bool,
    output: Path | None,
) -> dict[str, Any]:
    """The content of `--json`, with the requests for the sample where they are wanted."""
    parts = _read(lake, located, provenance)
    content = provenance.to_dict()
    override = overrides.of_merge(lake.resolve(provenance.commit))
    content["override"] = override.to_dict() if override else None
    content["payload"] = None if parts is None else [part.to_dict() for part in parts]
    if output is not None:
        content["files"] = list(map(str, _written(output, provenance, parts or [])))
    if prompt:
        content["exchanges"] = exchanges.of(lake, located.commit, provenance.occurrence)
    return content


def _taken_down(taken: Gone, occurrence: Occurrence) -> list[dict[str, Any]]:
    """The take-downs that took a sample from main, the oldest first."""
    here = (
        (pl.col("dataset") == occurrence.dataset)
        & (pl.col("round") == occurrence.round)
        & (pl.col("row") == occurrence.row)
        & (pl.col("sample_id").bin.encode("hex") == occurrence.sample_id)
    )
    causes = dict(taken.taken.filter(here).select("takedown", "cause").iter_rows())
    return [
        {
            "name": each.name,
            "when": datetime.fromtimestamp(each.created, UTC).isoformat(),
            "reason": each.reason,
            "cause": causes[each.name],
        }
        for each in taken.records
        if each.name in causes
    ]


def _sentence(taken: Mapping[str, Any]) -> str:
    made = "" if taken["cause"] == "named" else ", with what it was made from,"
    return (
        f"taken down on {taken['when'][:10]}{made} because {' '.join(taken['reason'].split())} "
        f"({taken['name']})"
    )


def _asked(lake: Lake, located: Located, provenance: SampleProvenance) -> Iterator[Text]:
    occurrence = provenance.occurrence
    if occurrence.kind == "real":
        yield Text("it is a real row: no service was asked for it")
        return
    yield from exchanges.draw(exchanges.of(lake, located.commit, occurrence))


def _title(occurrence: Occurrence) -> Text:
    """The id of an occurrence, where it is, and what was decided on it."""
    head = f"{occurrence.dataset}, round {occurrence.round}, row {occurrence.row}"
    decision = occurrence.decision.decision if occurrence.decision else "undecided"
    state = occurrence.kind if occurrence.kind == "real" else f"{occurrence.kind}, {decision}"
    return Text.assemble((f"\n{occurrence.sample_id}\n", "bold"), sentence(f"{head}: {state}"))


def _lost(ref: str, lost: Superseded) -> Text:
    """A sentence that a round was superseded, and as of which commit its family tree is shown."""
    return sentence(
        f"not at {ref}: round {lost.round} of {lost.dataset} was superseded by {lost.by[:12]}; "
        f"what follows is as of {lost.last[:12]}, the last commit of main that held it"
    )


def _rendered(provenance: SampleProvenance) -> Iterator[RenderableType]:
    occurrence = provenance.occurrence
    drawn, left_out = tree.draw(provenance)
    yield drawn
    if left_out:
        yield sentence(left_out)
    if occurrence.kind != "real" and provenance.licences:
        yield sentence(f"real ancestors by licence: {tree.counted(provenance.licences)}")
    yield from _decision(occurrence)
    for review in provenance.reviews:
        yield sentence(str(review))
    if occurrence.verdicts:
        yield _verdicts(occurrence)


def _decision(occurrence: Occurrence) -> Iterator[Text]:
    if occurrence.decision is None:
        return
    if occurrence.decision.reasons:
        yield sentence(told(occurrence.decision.decision, occurrence.decision.reasons))
    if occurrence.decision.warnings:
        yield sentence(f"warnings: {', '.join(occurrence.decision.warnings)}")
    if occurrence.decision.duplicate_of:
        first = occurrence.decision.duplicate_of
        location = f"{first['dataset']}, round {first['round']}, row {first['row']}"
        yield sentence(f"the same content: {location}")


def _verdicts(occurrence: Occurrence) -> FittedTable:
    body = [
        [
            verdict.expectation,
            verdict.severity,
            verdict.verdict,
            "–" if verdict.observed is None else f"{verdict.observed:.4g}",
            verdict.detail or "",
        ]
        for verdict in occurrence.verdicts
    ]
    return table("", ["expectation", "severity", "verdict", "observed", "detail"], body)
