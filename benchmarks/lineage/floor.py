"""The floor: a fused loop over flat arrays in memory, in C where there is a compiler.

It keeps nothing, names nothing and serves no other commit, so an index can only come near to it.
Room for the results is part of its time, as it is of everyone's.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.lineage import flat
from benchmarks.lineage.engine import Engine, Reader, Result, slots
from benchmarks.lineage.flat import Flat

SOURCE: Final = Path(__file__).with_name("floor.c")
COMPILER: Final = "cc"
OPTIONS: Final = ("-O3", "-march=native", "-shared", "-fPIC")
INDIRECT: Final = 2
"""Mark of an indirect descendant."""

Loop = Callable[..., object]


@dataclass(slots=True)
class Floor(Engine):
    """The loops and what they run over."""

    flat: Flat = field(init=False)
    loop: Callable[[str], Loop] = field(init=False)

    def prepare(self) -> None:
        """Compile the loops and read the arrays."""
        compiler = shutil.which(COMPILER)
        self.loop = _c(compiler, self.scratch) if compiler else _numba()
        self.name = "C loop" if compiler else "numba loop (no C compiler here)"
        self.flat = flat.read(self.world)
        nobody = np.empty(0, np.int64)
        for warm in (self.derive, lambda: self.descendants(nobody), lambda: self.indirect(nobody)):
            warm()

    def derive(self) -> Reader:
        """Derive every column."""
        one, count = self.flat, self.world.slots
        floats = [np.empty(count) for _ in range(3)]
        depths = [np.empty(count, np.int32) for _ in range(2)]
        self._run("derive", one.weights, one.mix, one.mass, one.first, *floats, *depths)
        return lambda: _columns(one.present, floats, depths)

    def descendants(self, starts: NDArray[np.int64]) -> Reader:
        """Scan all edges once."""
        marks = self._marked(starts)
        self._run("descend", marks)
        return self._reader(starts, marks, 1)

    def indirect(self, starts: NDArray[np.int64]) -> Reader:
        """Scan all edges and mixes once."""
        one, marks, held = self.flat, self._marked(starts), np.zeros(self.world.rounds, np.uint8)
        self._run("descend_indirectly", one.weights, one.mix, one.mass, one.first, held, marks)
        return self._reader(starts, marks, INDIRECT)

    def _run(self, name: str, *arrays: NDArray[Any]) -> None:
        graph = (self.flat.offsets, self.flat.parents)
        self.loop(name)(self.world.rounds, self.world.stride, *graph, *arrays)

    def _marked(self, starts: NDArray[np.int64]) -> NDArray[np.uint8]:
        marks = np.zeros(self.world.slots, np.uint8)
        marks[starts] = 1
        return marks

    def _reader(self, starts: NDArray[np.int64], marks: NDArray[np.uint8], mark: int) -> Reader:
        marks[starts] = 0
        return slots(np.flatnonzero(marks == mark))


def _c(compiler: str, scratch: Path) -> Callable[[str], Loop]:
    """The loops of floor.c, compiled for this processor."""
    library = scratch / "floor.so"
    subprocess.run([compiler, *OPTIONS, "-o", str(library), str(SOURCE)], check=True)
    loaded = ctypes.CDLL(str(library))

    def loop(name: str) -> Loop:
        def call(*given: int | NDArray[Any]) -> None:
            if getattr(loaded, name)(*(_as_c(each) for each in given)):
                raise MemoryError(f"no memory for {name}")

        return call

    return loop


def _as_c(given: int | NDArray[Any]) -> ctypes.c_int64 | ctypes.c_void_p:
    return ctypes.c_int64(given) if isinstance(given, int) else ctypes.c_void_p(given.ctypes.data)


def _numba() -> Callable[[str], Loop]:
    import numba  # noqa: PLC0415  slow to import

    from benchmarks.lineage import loops  # noqa: PLC0415  imports numba

    names = ("derive", "descend", "descend_indirectly")
    compiled: dict[str, Loop] = {name: numba.njit(getattr(loops, name)) for name in names}
    return compiled.__getitem__


def _columns(
    present: NDArray[np.bool_], floats: list[NDArray[Any]], depths: list[NDArray[Any]]
) -> Result:
    known = depths[1][present] >= 0
    inputs, roots, mean = (each[present] for each in floats)
    low, high = (np.where(known, each[present], np.nan) for each in depths)
    return {
        "slot": np.flatnonzero(present).astype(np.float64),
        "real_inputs": inputs,
        "real_roots": roots,
        "depth_mean": np.where(known, mean, np.nan),
        "depth_min": low,
        "depth_max": high,
    }
