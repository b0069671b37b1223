"""`stemma audit --history REF`: which commits of a history the guard did not let through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from lake import refs
from lake.client import Lake
from lake.errors import LakeError
from lake.values import Commit
from pipelines.common import console
from pipelines.common.errors import StaleError
from pipelines.common.fitted_table import FittedTable
from pipelines.common.progress import track
from pipelines.common.signing import PUBLIC_KEYS
from pipelines.gate import approval_proofs, held_out_audit, history_audit, tags
from pipelines.gate.approvals import APPROVED_BY
from pipelines.gate.history_audit import Kind, Step
from pipelines.gate.merges import SHORT
from pipelines.gate.tags import TagFinding
from pipelines.inquiry import overrides
from pipelines.inquiry.overrides import Override
from pipelines.params import Params, load
from pipelines.rounds import moved_commits, trust
from pipelines.rounds.context import open_lake
from pipelines.rounds.moved_commits import MapFinding
from pipelines.rounds.trust import FOLDER, Trust
from review.cli.datasets import wanted_datasets
from review.cli.output import make_console, print_json, sentence, table
from review.errors import Findings

WORDS: Final[dict[Kind, tuple[str, str]]] = {
    "round": ("merge of a round", "merges of rounds"),
    "real round": ("merge of a round of real data", "merges of rounds of real data"),
    "real data": ("merge of real data", "merges of real data"),
    "calibration": ("merge of a calibration", "merges of calibrations"),
    "review": ("merge of a review", "merges of reviews"),
    "take-down": ("merge of a take-down", "merges of take-downs"),
    "nothing": ("commit without changes", "commits without changes"),
}
"""Names of the kinds of sound steps, in the singular and the plural."""
WIDTH: Final = 24
"""Characters of a message that the table shows; `--json` has all of it."""


def run(*, ref: str, dataset: str | None, as_json: bool) -> None:
    """Walk the history of a ref and print every step that has no proof.

    No history tells that main was moved back, or a tag; so main is held against tags and receipts.

    Where commits were moved to this lake, the history is read through the map of their ids; a map
    that cannot be believed is a finding, and nothing can be read through it.

    Raises:
        Findings: a step has no proof, or tags, receipts and main contradict each other, or a map
            cannot be believed.
    """
    params = load()
    only = None if dataset is None else wanted_datasets(params, dataset)[0]
    lake = open_lake(params)
    trusted = trust.load(lake)
    served = Lake(lake.connection, lake.repository)
    maps = list(moved_commits.findings(served, params.lake.holdout))
    try:
        head = lake.resolve(ref)
    except StaleError:
        if not maps:
            raise
        _tell_maps(ref, maps, as_json=as_json)
        raise Findings(maps[0].sentence) from None
    log = list(lake.log(head.id, first_parent=True))[::-1]
    steps = list(history_audit.walk(lake, track(log, "commits"), trusted))[::-1]
    selected = [step for step in steps if only is None or only in step.datasets]
    wrong = [step for step in selected if step.wrong is not None]
    moved = [
        finding
        for finding in (_of_main(lake, params) if ref == refs.MAIN else [])
        if only in (None, finding.dataset)
    ]
    if as_json:
        print_json(_content(ref, head, selected, trusted, moved=moved, maps=maps))
    else:
        out = make_console()
        for found in maps:
            out.print(sentence(f"map: {found.sentence}", "bold red"), soft_wrap=True)
        for finding in moved:
            out.print(sentence(f"{finding.kind}: {finding.sentence}", "bold red"), soft_wrap=True)
        for part in _rendered(ref, selected, trusted):
            out.print(part)
    if wrong or moved or maps:
        raise Findings("; ".join(_summaries(ref, wrong, moved, maps)))


def _of_main(lake: Lake, params: Params) -> list[TagFinding]:
    """What contradicts main: tags and receipts, and the hold-out where it can be read."""
    found = tags.check(lake, params)
    try:
        found += held_out_audit.findings(lake, open_lake(params, holdout=True))
    except LakeError as error:
        console.line(f"the hold-out was not held against take-downs: {error}")
    return found


def _tell_maps(ref: str, maps: Sequence[MapFinding], *, as_json: bool) -> None:
    """Print what is wrong with the maps of commits where no history can be read through them."""
    if as_json:
        unread: dict[str, Any] = {
            "commit": None,
            "steps": {},
            "findings": [],
            "proved": [],
            "refs": [],
        }
        print_json({"ref": ref, **unread, "maps": [found.to_dict() for found in maps]})
        return
    for found in maps:
        make_console().print(sentence(f"map: {found.sentence}", "bold red"), soft_wrap=True)


def _summaries(
    ref: str,
    wrong: Sequence[Step],
    moved: Sequence[TagFinding],
    maps: Sequence[MapFinding],
) -> Iterator[str]:
    if maps:
        places = ", ".join(found.place for found in maps)
        yield f"a map of moved commits cannot be believed: {places}"
    if moved:
        names = ", ".join(dict.fromkeys(f"{finding.kind} ({finding.name})" for finding in moved))
        yield f"tags, receipts and main contradict each other: {names}"
    if wrong:
        yield f"the guard did not let through {_many(len(wrong), 'commit')} of {ref}"


def _content(
    ref: str,
    head: Commit,
    steps: Sequence[Step],
    trusted: Trust | None,
    *,
    moved: Sequence[TagFinding],
    maps: Sequence[MapFinding],
) -> dict[str, Any]:
    return {
        "ref": ref,
        "commit": head.id,
        "trusted_keys": sorted(trusted.keys.keys) if trusted else None,
        "steps": dict(Counter(step.kind for step in steps)),
        "findings": [step.to_dict() for step in steps if step.wrong is not None],
        "proved": [
            step.to_dict() for step in steps if step.wrong is None and step.kind != "nothing"
        ],
        "refs": [finding.to_dict() for finding in moved],
        "maps": [found.to_dict() for found in maps],
    }


def _rendered(ref: str, steps: Sequence[Step], trusted: Trust | None) -> Iterator[RenderableType]:
    proved = [step for step in steps if step.wrong is None]
    findings = [step for step in steps if step.wrong is not None]
    counts = Counter(step.kind for step in proved)
    sound = [
        f"{counts[kind]:,} {words[counts[kind] > 1]}"
        for kind, words in WORDS.items()
        if counts[kind]
    ]
    yield sentence(f"{ref}: {', '.join([*sound, _many(len(findings), 'finding')])}")
    if findings:
        yield _findings(findings)
    for step in proved:
        override = overrides.of_merge(step.commit)
        if override is not None:
            yield _overridden(step, override)
        if APPROVED_BY in step.commit.metadata:
            yield _approved(step)
    yield sentence(_signatures(proved, trusted))


def _signatures(proved: Sequence[Step], trusted: Trust | None) -> str:
    """Say who signed what was proved."""
    if trusted is None:
        return (
            f"no signature was verified: {FOLDER}/ holds no key to trust, and {PUBLIC_KEYS} names "
            "none"
        )
    signers = Counter(step.signer for step in proved if step.signer)
    signed = [f"{_many(count, 'merge')} by {name}" for name, count in sorted(signers.items())]
    earlier = sum(
        step.kind != "nothing" and not step.signer and trusted.is_earlier(step.commit.id)
        for step in proved
    )
    unsigned = [f"{_many(earlier, 'merge')} from before signing began"] if earlier else []
    keys = ", ".join(sorted(trusted.keys.keys))
    return f"signed: {', '.join([*signed, *unsigned]) or 'nothing yet'}; trusted keys: {keys}"


def _findings(findings: Sequence[Step]) -> FittedTable:
    body = [
        [
            step.commit.id[:SHORT],
            datetime.fromtimestamp(step.commit.created, UTC).strftime("%Y-%m-%d %H:%M"),
            step.commit.committer,
            _cut(" ".join(step.commit.message.split())),
            step.wrong,
            step.changed,
            step.first or "",
        ]
        for step in findings
    ]
    columns = ["commit", "when (UTC)", "committer", "message", "what is wrong", "paths", "first"]
    return table("", columns, body)


def _overridden(step: Step, override: Override) -> Text:
    """Say which round a merge published against the guard, who did it, when and why."""
    round_ = f" round {step.result.round} of {step.result.dataset}" if step.result else ""
    return sentence(f"{step.commit.id[:SHORT]}:{round_} was {override.sentence}", "yellow")


def _approved(step: Step) -> Text:
    """Say who approved a round that waited for people, and whether that is proved."""
    metadata = step.commit.metadata
    round_ = f" round {step.result.round} of {step.result.dataset}" if step.result else ""
    known = approval_proofs.proved(metadata)
    doubt = "" if known else f"; that is not proved: {approval_proofs.EARLIER}"
    return sentence(
        f"{step.commit.id[:SHORT]}:{round_} was approved by {metadata[APPROVED_BY]}{doubt}"
    )


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _many(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count:,} {word}s"
