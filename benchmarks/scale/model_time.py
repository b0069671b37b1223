"""How much of a stage's processor time goes to the generator itself, and how much to Stemma."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.common.plugins import Registry

SERVICE: Final = "BENCHMARK_SERVICE"
"""The variable with the number of the process that answers as a service, where there is one."""


@dataclass(slots=True)
class ModelTime:
    """Processor seconds of a model."""

    cpu: float = 0.0


@contextmanager
def watched() -> Iterator[ModelTime]:
    """Measure the model while a stage runs.

    It is the service, where the environment names its process, and otherwise what the generator's
    `fit` and `generate` take in this process.
    """
    found = ModelTime()
    service = os.environ.get(SERVICE)
    if service is not None:
        before = cpu_of(int(service))
        yield found
        found.cpu = cpu_of(int(service)) - before
        return
    load = Registry.load

    def loaded(registry: Registry[Any], reference: str, *arguments: object) -> Any:  # noqa: ANN401  any plug-in
        made = load(registry, reference, *arguments)
        if registry.kind == "generator":
            made.fit = _timed(made.fit, found)
            made.generate = _timed_batches(made.generate, found)
        return made

    Registry.load = loaded  # type: ignore[method-assign,assignment]
    try:
        yield found
    finally:
        Registry.load = load  # type: ignore[method-assign]


def cpu_of(process: int | None) -> float:
    """Processor seconds that a process has taken; 0 where there is none."""
    with suppress(OSError):
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _timed(work: Callable[..., Any], found: ModelTime) -> Callable[..., Any]:
    def run(*arguments: object, **named: object) -> Any:  # noqa: ANN401  whatever it returns
        start = time.process_time()
        try:
            return work(*arguments, **named)
        finally:
            found.cpu += time.process_time() - start

    return run


def _timed_batches(
    work: Callable[..., Iterator[Any]], found: ModelTime
) -> Callable[..., Iterator[Any]]:
    def run(*arguments: object, **named: object) -> Iterator[Any]:
        batches = iter(work(*arguments, **named))
        step = _timed(lambda: next(batches, None), found)
        while (batch := step()) is not None:
            yield batch

    return run
