"""Derives every derived column of every row from the graph alone.

The definitions are those of `lineage.record`. No stored value is trusted: the figures of a mix
follow from the derived values of its members. What the index does not hold (an absent parent, a mix
without a manifest) counts as an opaque model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import edges
from lineage.ancestry import kernels, mixtures
from lineage.ancestry.compiling import FEW, suited
from lineage.ancestry.index import Ancestry
from lineage.ancestry.mixtures import Figures, Sums
from lineage.ancestry.segments import Segment
from lineage.ancestry.views import View

ABSENT: Final = (0.0, 0.0, np.inf, -np.inf)
"""Values of an occurrence that the index does not hold: no walk from it ends at a real sample."""
MIXES: Final = pl.Schema(
    {
        "dataset": pl.String(),
        "round": pl.Int32(),
        "mix": pl.String(),
        "held": pl.Int64(),
        "rows": pl.Int64(),
        "real_share": pl.Float64(),
        "real_roots": pl.Float64(),
        "depth_mean": pl.Float64(),
        "depth_min": pl.Int64(),
        "depth_max": pl.Int64(),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """The derived columns of a segment, and the figures of its mixes."""

    segment: Segment
    rows: pl.DataFrame
    """row (Int64), real_inputs, real_roots, depth_mean (Float64), depth_min, depth_max (Int64),
    sorted by row; depths are null where no walk ends at a real sample."""
    mixes: pl.DataFrame
    """dataset, round (of the segment), mix (digest), held (Int64: members that the index holds),
    rows (Int64: members by the manifest; null where it is unknown), real_share, real_roots,
    depth_mean (Float64), depth_min, depth_max (Int64; all null where no member is held): one row
    per mix that the segment names."""


def derive(index: Ancestry) -> Iterator[tuple[Segment, pl.DataFrame]]:
    """Derive each segment's columns, in topological order; see `Derived.rows`.

    Raises:
        CycleError: some segments cannot be put in order.
    """
    return ((derived.segment, derived.rows) for derived in rounds(index))


def mix_figures(index: Ancestry) -> pl.DataFrame:
    """Derive the figures of each mix; see `Derived.mixes`. For both at once, use `rounds`.

    Raises:
        CycleError: some segments cannot be put in order.
    """
    return pl.concat([MIXES.to_frame(), *(derived.mixes for derived in rounds(index))])


def rounds(index: Ancestry) -> Iterator[Derived]:
    """Derive each segment's columns and the figures of its mixes, in topological order.

    Of the whole lake four numbers per row are kept, 32 bytes, beside the segment at hand.

    Raises:
        CycleError: some segments cannot be put in order.
        MixError: a mix was drawn by a rule that this version does not know.
    """
    index.check_order()
    layout = index.layout
    kernel = suited(kernels.derive, layout)
    values = np.empty((index.rows + 1, 4), dtype=np.float64)
    values[-1] = ABSENT
    accepted: list[Sums] = []
    for view in layout.views:
        models = [
            mixtures.figures(layout, view, slot, values, accepted)
            for slot in range(len(view.mixes))
        ]
        rows, sums = _rows(view, models, values, kernel)
        accepted.append(sums)
        yield Derived(view.segment, rows, _mixes(view, models))


def _rows(
    view: View,
    models: Sequence[Figures],
    values: NDArray[np.float64],
    kernel: Callable[..., None],
) -> tuple[pl.DataFrame, Sums]:
    """Derive the rows of a segment: into the values of the whole lake, as a frame, and as sums."""
    count, arrays = view.segment.rows, view.arrays
    shares = np.empty((3, count), dtype=np.float64)
    depths = np.empty((2, count), dtype=np.int64)
    has_depths = np.zeros((count + 7) // 8, dtype=np.uint8)
    sums = np.array(mixtures.NOTHING)
    kernel(
        *(arrays[name] for name in ("start", "parent", "weight")),
        *(view.bounds, view.shifts, arrays["flags"], arrays["mix"]),
        np.array([model.model() for model in models]).reshape(-1, 5),
        edges.TOLERANCE,
        values,
        view.segment.base,
        shares,
        depths,
        has_depths,
        sums,
    )
    rows = pl.DataFrame(
        {
            "row": view.row_index.rows_at(np.arange(count)),
            "real_inputs": shares[0],
            "real_roots": shares[1],
            "depth_mean": _nullable(shares[2], has_depths),
            "depth_min": _nullable(depths[0], has_depths),
            "depth_max": _nullable(depths[1], has_depths),
        }
    )
    return rows, Sums(*sums.tolist())


def _mixes(view: View, models: Sequence[Figures]) -> pl.DataFrame:
    rows = [
        (
            view.segment.dataset,
            view.segment.round,
            digest,
            model.held,
            manifest.rows if manifest else None,
            *(astuple(model)[1:] if model.held else (None,) * 5),
        )
        for digest, manifest, model in zip(view.mixes, view.manifests, models, strict=True)
    ]
    return pl.DataFrame(rows, schema=MIXES, orient="row")


def _nullable(values: NDArray[Any], validity: NDArray[np.uint8]) -> pl.Series:
    """Make a series of values, null where the bit in `validity` is not set; many are not copied."""
    if len(values) <= FEW:
        known = np.unpackbits(validity, count=len(values), bitorder="little").astype(np.bool_)
        return pl.select(pl.when(pl.Series(known)).then(pl.Series(values))).to_series()
    import pyarrow as pa  # noqa: PLC0415  slow to import

    buffers = [pa.py_buffer(validity), pa.py_buffer(values)]
    arrow = pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)
    return pl.Series(pl.from_arrow(arrow))
