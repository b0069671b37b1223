"""`stemma status`: what the lake holds of each data set, read from the lake itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common.fitted_table import FittedTable
from pipelines.gate import approvals, tags
from pipelines.gate.tags import TagFinding
from pipelines.inquiry import overview
from pipelines.inquiry.ingest_summary import IngestSummary
from pipelines.params import Params, load, resolve
from pipelines.rounds import measured_rows, tables
from pipelines.rounds.context import open_for_command
from pipelines.takedown import record
from pipelines.takedown.record import TakedownRecord
from review.cli.datasets import wanted_datasets
from review.cli.output import make_console, plural, print_json, sentence, table

PAGES = {"verdicts": "verdicts by reason", "data_docs": "GX Data Docs"}
ENVIRONMENT = Path(".venv/bin/activate")
BEFORE: Final = ("round", "state", "tag", "commit", "made", "accepted", "guard")
SPARE: Final = ("commit", "made", "tag")
"""Columns that a narrow terminal does without."""
AFTER: Final = ("recall", "real share")
ACCURACY: Final = "accuracy"
WITHOUT_TASK: Final = ("c2st", "coverage")
"""Figures that take the place of accuracy where no task can be measured, the first that is there.
"""


def run(*, dataset: str | None, next_steps: bool, as_json: bool, pages: bool = False) -> None:
    """Collect and print the status; what contradicts the receipts comes first."""
    params = load()
    names = wanted_datasets(params, dataset)
    if not params.datasets:
        _fresh(params, as_json=as_json)
        return
    lake = open_for_command(params)
    findings = [finding for finding in tags.check(lake, params) if finding.dataset in names]
    entries = {name: overview.collect(lake, name, params) for name in names}
    taken = [each for each in _taken(lake) if {*each.policies} & {*names}]
    if as_json:
        about = {"repository": lake.repository, "line": params.line}
        found = [finding.to_dict() for finding in findings]
        down = {"takedowns": [_taken_to_dict(each) for each in taken]} if taken else {}
        print_json({**about, "findings": found, "datasets": entries, **down})
        return
    out = make_console()
    for finding in findings:
        out.print(_found(finding), soft_wrap=True)
    for name, entry in entries.items():
        out.print(_rendered(name, entry, pages=pages))
    for line in _awaited(lake, params, entries):
        out.print(sentence(line), soft_wrap=True)
    for each in taken:
        out.print(sentence(_taken_down(each)), soft_wrap=True)
    if next_steps and names:
        out.print(_next(lake, names[0], entries[names[0]]), soft_wrap=True)


def _fresh(params: Params, *, as_json: bool) -> None:
    """Say what comes first in a project without a data set; its lake is not started."""
    if as_json:
        lake = {"repository": params.lake.repository, "line": params.line}
        print_json({**lake, "findings": [], "datasets": {}})
        return
    out = make_console()
    out.print(sentence("params.yaml names no data set yet"))
    out.print(
        "`stemma dataset add NAME SOURCE` looks at a file or folder of your data and writes its "
        "settings, its suite and a first round; `stemma run NAME` runs it",
        soft_wrap=True,
    )


def _awaited(lake: Lake, params: Params, entries: Mapping[str, Any]) -> Iterator[str]:
    """Say which rounds wait for people, and for whom."""
    for name, rounds in entries.items():
        for entry in rounds["open"]:
            key = f"{name}-{entry['round']}"
            if entry["line"] != refs.MAIN or key not in params.rounds:
                continue
            if entry["state"] in ("judged", "blocked"):
                awaited = approvals.awaited(lake, resolve(params, key))
                if awaited is not None:
                    yield awaited


def _found(finding: TagFinding) -> Text:
    return sentence(f"{finding.sentence[:1].upper()}{finding.sentence[1:]}.", "bold red")


def _taken(lake: Lake) -> list[TakedownRecord]:
    """The take-downs that main holds, the oldest first."""
    try:
        return record.all_of(lake)
    except NotFoundError:
        return []


def _taken_down(each: TakedownRecord) -> str:
    """Say what was taken down, when and why, and which tags still hold it."""
    counted = _taken_to_dict(each)
    one = counted["named"] == 1
    tags = f"; tags that still hold them: {', '.join(each.tags)}" if each.tags else ""
    rows = (
        f"{counted['named']:,} {plural('sample', counted['named'])} and {counted['direct']:,} made "
        f"from {'it' if one else 'them'}"
    )
    return (
        f"taken down on {counted['when'][:10]} because {' '.join(each.reason.split())} "
        f"({each.name}): {rows}{tags}"
    )


def _taken_to_dict(each: TakedownRecord) -> dict[str, Any]:
    return {
        "name": each.name,
        "when": datetime.fromtimestamp(each.created, UTC).isoformat(),
        "reason": each.reason,
        "named": sum(part.named for part in each.rounds),
        "direct": sum(part.direct for part in each.rounds),
        "tags": sorted(each.tags),
    }


def _rendered(dataset: str, rounds: dict[str, Any], *, pages: bool = False) -> Group:
    entries = [*rounds["rounds"], *(each | {"tag": each["branch"]} for each in rounds["open"])]
    figure = _figure(entries)
    shown = [_row(entry, figure) for entry in entries]
    if not shown:
        return Group(
            sentence(f"{dataset}: nothing in the lake yet; `stemma run {dataset}` fills it")
        )
    listed = [_pages(rounds["rounds"] + rounds["open"])] if pages else []
    rejections = [
        sentence(f"{entry['branch']} was rejected: {' '.join(entry['rejected'].split())}")
        for entry in rounds["open"]
        if entry["rejected"]
    ]
    overridden = [
        sentence(f"{dataset}-{entry['round']} was {entry['override']['sentence']}", "yellow")
        for entry in rounds["rounds"]
        if entry.get("override")
    ]
    said = [line for entry in entries for line in (*_ingest(entry), *_sampled(entry))]
    weighed = [
        sentence(
            f"{dataset}-{entry['round']} learned from real rows that weigh "
            f"{entry['real_weight']:.3g} each, and generated ones that weigh 1"
        )
        for entry in entries
        if "real_weight" in entry
    ]
    notes = [
        *map(sentence, said),
        *weighed,
        *overridden,
        *rejections,
        *map(sentence, _outdated(dataset, rounds["rounds"])),
    ]
    columns = (*BEFORE, *figure.titles, *AFTER)
    return Group(
        table(dataset, columns, shown, spare=SPARE),
        *notes,
        *(each for each in listed if each.row_count),
    )


@dataclass(frozen=True, slots=True)
class _Figure:
    """What mixes are compared by, and what it is for real rows."""

    titles: tuple[str, str]
    keys: tuple[str, str]
    """Of the summary of a round's figures."""


def _figure(entries: list[dict[str, Any]]) -> _Figure:
    """Choose the figure that the guard judges by, or one that needs no task, as rounds have it."""
    measured = [entry["metrics"] for entry in entries if entry["metrics"].get("summary")]
    known = {name for metrics in measured for name in metrics["summary"]}
    tasks = dict.fromkeys(str(metrics["task"]) for metrics in measured if "task" in metrics)
    for name in (*tasks, ACCURACY):
        if f"{name}_mix" in known and f"{name}_real_only" in known:
            return _Figure(
                (name.replace("_", "-"), "real only"), (f"{name}_mix", f"{name}_real_only")
            )
    for name in WITHOUT_TASK:
        if f"{name}_round" in known:
            return _Figure((name, f"{name} of real"), (f"{name}_round", f"{name}_null"))
    return _Figure((ACCURACY, "real only"), (f"{ACCURACY}_mix", f"{ACCURACY}_real_only"))


def _ingest(entry: dict[str, Any]) -> Iterator[str]:
    """Say what the ingest of a round left out or found, if there is something to say."""
    said = IngestSummary.of(entry["ingest"]).sentence()
    if said is not None:
        yield f"real data of round {entry['round']}: {said}"


def _sampled(entry: dict[str, Any]) -> Iterator[str]:
    """Say what the figures of a round were measured on, where that is not all rows."""
    told = measured_rows.sentence(entry["metrics"])
    if told is not None:
        yield f"round {entry['round']}: {told}"


def _pages(entries: list[dict[str, Any]]) -> FittedTable:
    """A table of the pages about each round; `–` where this checkout has no equal copy."""
    rows = [
        [str(entry["round"]), title, page["lake"], page["file"] or "–"]
        for entry in entries
        for name, title in PAGES.items()
        if (page := entry["pages"].get(name)) is not None
    ]
    return table("", ("round", "page", "in the lake", "in this checkout"), rows)


def _state(entry: dict[str, Any]) -> str:
    """The state of a round; `outdated` where other versions than those of now made it."""
    return f"{entry['state']}, outdated" if entry.get("outdated") else str(entry["state"])


def _outdated(dataset: str, entries: list[dict[str, Any]]) -> list[str]:
    """A sentence about each outdated round: which versions, and how to make it again."""
    sentences = []
    for entry in entries:
        pairs = [f"{then}, now {now}" for then, now in entry.get("outdated", {}).values()]
        if pairs:
            key = f"{dataset}-{entry['round']}"
            redo = f"`stemma round redo {key}` makes it again"
            sentences.append(f"{key} stays as it was made by {'; '.join(pairs)}; {redo}")
    return sentences


def _row(entry: dict[str, Any], figure: _Figure) -> list[object]:
    counts, metrics = entry["counts"], entry["metrics"]
    flat = metrics.get("summary", {})
    return [
        f"{entry['round']} real" if entry.get("arrivals") else str(entry["round"]),
        _state(entry),
        entry.get("tag") or "–",
        entry["commit"][:12],
        counts.get("candidates"),
        counts.get("accepted"),
        (entry["guard"] or {}).get("verdict", "–"),
        *(flat.get(key) for key in figure.keys),
        flat.get("recall_round"),
        flat.get("real_share"),
    ]


def _next(lake: Lake, dataset: str, rounds: dict[str, Any]) -> str:
    """What to look at next, with commands for rounds and samples that exist."""
    last = max((entry["round"] for entry in rounds["rounds"]), default=0)
    if not last:
        return (
            f"\n`stemma ui` shows the real rows in the browser; `stemma round add {dataset}` adds "
            "the first round, `dvc repro` runs it"
        )
    sample = tables.read_round(lake, refs.MAIN, dataset, "samples", last)["sample_id"][0].hex()
    steps = {
        "stemma ui": "review rounds and samples in the browser",
        f"reports/{dataset}/{last}/grid.png": "real, accepted and refused samples",
        f"stemma diff {dataset}-v{last - 1} {dataset}-v{last}": f"what round {last} changed",
        f"stemma audit {sample[:12]}": "where a sample came from",
        "dvc metrics show; dvc plots show": "headlines; rounds side by side",
        f"stemma round add {dataset}": "one more round, then `dvc repro`",
    }
    width = max(map(len, steps)) + 2
    lines = [f"  {step:<{width}}{what}" for step, what in steps.items()]
    after = " (after `source .venv/bin/activate`)" if ENVIRONMENT.is_file() else ""
    head = f"\nWhat to look at next{after}:"
    return "\n".join([head, *lines])
