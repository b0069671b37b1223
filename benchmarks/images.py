"""What images cost where all are compared with all: `python -m benchmarks.images`.

Exact neighbours of small images beside a product of 32 bits whose nearest are compared again with
64, which is how they are searched by hand, and beside `faiss` and `hnswlib` where these are
installed; near-duplicates; the scorer `distance` of 60 candidates; and `ingest`, in a process of
its own. Processor time counts, since the clock of a busy machine says little: run it with
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.measured import Goal, Row, Taken, check, machine, measured, render
from benchmarks.scale.__main__ import measure
from pipelines.features import images, knn, near_pairs
from pipelines.scorers.distance import Distance
from pipelines.scorers.protocol import Given

SIDE: Final = 32
COARSE: Final = 8
"""Height and width of what smooth images are drawn from."""
NEAR: Final = 0.06
NEIGHBOURS: Final = 2
SPARE: Final = 8
"""Neighbours of the product that are compared again."""
BLOCK: Final = 2048
COPIED: Final = 20
"""One image in so many is nearly a copy of another."""
SIZES: Final = (2_000, 20_000)
ROWS: Final = 20_000
REAL: Final = 12_000
CANDIDATES: Final = 60
QUICK: Final = 600

Vectors = NDArray[np.float32]
Found = tuple[NDArray[np.float64], NDArray[np.int64]]


def smooth(rows: int, seed: int = 0) -> NDArray[np.uint8]:
    """Make smooth images with some noise, of which one in twenty is nearly a copy: [n, h, w]."""
    draw = np.random.default_rng(seed)
    place = np.linspace(0, COARSE - 1, SIDE)
    low = np.minimum(place.astype(np.int64), COARSE - 2)
    weights = np.zeros((SIDE, COARSE), dtype=np.float32)
    weights[np.arange(SIDE), low] = 1 - (place - low)
    weights[np.arange(SIDE), low + 1] = place - low
    pixels = np.empty((rows, SIDE, SIDE), dtype=np.uint8)
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        coarse = draw.integers(0, 256, (count, COARSE, COARSE)).astype(np.float32)
        fine = weights @ coarse @ weights.T + draw.normal(0, 8, (count, SIDE, SIDE))
        pixels[start : start + count] = np.clip(fine, 0, 255)
    part = rows // COPIED
    retouched = pixels[:part] + draw.integers(-2, 3, (part, SIDE, SIDE))
    pixels[rows - part :] = np.clip(retouched, 0, 255)
    return pixels


def noise(rows: int) -> NDArray[np.uint8]:
    """Make images of noise, which nothing can be said of by few coordinates: [n, h, w]."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (rows, SIDE, SIDE), dtype=np.uint8)


KINDS: Final[dict[str, Callable[[int], NDArray[np.uint8]]]] = {"smooth": smooth, "noise": noise}


def ours(vectors: Vectors) -> Found:
    """Search with `features.knn`."""
    return knn.nearest(vectors, vectors, NEIGHBOURS, skip_self=True)


def product(vectors: Vectors) -> Found:
    """Search by a blocked product of 32 bits, and compare the nearest again with 64."""
    squares = np.einsum("nd,nd->n", vectors, vectors)
    distances = np.empty((len(vectors), NEIGHBOURS))
    rows = np.empty((len(vectors), NEIGHBOURS), dtype=np.int64)
    for start in range(0, len(vectors), BLOCK):
        queries = vectors[start : start + BLOCK]
        apart = squares - 2 * (queries @ vectors.T)
        own = np.arange(len(queries))
        apart[own, start + own] = np.inf
        near = np.argpartition(apart, SPARE, axis=1)[:, :SPARE]
        gap = queries[:, None].astype(np.float64) - vectors[near]
        exact = np.sqrt(np.einsum("qkd,qkd->qk", gap, gap) / vectors.shape[1])
        order = np.lexsort((near, exact), axis=1)[:, :NEIGHBOURS]
        distances[start : start + BLOCK] = np.take_along_axis(exact, order, axis=1)
        rows[start : start + BLOCK] = np.take_along_axis(near, order, axis=1)
    return distances, rows


def by_faiss(vectors: Vectors) -> Found:
    """Search with an exact index of faiss, which rounds to 32 bits."""
    import faiss  # noqa: PLC0415  a peer that need not be installed

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    squares, rows = index.search(vectors, NEIGHBOURS + 1)
    return np.sqrt(np.maximum(squares[:, 1:], 0) / vectors.shape[1]), rows[:, 1:]


def by_hnswlib(vectors: Vectors) -> Found:
    """Search with hnswlib, which finds most neighbours."""
    import hnswlib  # noqa: PLC0415  a peer that need not be installed

    index = hnswlib.Index(space="l2", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=100, M=16)
    index.set_num_threads(1)
    index.add_items(vectors)
    index.set_ef(50)
    rows, squares = index.knn_query(vectors, k=NEIGHBOURS + 1, num_threads=1)
    return np.sqrt(squares[:, 1:] / vectors.shape[1]), rows[:, 1:].astype(np.int64)


PEERS: Final[dict[str, Callable[[Vectors], Found]]] = {
    "float32 product": product,
    "faiss": by_faiss,
    "hnswlib": by_hnswlib,
}
EXACT: Final = "float32 product"


def neighbours(kind: str, rows: int) -> Row:
    """Search the two nearest of each image, in every way that is installed."""
    vectors = images.to_unit(KINDS[kind](rows)).reshape(rows, -1)
    ours(vectors[:QUICK])  # what is compiled is ready
    with measured() as taken:
        found = ours(vectors)
    peers: dict[str, Taken] = {}
    for name, search in PEERS.items():
        try:
            with measured() as peer:
                theirs = search(vectors)
        except ModuleNotFoundError:
            continue
        peers[name] = _of_processor(peer)
        if name == EXACT:
            check(np.array_equal(found[0], theirs[0]), "distances differ from the product's")
            check(np.array_equal(found[1], theirs[1]), "rows differ from the product's")
    goal = Goal("the float32 product", peers[EXACT].seconds)
    work = f"two nearest of {rows:,} images, {kind}"
    return Row(f"neighbours_{kind}", work, "knn", _of_processor(taken), rows, peers, [goal])


def duplicates(kind: str, rows: int) -> Row:
    """Link the near-duplicates of images."""
    pixels = KINDS[kind](rows).reshape(rows, -1)
    near_pairs.linked(pixels[:QUICK], NEAR)
    with measured() as taken:
        found = near_pairs.linked(pixels, NEAR)
    check(len(found) == (rows // COPIED if kind == "smooth" else 0), "near-duplicates are missing")
    work = f"near-duplicates of {rows:,} images, {kind}"
    return Row(f"duplicates_{kind}", work, "near_pairs", _of_processor(taken), rows)


def scored(real: int, candidates: int) -> Row:
    """Score candidates by their distance to real images, and these by theirs to each other."""
    frames = [
        pl.DataFrame({"row": np.arange(rows), "image": images.column(smooth(rows, number))})
        for number, rows in enumerate((real, candidates))
    ]
    given, rows = (
        frame.select(pl.lit(number, pl.Int32).alias("round"), "row", "image")
        for number, frame in enumerate(frames)
    )
    scorer = Distance()
    with measured() as taken:
        scorer.score(rows, Given(given), scorer.Settings())
        scorer.score_real(Given(given), scorer.Settings())
    work = f"distance of {candidates} candidates and {real:,} real images"
    return Row("distance", work, "scorer", _of_processor(taken), real, goals=[Goal("5 s", 5)])


def ingested(rows: int) -> Row:
    """Ingest images of noise and a bright patch, in a process of its own."""
    (took,) = measure("images", rows, rows, ["ingest"], None)
    way = f"peak {took.peak_mib:,.0f} MiB"
    goals = [Goal("6 s", 6)] if rows == ROWS else []
    taken = Taken(took.cpu, took.cpu)
    return Row(f"ingest_{rows}", f"ingest of {rows:,} images", way, taken, rows, goals=goals)


def _of_processor(taken: Taken) -> Taken:
    """Let processor time stand for the clock, which others move."""
    return Taken(taken.cpu, taken.cpu)


def rows_of(rows: int, real: int, sizes: tuple[int, ...]) -> Iterator[Row]:
    """Measure everything."""
    for kind in KINDS:
        yield neighbours(kind, rows)
        yield duplicates(kind, rows)
    yield scored(real, CANDIDATES)
    for size in sizes:
        yield ingested(size)


def main() -> None:
    """Parse the command line, measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.images", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes; goals say nothing")
    parser.add_argument("--compared", type=int, default=ROWS, help="images that are compared")
    parser.add_argument("--rows", type=int, nargs="*", help="sizes of what is ingested")
    asked = parser.parse_args()
    sizes = SIZES if asked.rows is None else tuple(asked.rows)
    chosen = (QUICK, QUICK, (QUICK,)) if asked.quick else (asked.compared, REAL, sizes)
    found = []
    for row in rows_of(*chosen):
        found.append(row)
        print(f"{row.work}: {row.taken.cpu:.2f} s of a processor", file=sys.stderr, flush=True)
    where: dict[str, Any] = machine()
    if asked.json:
        print(json.dumps({**where, "rows": [row.record() for row in found]}, indent=2))
    else:
        render(found, where, Console(width=140))


if __name__ == "__main__":
    main()
