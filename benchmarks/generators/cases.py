"""A generator on a data set with a seed, and results that are kept on disk.

What is on disk is used again where nothing that it depends on has another version: the generator,
suite and metrics, and how rows are split. A case that was ended in the middle is begun again, so
that its seconds are those of the whole.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from benchmarks.crafted import rounds
from benchmarks.generators import contenders, figures, making, worlds
from benchmarks.generators.contenders import Contender
from benchmarks.generators.figures import Figures
from benchmarks.measured import machine
from lake import files
from pipelines.common import digests
from pipelines.common.errors import PipelineError
from pipelines.common.progress import track
from pipelines.rounds import stage_inputs

VERSION: Final = "generators/1"
"""Raised when rows are split, or figures are taken, in another way."""
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
FAILS: Final[Mapping[str, tuple[type[Exception], ...]]] = {
    "yardstick": (PipelineError,),
    "shipped": (PipelineError,),
    "other": (Exception,),
}
"""What is recorded as a failure of a contender; anything can go wrong in what is not of the
package."""
STAGES: Final = ("verify", "curate")
SECONDS: Final = ("fit_s", "fit_cpu_s", "make_s", "make_cpu_s")


@dataclass(frozen=True, slots=True)
class Case:
    """A generator on a data set with a seed of its own split."""

    data: str
    generator: str
    seed: int
    most: int | None = None
    """Candidates, at most; None: as many as rows are withheld."""

    @property
    def file(self) -> str:
        """Name of the file that keeps its result."""
        name = re.sub(r"[^A-Za-z0-9]+", "-", self.generator).strip("-").lower()
        few = "" if self.most is None else f"_{self.most}"
        return f"{self.data}_{name}_{self.seed}{few}.json"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case."""

    case: Case
    key: str
    standing: str
    train: int
    """Real rows that the generator learns from."""
    test: int
    """Real rows that the figures are measured on."""
    candidates: int
    """Candidates that it was asked for."""
    figures: Figures | None
    """None where nothing was made."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall-clock and processor seconds to learn and to make; of a model's server, too."""
    dollars: float | None = None
    cost: Mapping[str, Any] = field(default_factory=dict)
    failed: str = ""
    """Why nothing was made."""
    machine: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return asdict(self)

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Result:
        """Read a result back."""
        given, found = dict(content), content["figures"]
        given |= {"case": Case(**content["case"]), "figures": found and Figures(**found)}
        return cls(**given)


def all_cases(
    data: Sequence[str], seeds: int, also: Sequence[str] = (), most: int | None = None
) -> list[Case]:
    """List the cases of kinds of data, seed by seed.

    Args:
        data: names as in `worlds.DATA`.
        seeds: how many splits.
        also: references of generators of one's own.
        most: candidates, at most.
    """
    return [
        Case(name, contender.name, seed, most)
        for seed in range(seeds)
        for kind in data
        for name in worlds.DATA[kind]
        for contender in contenders.of_data(name, tuple(also))
    ]


def run(
    asked: Sequence[Case], place: Path, processes: int, also: Sequence[str] = ()
) -> list[Result]:
    """Run the cases that are not on disk, and read all.

    Args:
        asked: the cases.
        place: folder of their results.
        processes: cases that are run at once.
        also: references of generators of one's own.

    Raises:
        ParamsError: one of them cannot be loaded.
    """
    for each in also:
        making.version(each)  # before any case is run
    place.mkdir(parents=True, exist_ok=True)
    own = tuple(str(Path(each).resolve()) if Path(each).exists() else each for each in also)
    missing = [case for case in asked if kept(place, case, also) is None]
    os.environ |= ONE_THREAD  # of each process; it must be set before their libraries load
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run_and_keep, case, place.resolve(), also, own) for case in missing]
        for future in track(waiting, "generators"):
            future.result()
    return [found for case in asked if (found := kept(place, case, also)) is not None]


def kept(place: Path, case: Case, also: Sequence[str] = ()) -> Result | None:
    """Read a result; None where there is none of what is asked, in the versions of now."""
    try:
        content = json.loads((place / case.file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    found = Result.read(content)
    return found if found.key == key(case, contender_of(case, also)) else None


def contender_of(case: Case, also: Sequence[str] = ()) -> Contender:
    """Find the contender of a case."""
    known = contenders.of_data(case.data, tuple(also))
    return next(each for each in known if each.name == case.generator)


def key(case: Case, contender: Contender) -> str:
    """Digest of everything that a result depends on."""
    own = Path(contender.generator)
    content = {
        "benchmark": VERSION,
        "case": asdict(case),
        "version": contender.version,
        "file": digests.of_file(own) if own.is_file() else "",
        "settings": dict(contender.settings),
        "stages": {name: stage_inputs.VERSIONS[name] for name in STAGES},
        "plugins": rounds.versions(worlds.modality(case.data)),
    }
    return digests.of_json(content)


def run_and_keep(
    case: Case, place: Path, also: Sequence[str] = (), own: Sequence[str] = ()
) -> Result:
    """Run a case and write its result.

    Args:
        case: the case.
        place: folder of results.
        also: references of generators of one's own, as they were given.
        own: the same, with whole paths.
    """
    contender, whole = contender_of(case, also), key(case, contender_of(case, also))
    if case.generator in also:
        at = own[list(also).index(case.generator)]
        contender = contenders.of_generator(case.generator, (case.data,), at, "other")
    with chdir(place):  # scorers, sources and the local model keep their files below it
        found = result(case, contender, whole)
    files.write_json(place / case.file, found.to_dict())
    return found


def result(case: Case, contender: Contender, whole: str) -> Result:
    """Make the candidates of a case and measure them.

    Args:
        case: the case.
        contender: what makes them.
        whole: what the result depends on.
    """
    split = worlds.split(case.data, case.seed, case.most)
    about: dict[str, Any] = {
        "case": case,
        "key": whole,
        "standing": contender.standing,
        "train": len(split.world.real),
        "test": len(split.test),
        "candidates": split.candidates,
        "machine": machine(),
    }
    try:
        made = contender.make(split)
    except FAILS[contender.standing] as error:
        return Result(**about, figures=None, failed=f"{type(error).__name__}: {error}")
    taken = (made.fit.seconds, made.fit.cpu, made.make.seconds, made.make.cpu)
    return Result(
        **about,
        figures=figures.measure(split, made),
        seconds=dict(zip(SECONDS, (round(each, 3) for each in taken), strict=True)),
        dollars=made.dollars,
        cost=made.cost,
    )
