"""Where the pages about a round's verdicts are: in the lake, on the round's branch, and here.

`digits/docs/round=003/` goes wherever the round goes: to main when it is published, away when it is
superseded. The manifest says where the pages are and what they hold, so a local file that is
another round's is found out. How a page looks is no part of a stage's input key: it changes no
verdict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from expectations import data_docs, wording
from expectations.suite import Suite
from expectations.verifier import Verification
from lake import refs
from lake.client import Lake
from pipelines import manifest, receipts
from pipelines.verdicts import page, report

NAMES: Final = ("verdicts", "data_docs")
"""The pages: verdicts by reason, and GX's Data Docs."""
ROOT: Final = Path("reports")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the pages about a round are drawn from."""

    dataset: str
    round: int
    suite: Suite
    found: Verification
    generated: str
    """The commit with the candidates and their lineage."""


def described(judgement: Judgement) -> dict[str, dict[str, Any]]:
    """What the manifest says of each expectation: counts, and what it asks for."""
    summary = judgement.found.summary()
    return {
        rule.name: {
            **summary.get(rule.name, {}),
            "type": rule.type,
            "columns": list(rule.columns),
            "limits": dict(rule.limits),
            "sentence": wording.sentence(rule),
        }
        for rule in judgement.suite.rules
    }


def write(
    lake: Lake, branch: str, judgement: Judgement, about: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Draw the pages of a round and stage them on a branch.

    Args:
        lake: the lake.
        branch: to write on.
        judgement: what they are drawn from.
        about: the section `verdicts` of the round's manifest.

    Returns:
        By page its path and SHA-256, for the manifest.
    """
    dataset, number = judgement.dataset, judgement.round
    drawn = {
        "verdicts": _verdicts(lake, judgement, about),
        "data_docs": _data_docs(judgement, about),
    }
    found = {}
    for name, text in drawn.items():
        path, data = refs.page(dataset, number, name), text.encode()
        lake.write_bytes(branch, path, data, "text/html; charset=utf-8")
        found[name] = {"path": path, "sha256": hashlib.sha256(data).hexdigest()}
    return found


def copy(lake: Lake, ref: str, dataset: str, number: int) -> None:
    """Write the pages that a ref holds beside the other reports of this checkout."""
    held = manifest.read(lake, ref, dataset, number)["verdicts"]["pages"]
    for name, about in held.items():
        receipts.write_bytes(local(dataset, number, name), lake.read(ref, about["path"]))


def local(dataset: str, number: int, name: str) -> Path:
    """Where a page stands in this checkout: `reports/digits/3/verdicts.html`."""
    return ROOT / dataset / str(number) / f"{name}.html"


def links(lake: Lake, ref: str, about: Mapping[str, Any]) -> dict[str, dict[str, str | None]]:
    """Where the pages of a round are.

    Args:
        lake: the lake.
        ref: a branch, tag or commit that holds the round.
        about: the round's manifest.

    Returns:
        By page its address in the lake, and the local file if that is the same.
    """
    held = about.get("verdicts", {}).get("pages", {})
    return {
        name: {
            "lake": f"lakefs://{lake.repository}/{ref}/{each['path']}",
            "file": _same(each["path"], each["sha256"]),
        }
        for name, each in held.items()
    }


def _same(path: str, digest: str) -> str | None:
    """The local copy of a page in the lake, unless it is missing or another one."""
    dataset, number, name = path.partition("/")[0], refs.round_of(path), Path(path).stem
    place = local(dataset, number or 0, name)
    try:
        data = place.read_bytes()
    except OSError:
        return None
    return str(place) if hashlib.sha256(data).hexdigest() == digest else None


def _verdicts(lake: Lake, judgement: Judgement, about: Mapping[str, Any]) -> str:
    dataset, number = judgement.dataset, judgement.round
    tables: dict[str, pl.LazyFrame] = {
        name: lake.scan(judgement.generated, refs.partition(dataset, name, number))
        for name in ("lineage", "candidates")
    }
    told = report.build(
        judgement.found.verdicts, about, tables["lineage"], dataset=dataset, number=number
    )
    return page.draw(told, report.shown(tables["candidates"], told))


def _data_docs(judgement: Judgement, about: Mapping[str, Any]) -> str:
    facts = {"suite": about["suite"], "candidates of commit": judgement.generated}
    made = data_docs.About(judgement.dataset, judgement.round, datetime.now(UTC), facts)
    return data_docs.page(judgement.found.verdicts, judgement.suite, made)
