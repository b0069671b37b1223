"""Draw a round of a table: the distribution of each column, and some rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.visible import visible
from pipelines.contact_sheet.grid import FRAME, INK, MARGIN, PALE, PAPER
from pipelines.features.images import png
from pipelines.features.tables import kinds

if TYPE_CHECKING:
    from PIL import ImageDraw

WIDTH: Final = 1200
ACROSS: Final = 3
"""Columns of the table that are drawn side by side."""
MOST: Final = 24
"""Columns of the table that are drawn."""
PANEL: Final = 140
"""Height of the picture of a column, in pixels."""
GAP: Final = 16
BINS: Final = 24
LEVELS: Final = 6
"""Categories of a column that are drawn."""
EDGES: Final = (0.005, 0.995)
"""Quantiles of real numbers between which a histogram is drawn; what lies outside is at its end."""
ROWS: Final = 6
"""Rows of each section of the table that are drawn."""
CELLS: Final = 10
"""Columns of a drawn row."""
LINE: Final = 18
FILL: Final = (198, 203, 209)
HEADINGS: Final = {
    "real": "Real rows: what the generator should make more of",
    "accepted": "Accepted candidates: every critical check passed",
    "refused": "Refused candidates, with the first check that failed",
}

Shares = NDArray[np.float64]


def of_round(parts: Mapping[str, pl.DataFrame], *, title: str) -> bytes:
    """Draw a round as a PNG file.

    Args:
        parts: all rows, in frames named real, accepted and refused, of the same columns; refused
            ones have `reason` besides.
        title: of the picture.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415  light commands need no images

    columns = parts["real"].columns
    lines = -(-min(len(columns), MOST) // ACROSS)
    height = lines * (PANEL + GAP) + 3 * (ROWS + 4) * LINE + 200
    canvas = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((MARGIN, MARGIN), title, INK, font=_font(22))
    y = _legend(pen, MARGIN + 40, parts, columns)
    for position, name in enumerate(columns[:MOST]):
        line, across = divmod(position, ACROSS)
        x = MARGIN + across * (_panel_width() + GAP)
        _panel(pen, (x, y + line * (PANEL + GAP)), parts["real"][name], parts["accepted"][name])
    y += lines * (PANEL + GAP)
    for name, frame in parts.items():
        y = _rows(pen, y, frame, name)
    return png(canvas.crop((0, 0, WIDTH, y + MARGIN)))


def _legend(
    pen: ImageDraw.ImageDraw, y: int, parts: Mapping[str, pl.DataFrame], columns: list[str]
) -> int:
    """Say which colour is what, and how many columns are drawn; return where the next begins."""
    x = MARGIN
    for name in ("real", "accepted"):
        text = f"{name}, {len(parts[name]):,} rows"
        if name == "real":
            pen.rectangle((x, y + 3, x + 12, y + 15), fill=FILL)
        else:
            pen.rectangle((x, y + 3, x + 12, y + 15), outline=FRAME[name], width=2)
        pen.text((x + 18, y), text, FRAME[name], font=_font(14))
        x += 30 + int(pen.textlength(text, font=_font(14)))
    if len(columns) > MOST:
        pen.text((x, y), f"the first {MOST} of {len(columns)} columns", PALE, font=_font(14))
    return y + 28


def _panel_width() -> int:
    return (WIDTH - 2 * MARGIN - (ACROSS - 1) * GAP) // ACROSS


def _panel(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], real: pl.Series, accepted: pl.Series
) -> None:
    """Draw the distribution of a column: real rows filled, accepted ones as a line."""
    x, y = corner
    pen.text((x, y), _cut(pen, real.name, _panel_width() - 190), INK, font=_font(14))
    shares = [each.null_count() / max(len(each), 1) for each in (real, accepted)]
    if any(shares):
        text = f"null: real {shares[0]:.1%}, accepted {shares[1]:.1%}"
        pen.text((x + _panel_width(), y), text, PALE, font=_font(12), anchor="ra")
    inside = (x, y + 22)
    if kinds.is_number(real.dtype):
        _histogram(pen, inside, real, accepted)
    else:
        _bars(pen, inside, real, accepted)


def _histogram(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], real: pl.Series, accepted: pl.Series
) -> None:
    x, y = corner
    values = [kinds.numbers(each) for each in (real, accepted)]
    known = [each[np.isfinite(each)] for each in values]
    if not len(known[0]):
        pen.text((x, y), "no value", PALE, font=_font(12))
        return
    low, high = np.quantile(known[0], EDGES)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts = [np.histogram(np.clip(each, edges[0], edges[-1]), edges)[0] for each in known]
    shares = [each / max(each.sum(), 1) for each in counts]
    most = max(float(each.max()) for each in shares) or 1.0
    step, height = _panel_width() / BINS, PANEL - 48
    base = y + height
    for at, share in enumerate(shares[0]):
        top = base - share / most * height
        pen.rectangle((x + at * step, top, x + (at + 1) * step - 1, base), fill=FILL)
    pen.line(_steps(shares[1] / most, (x, base), (step, height)), FRAME["accepted"], 2)
    ends = pl.Series([real.min(), real.max()], dtype=real.dtype)
    for place, anchor, end in ((x, "la", ends[0]), (x + _panel_width(), "ra", ends[1])):
        pen.text((place, base + 4), _written(end), PALE, font=_font(11), anchor=anchor)


def _steps(
    shares: Shares, corner: tuple[int, int], size: tuple[float, float]
) -> list[tuple[float, float]]:
    """Return the corners of the outline of a histogram."""
    (x, base), (step, height) = corner, size
    tops = base - shares * height
    return [(x + (at + end) * step, float(tops[at])) for at in range(BINS) for end in (0, 1)]


def _bars(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], real: pl.Series, accepted: pl.Series
) -> None:
    x, y = corner
    counts = real.cast(pl.String).drop_nulls().value_counts(name="rows")
    levels = counts.sort(["rows", real.name], descending=[True, False])[real.name]
    if not len(levels):
        pen.text((x, y), "no value", PALE, font=_font(12))
        return
    pitch, left = min(LINE, (PANEL - 24) // min(len(levels), LEVELS)), 120
    width = _panel_width() - left - 75
    for at, level in enumerate(levels.head(LEVELS)):
        top = y + at * pitch
        shares = [float((each.cast(pl.String) == level).mean() or 0.0) for each in (real, accepted)]
        pen.text((x, top), _cut(pen, level, left - 6), INK, font=_font(12))
        pen.rectangle((x + left, top + 2, x + left + shares[0] * width, top + 13), fill=FILL)
        box = (x + left, top + 2, x + left + shares[1] * width, top + 13)
        pen.rectangle(box, outline=FRAME["accepted"], width=2)
        text = f"{shares[0]:.0%}, {shares[1]:.0%}"
        pen.text((x + _panel_width(), top), text, PALE, font=_font(12), anchor="ra")
    if len(levels) > LEVELS:
        more = f"and {len(levels) - LEVELS:,} more"
        pen.text((x, y + LEVELS * pitch), more, PALE, font=_font(11))


def _rows(pen: ImageDraw.ImageDraw, y: int, frame: pl.DataFrame, section: str) -> int:
    """Draw some rows as a table; return where the next section may begin."""
    heading = f"{HEADINGS[section]} ({len(frame):,})" if section == "refused" else HEADINGS[section]
    pen.text((MARGIN, y), heading, FRAME[section], font=_font(15))
    y += 26
    if frame.is_empty():
        pen.text((MARGIN, y), "none", PALE, font=_font(14))
        return y + 2 * LINE
    reason = ["reason"] if "reason" in frame.columns else []
    names = [*[each for each in frame.columns if each not in reason][: CELLS - 1], *reason]
    width = (WIDTH - 2 * MARGIN) // len(names)
    for at, name in enumerate(names):
        text = _cut(pen, name, width - 8)
        pen.text((MARGIN + at * width, y), text, PALE, font=_font(12))
    for line, row in enumerate(frame.select(names).head(ROWS).iter_rows(), 1):
        for at, value in enumerate(row):
            ink = PALE if value is None else INK
            text = _cut(pen, _written(value), width - 8)
            pen.text((MARGIN + at * width, y + line * LINE), text, ink, font=_font(12))
    return y + (min(len(frame), ROWS) + 2) * LINE


def _written(value: Any) -> str:  # noqa: ANN401  a value of any type
    if isinstance(value, float):
        return f"{value:.6g}"
    return "null" if value is None else str(value)


def _cut(pen: ImageDraw.ImageDraw, text: str, width: int) -> str:
    """Shorten a text so that it fits."""
    shown = visible(text[:80])
    while pen.textlength(shown, font=_font(12)) > width and len(shown) > 1:
        shown = shown[:-2] + "…"
    return shown


def _font(size: int) -> Any:  # noqa: ANN401  the library's own union of font types
    from PIL import ImageFont  # noqa: PLC0415  light commands need no images

    return ImageFont.load_default(size)
