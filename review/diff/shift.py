"""Whether a column's values are distributed alike on two sides: an effect size and a test each.

Numbers: Kolmogorov-Smirnov and Wasserstein-1, Cliff's delta (Cliff 1993). Categories: G-test
(Woolf 1957), Cramér's V, total variation. Texts: their lengths as numbers, their words as
categories without a test, for words of one text are not independent. Images: brightness and
contrast as numbers. p-values are adjusted over all columns by Holm's method (1979).

A shift is one that is both significant and not small: among a million rows everything is
significant, among twenty nothing is large by chance alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations import scripts
from expectations.measures import pixels
from expectations.measures.distributions import kolmogorov_smirnov, total_variation, wasserstein
from review.diff import categories, effects

LEVEL: Final = 0.01
"""Adjusted p-value below which a difference is significant."""
MOST_ROWS: Final = 20_000
"""Rows of each side that are compared; more are sampled at random with a fixed seed."""
MOST_IMAGES: Final = 400
"""Images of each side that are compared, evenly spaced."""
FEW_ROWS: Final = 8
"""Rows of a side below which nothing is tested."""
WORDS: Final = scripts.LETTERS


@dataclass(frozen=True, slots=True)
class Shift:
    """The distributions of one column, or of one figure of it, on two sides."""

    column: str
    kind: str
    """`numeric`, `category`, `words`, or `other`, whose values are not compared."""
    rows: tuple[int, int]
    nulls: tuple[int, int]
    before: Mapping[str, float]
    """mean, sd and median of numbers; distinct of categories."""
    after: Mapping[str, float]
    figures: Mapping[str, float]
    effect: float | None = None
    """Cliff's delta, Cramér's V, or the total variation of words."""
    size: str | None = None
    """`none`, `small`, `medium` or `large`."""
    p_value: float | None = None
    p_holm: float | None = None
    gained: tuple[str, ...] = ()
    """Some categories that only the right side has, the most frequent first."""
    lost: tuple[str, ...] = ()
    gained_count: int = 0
    lost_count: int = 0
    nan: tuple[int, int] = (0, 0)
    """Rows that hold NaN in place of a number."""

    @property
    def shifted(self) -> bool:
        """Whether the difference is significant and not small."""
        significant = self.p_holm is not None and self.p_holm < LEVEL
        return significant and self.size in ("medium", "large")

    @property
    def absent(self) -> tuple[int, int]:
        """Rows without a value: null or NaN."""
        return self.nulls[0] + self.nan[0], self.nulls[1] + self.nan[1]

    def to_dict(self) -> dict[str, Any]:
        """The content of `--json`."""
        content = asdict(self) | {"shifted": self.shifted}
        pairs = ("rows", "nulls", "gained", "lost", "nan")
        return {**content, **{name: list(content[name]) for name in pairs}}


def shifts(left: pl.LazyFrame, right: pl.LazyFrame, names: Sequence[str]) -> tuple[Shift, ...]:
    """Compare columns of two sides.

    Args:
        left: one side.
        right: the other side.
        names: columns that both have.
    """
    unadjusted = [shift for name in names for shift in _column(left, right, name)]
    adjusted = effects.holm([shift.p_value for shift in unadjusted])
    return tuple(replace(shift, p_holm=p) for shift, p in zip(unadjusted, adjusted, strict=True))


def is_image(dtype: pl.DataType) -> bool:
    """Whether a column holds image files: `struct{bytes, path}`, as in Hugging Face datasets."""
    return isinstance(dtype, pl.Struct) and "bytes" in {member.name for member in dtype.fields}


def _column(left: pl.LazyFrame, right: pl.LazyFrame, name: str) -> list[Shift]:
    dtypes = [series.collect_schema()[name] for series in (left, right)]
    if all(is_image(dtype) for dtype in dtypes):
        return _images(left, right, name)
    if any(dtype.is_nested() or dtype == pl.Binary for dtype in dtypes):
        counted = [series.select(pl.len(), pl.col(name).null_count()) for series in (left, right)]
        (rows, nulls), (more, empty) = (series.row(0) for series in pl.collect_all(counted))
        return [Shift(name, "other", (rows, more), (nulls, empty), {}, {}, {})]
    frames = pl.collect_all([left.select(name), right.select(name)])
    old, new = (series.to_series() for series in frames)
    old, new = _same_unit(old, new)
    if all(series.dtype.is_numeric() or series.dtype.is_temporal() for series in (old, new)):
        few = old.dtype.is_integer() and categories.few(old, new)
        return [_categories(name, old, new) if few else _numbers(name, old, new)]
    old, new = old.cast(pl.String), new.cast(pl.String)
    if categories.few(old, new):
        return [_categories(name, old, new)]
    lengths = [series.str.len_chars() for series in (old, new)]
    return [_numbers(f"{name}: length", *lengths), _words(name, old, new)]


def _numbers(name: str, old: pl.Series, new: pl.Series) -> Shift:
    rows, nulls = (len(old), len(new)), (old.null_count(), new.null_count())
    left, right = (_drawn(series) for series in (old, new))
    shift = replace(
        Shift(name, "numeric", rows, nulls, _summary(left), _summary(right), {}),
        nan=(_nan(old), _nan(new)),
    )
    if min(len(left), len(right)) < FEW_ROWS:
        return shift
    delta = effects.cliffs_delta(left, right)
    figures = {
        "kolmogorov_smirnov": kolmogorov_smirnov(left, right),
        "wasserstein": wasserstein(left, right),
    }
    p_value = effects.kolmogorov_p(figures["kolmogorov_smirnov"], len(left), len(right))
    # A change of spread alone has a delta of 0, which the Kolmogorov-Smirnov statistic shows.
    effect = max(abs(delta), figures["kolmogorov_smirnov"])
    size = effects.named(effect, effects.CLIFF)
    return replace(shift, figures=figures, effect=delta, size=size, p_value=p_value)


def _categories(name: str, old: pl.Series, new: pl.Series) -> Shift:
    counts = categories.counted(old, new)
    shift = _counted(name, "category", counts, old, new)
    values = counts.select("before", "after").to_numpy().T
    if not values.size or values.sum(axis=1).min() < FEW_ROWS:
        return shift
    tested = effects.categories(values)
    size = effects.named(tested.cramers_v, effects.CRAMER)
    return replace(
        shift,
        figures={"total_variation": tested.total_variation, "g": tested.g},
        effect=tested.cramers_v,
        size=size,
        p_value=tested.p_value,
    )


def _words(name: str, old: pl.Series, new: pl.Series) -> Shift:
    split = [
        _sampled(series).str.to_lowercase().str.extract_all(WORDS).explode()
        for series in (old, new)
    ]
    counts = categories.counted(*split)
    shift = _counted(f"{name}: words", "words", counts, old, new)
    values = counts.select("before", "after").to_numpy().T
    if not values.size or not values.sum(axis=1).all():
        return shift
    variation = total_variation(*values)
    return replace(shift, figures={"total_variation": variation}, effect=variation)


def _images(left: pl.LazyFrame, right: pl.LazyFrame, name: str) -> list[Shift]:
    """Compare brightness and contrast of some images, of those that can be decoded."""
    files = pl.col(name).struct.field("bytes")
    counted = [frame.select(pl.len(), files.null_count()) for frame in (left, right)]
    (rows, nulls), (more, empty) = (frame.row(0) for frame in pl.collect_all(counted))
    drawn = [
        frame.select(files).gather_every(max(1, size // MOST_IMAGES)).head(MOST_IMAGES)
        for frame, size in ((left, rows), (right, more))
    ]
    series = [frame.to_series() for frame in pl.collect_all(drawn)]
    moments = [np.asarray([_moments(file) for file in frame]).reshape(-1, 2) for frame in series]
    figures = ("brightness", "contrast")
    return [
        replace(
            _numbers(f"{name}: {what}", *(pl.Series(frame[:, index]) for frame in moments)),
            rows=(rows, more),
            nulls=(nulls, empty),
        )
        for index, what in enumerate(figures)
    ]


def _moments(file: bytes | None) -> tuple[float, float]:
    values = pixels.decode([file])[0]
    whole = values.size > 0 and bool(np.isfinite(values).all())
    return (float(values.mean()), float(values.std())) if whole else (np.nan, np.nan)


def _counted(name: str, kind: str, counts: pl.DataFrame, old: pl.Series, new: pl.Series) -> Shift:
    gained, lost = categories.gained(counts), categories.lost(counts)
    held = counts.select((pl.col("before", "after") > 0).sum()).row(0)
    return Shift(
        name,
        kind,
        (len(old), len(new)),
        (old.null_count(), new.null_count()),
        {"distinct": held[0]},
        {"distinct": held[1]},
        {},
        gained=tuple(gained.head(categories.NAMED)),
        lost=tuple(lost.head(categories.NAMED)),
        gained_count=len(gained),
        lost_count=len(lost),
    )


def _sampled(values: pl.Series) -> pl.Series:
    values_present = values.drop_nulls()
    return (
        values_present.sample(MOST_ROWS, seed=0)
        if len(values_present) > MOST_ROWS
        else values_present
    )


def _drawn(values: pl.Series) -> NDArray[np.float64]:
    plain = values if values.dtype.is_decimal() else values.to_physical()
    numbers: NDArray[np.float64] = _sampled(plain).cast(pl.Float64).to_numpy()
    return numbers[np.isfinite(numbers)]


def _nan(values: pl.Series) -> int:
    return int(values.is_nan().sum()) if values.dtype.is_float() else 0


def _same_unit(old: pl.Series, new: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Give times of two sides one unit, where they differ in it; the finer one loses nothing."""
    kinds = old.dtype, new.dtype
    if kinds[0] == kinds[1] or not all(kind.is_temporal() for kind in kinds):
        return old, new
    fine: Literal["ns", "us"] = "ns" if any("ns" in str(kind) for kind in kinds) else "us"
    if all(kind in (pl.Date, pl.Datetime) for kind in kinds):
        wanted: pl.DataType = pl.Datetime(fine)
    elif all(kind == pl.Duration for kind in kinds):
        wanted = pl.Duration(fine)
    else:
        return old, new
    return _in(old, wanted), _in(new, wanted)


def _in(values: pl.Series, wanted: pl.DataType) -> pl.Series:
    """Times in a unit; of a time zone, in Coordinated Universal Time."""
    zone = getattr(values.dtype, "time_zone", None)
    return (values.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else values).cast(
        wanted
    )


def _summary(values: NDArray[np.float64]) -> dict[str, float]:
    if not len(values):
        return {}
    return {
        "mean": float(values.mean()),
        "sd": float(values.std()),
        "median": float(np.median(values)),
    }
