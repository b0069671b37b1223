"""Measures the stages of a project, each in a process of its own, here or on an executor."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.scale import project, service, watched
from benchmarks.scale.model_time import SERVICE
from benchmarks.scale.rows import KINDS
from pipelines.common.executors.settings import KINDS as EXECUTORS

ROOT: Final = Path(__file__).resolve().parents[2]
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """What a stage took."""

    kind: str
    rows: int
    """Candidates; real rows where the stage is `ingest`."""
    stage: str
    executor: str
    """Where the stage's shards ran."""
    workers: int
    seconds: float
    cpu: float
    """Processor seconds of all processes, the lake's server with them; a service's are not."""
    model_cpu: float | None
    """Processor seconds of the generator itself, which `cpu` holds, or of a service, which it does
    not; None: it ran elsewhere."""
    peak_mib: float
    """Greatest resident memory of the stage's process, or of one that it started."""
    all_mib: float
    """Greatest resident memory of all of its processes at once."""
    server_mib: float
    """Greatest resident memory of the lake's server so far."""
    whole_cpu: float = 0.0
    """As `cpu`, with the start of the interpreter and all imports."""

    @property
    def speed(self) -> float:
        """Rows a second of processor time."""
        return self.rows / self.cpu if self.cpu else float("inf")

    @property
    def ours(self) -> float | None:
        """Share of the processor time that is ours and not the model's."""
        if self.model_cpu is None:
            return None
        of_service = self.kind == project.ASKED
        whole = self.cpu + (self.model_cpu if of_service else 0.0)
        return (whole - self.model_cpu) / whole if whole else 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """An executor and its workers."""

    kind: str
    workers: int

    @classmethod
    def of(cls, text: str) -> Place:
        """Read `processes/2`."""
        kind, _, workers = text.partition("/")
        if kind not in EXECUTORS or not workers.isdecimal() or int(workers) < 1:
            raise ArgumentTypeError(f"{text!r} is no executor with workers, as ray/2 is")
        return cls(kind, int(workers))


@dataclass(frozen=True, slots=True)
class Work:
    """A project to measure."""

    kind: str
    """Of `project.ALL`."""
    rows: int
    """Real rows of `ingest`, and candidates of the round."""
    real: int
    """Real rows beside the round."""
    kept: Path | None = None
    """Folder that keeps the projects; None: they are removed."""
    place: Place | None = None
    """Where shards are made; None: in the stage's process."""


def measure(work: Work, stages: Sequence[str]) -> Iterator[Row]:
    """Measure stages, each in a process of its own: `ingest` of all rows, then a round of them.

    Args:
        work: the project.
        stages: which are measured; those of the round before them run as well.
    """
    if "ingest" in stages and work.kind in KINDS:
        with scratch(work.kept) as folder:
            project.write(folder, work.kind, work.rows, 1)
            _stage(folder, "lake")
            yield measured(folder, work, "ingest")
    of_round = [name for name in project.STAGES if name in stages]
    if not of_round:
        return
    with scratch(work.kept) as folder, service_of(work.kind) as env:
        place = asdict(work.place) if work.place else None
        project.write(folder, work.kind, work.real, work.rows, place)
        first = project.STAGES.index(of_round[0])
        prepare(folder, project.STAGES[first - 1] if first else None, env)
        for name in of_round:
            yield measured(folder, work, name, env)


def prepare(folder: Path, last: str | None, env: Mapping[str, str]) -> None:
    """Run what comes before a round, and the round's stages up to the last one, if any."""
    _stage(folder, "lake")
    _stage(folder, "ingest", project.DATASET)
    if last is not None:
        for name in project.STAGES[: project.STAGES.index(last) + 1]:
            _stage(folder, name, project.ROUND, env=env)


@contextmanager
def scratch(kept: Path | None) -> Iterator[Path]:
    """Make a folder for a project, whose lake ends with it; it is removed unless it is kept."""
    folder = Path(tempfile.mkdtemp(dir=kept))
    try:
        yield folder
    finally:
        _end_server(folder)
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def service_of(kind: str) -> Iterator[dict[str, str]]:
    """Run the service of a kind that asks one; give the variables that name it."""
    if kind != project.ASKED:
        yield {}
        return
    with service.answering() as (address, process):
        yield {**service.access(address), SERVICE: str(process)}


def measured(folder: Path, work: Work, name: str, env: Mapping[str, str] | None = None) -> Row:
    """Run a stage and say what it took."""
    key = project.DATASET if name == "ingest" else project.ROUND
    took, seen = _stage(folder, name, key, env=env or {})
    seen.cpu_by_process.pop(took["server"], None)  # the stage has counted it
    not_waited = max(0.0, seen.cpu - took["waited_cpu"])
    peak = max(took["peak"], took["child_peak"], seen.peak_each)
    return Row(
        kind=work.kind,
        rows=work.rows,
        stage=name,
        executor=work.place.kind if work.place else "local",
        workers=work.place.workers if work.place else 1,
        seconds=took["seconds"],
        cpu=round(took["cpu"] + not_waited, 2),
        model_cpu=None if work.place else took["model_cpu"],
        peak_mib=round(peak / MIB, 1),
        all_mib=round(max(peak, seen.peak_all) / MIB, 1),
        server_mib=round(took["server_peak"] / MIB, 1),
        whole_cpu=round(seen.own_cpu + took["server_cpu"] + not_waited, 2),
    )


def _stage(
    folder: Path, *words: str, env: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], watched.Watched]:
    """Run a stage in a process of its own; read what it says that it took, and what was seen."""
    command = [sys.executable, "-m", "benchmarks.scale", "--stage", *words]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths, **(env or {})}
    done = watched.run(command, folder, {**os.environ, **own})
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed in {folder}:\n{done.out}\n{done.err}")
    found: dict[str, Any] = json.loads(done.out.strip().splitlines()[-1])
    return found, done


def _end_server(folder: Path) -> None:
    """End the embedded lake's server of a project."""
    from lake.home import LakeHome  # noqa: PLC0415  --help needs none

    server = LakeHome(folder / ".lake").serving()
    if server is not None:
        with suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGTERM)
