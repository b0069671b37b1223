"""Crafted rounds as cases, what the guard said of them, and results that are kept on disk.

What is on disk is used again where nothing that it depends on has another version: harm depends on
the mix alone, evidence on suite and metrics. The guard judges the evidence anew each time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.crafted import bench, kept_evidence
from benchmarks.crafted.harm import Lost
from lake import files
from lineage import guard
from lineage.evidence import Evidence
from pipelines.common.progress import track

DIGITS: Final = "digits"
VERSION: Final = "crafted/1"
"""Raised when rounds are crafted, or harm is measured, in another way."""
MEASURED: Final = ("healthy", "style", "harm")
"""Groups of which harm is measured; copies are bad by what they are."""
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Case:
    """A kind at a strength, with a seed of its own split."""

    kind: str
    strength: float
    seed: int
    data: str = DIGITS

    @property
    def file(self) -> str:
        """Name of the file that keeps its result."""
        name = self.kind.replace(",", "").replace(" ", "-")
        of = "" if self.data == DIGITS else f"{self.data}_"
        return f"{of}{name}_{self.strength:g}_{self.seed}.json"


@dataclass(frozen=True, slots=True)
class Result:
    """What the guard said of a case, and what it costs."""

    case: Case
    key: str
    stopped: str
    """Why the suite stops the round as a whole; empty where it does not."""
    counts: Mapping[str, int]
    mix: str
    """Digest of the next training mix; empty where there is none."""
    crafted: float
    """Share of the accepted rows that were made to break the guard."""
    checks: Mapping[str, tuple[float | None, str]] = field(default_factory=dict)
    """Figure and verdict of each check."""
    lost: Mapping[str, Lost] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Result:
        """Read a result back."""
        given = {name: value for name, value in content.items() if name != "version"}
        return cls(
            **{
                **given,
                "case": Case(**content["case"]),
                "checks": {
                    name: (value, said) for name, (value, said) in content["checks"].items()
                },
                "lost": {name: Lost(**lost) for name, lost in content["lost"].items()},
            }
        )


Made: TypeAlias = tuple[Result, Evidence | None]
"""A result without checks, and what the guard judges; None where the suite stops the round."""


def all_cases(seeds: int, only: Sequence[str] = (), data: str = DIGITS) -> list[Case]:
    """List the cases, seed by seed; `only` names kinds by a part of their names."""
    return [
        Case(name, strength, seed, data)
        for seed in range(seeds)
        for name, kind in bench.load(data).kinds.items()
        if not only or any(part in name for part in only)
        for strength in kind.strengths
    ]


def run(
    cases: Sequence[Case], place: Path, processes: int, again: Sequence[str] = ()
) -> list[Result]:
    """Run the cases that are not on disk, and read all; they are of one kind of data.

    Args:
        cases: the cases.
        place: folder of their results.
        processes: cases that are run at once.
        again: metrics that alone have another version than when results were kept; these rounds
            are measured by them again, and the rest of their figures stays.
    """
    place.mkdir(parents=True, exist_ok=True)
    key = bench.load(cases[0].data).key() if cases else ""
    missing = [case for case in cases if _kept(place, case, key) is None]
    os.environ |= ONE_THREAD  # of each process; it must be set before their libraries load
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = [
            pool.submit(_run_and_keep, case, place.resolve(), key, tuple(again)) for case in missing
        ]
        for future in track(waiting, "crafted rounds"):
            future.result()
    with chdir(place):  # limits are those of sources, which are written below it
        return list(_read(cases, Path(), key))


def _kept(place: Path, case: Case, key: str) -> Result | None:
    found = _before(place, case)
    return found if found is not None and found.key == key else None


def _before(place: Path, case: Case) -> Result | None:
    """Read a result, of whatever versions; None if there is none of this form."""
    try:
        content = json.loads((place / case.file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Result.read(content) if content.get("version") == VERSION else None


def _read(cases: Sequence[Case], place: Path, key: str) -> Iterator[Result]:
    for case in cases:
        found = _kept(place, case, key)
        if found is not None:
            folder = place / Path(case.file).stem
            yield found if found.stopped else judged(found, kept_evidence.read(folder))


def judged(found: Result, evidence: Evidence) -> Result:
    """Let the guard judge the evidence about a case, by the shipped limits."""
    limits = bench.load(found.case.data).limits(found.case.seed)
    checks = guard.judge(evidence, limits).checks
    return replace(found, checks={check.name: (check.value, check.verdict) for check in checks})


def _run_and_keep(case: Case, place: Path, key: str, again: tuple[str, ...]) -> None:
    os.chdir(place)  # scorers keep their scores below it
    before, folder = _before(place, case), place / Path(case.file).stem
    data = bench.load(case.data)
    evidence: Evidence | None
    if again and data.again is not None and before is not None:
        kept = None if before.stopped else kept_evidence.read(folder)
        evidence = None if kept is None else data.again(case, kept, again)
        found = replace(before, key=key)
    else:
        found, evidence = data.result(case, key, before)
    if evidence is not None:
        kept_evidence.write(folder, evidence)
    files.write_json(place / case.file, found.to_dict())
