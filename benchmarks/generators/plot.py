"""The figures of generators as a picture: a line for each generator, a column for each figure.

A dot is the mean over the seeds, the bar through it reaches from the lowest to the highest. The
dashed line is where real rows that nobody saw are: right of it is not better, but other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from benchmarks.generators.cases import Result
from benchmarks.generators.contenders import UNSEEN
from benchmarks.generators.table import BY_NAME, Spread, grouped, spread
from pipelines.contact_sheet.grid import INK, MARGIN, PALE, PAPER
from pipelines.features.images import png

if TYPE_CHECKING:
    from PIL import ImageDraw

SHOWN: Final = ("recall", "coverage", "precision", "near copies", "accepted", "alone", "gain")
"""Figures that are drawn; all but the last are shares, of which 0 is left and 1 is right."""
REACH: Final = 0.1
"""A gain of so much is at the end of its column."""
LEFT: Final = 190
PANEL: Final = 140
GAP: Final = 22
LINE: Final = 22
HEAD: Final = 52
COLOURS: Final = {"yardstick": PALE, "shipped": (20, 105, 180), "other": (190, 100, 20)}
WIDTH: Final = LEFT + len(SHOWN) * (PANEL + GAP) + 2 * MARGIN


def draw(results: Sequence[Result]) -> bytes:
    """Draw the figures of each data set, one below the other: a PNG."""
    from PIL import Image, ImageDraw  # noqa: PLC0415  light commands need no images

    found = grouped(results)
    heights = {name: HEAD + len(each) * LINE + 2 * GAP for name, each in found.items()}
    canvas = Image.new("RGB", (WIDTH, sum(heights.values()) + 2 * MARGIN), PAPER)
    pen = ImageDraw.Draw(canvas)
    y = MARGIN
    for name, each in found.items():
        _data_set(pen, y, name, each)
        y += heights[name]
    return png(canvas)


def _data_set(
    pen: ImageDraw.ImageDraw, y: int, name: str, found: Mapping[str, Sequence[Result]]
) -> None:
    pen.text((MARGIN, y), name, INK, font=_font(18))
    for at, figure in enumerate(SHOWN):
        ends = (f"-{REACH:g}", f"{REACH:g}") if figure == "gain" else ("0", "1")
        left = _left(at)
        pen.text((left, y + 4), figure, INK, font=_font(13))
        pen.text((left, y + HEAD - 26), ends[0], PALE, font=_font(11))
        pen.text((left + PANEL, y + HEAD - 26), ends[1], PALE, font=_font(11), anchor="ra")
        _ideal(pen, (left, y + HEAD), len(found), spread(found.get(UNSEEN, ()), BY_NAME[figure]))
    for line, (generator, each) in enumerate(found.items()):
        middle = y + HEAD + line * LINE + LINE // 2
        colour = COLOURS[each[0].standing]
        pen.text((MARGIN, middle), generator, colour, font=_font(13), anchor="lm")
        for at, figure in enumerate(SHOWN):
            _dot(pen, (_left(at), middle), spread(each, BY_NAME[figure]), figure, colour)


def _ideal(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], lines: int, found: Spread | None
) -> None:
    """Frame a column, and mark where unseen real rows are."""
    left, top = corner
    pen.rectangle((left, top, left + PANEL, top + lines * LINE), outline=(225, 228, 232))
    if found is None:
        return
    name = SHOWN[(left - MARGIN - LEFT) // (PANEL + GAP)]
    x = left + PANEL * _share(found.mean, name)
    for y in range(top, top + lines * LINE, 8):
        pen.line((x, y, x, y + 4), fill=PALE)


def _dot(
    pen: ImageDraw.ImageDraw,
    place: tuple[int, int],
    found: Spread | None,
    name: str,
    colour: tuple[int, int, int],
) -> None:
    """Draw a mean and its range, or that there is none."""
    left, y = place
    if found is None:
        pen.text((left + PANEL // 2, y), "not measured", PALE, font=_font(11), anchor="mm")
        return
    low, mean, high = (
        left + PANEL * _share(each, name) for each in (found.low, found.mean, found.high)
    )
    pen.line((low, y, high, y), fill=colour, width=2)
    pen.ellipse((mean - 4, y - 4, mean + 4, y + 4), fill=colour)


def _share(value: float, name: str) -> float:
    """Where in its column a value is, from 0 to 1; what is beyond is at the end."""
    share = (value + REACH) / (2 * REACH) if name == "gain" else value
    return min(max(share, 0.0), 1.0)


def _left(at: int) -> int:
    return MARGIN + LEFT + at * (PANEL + GAP)


def _font(size: int) -> Any:  # noqa: ANN401  the library's own union of font types
    from PIL import ImageFont  # noqa: PLC0415  light commands need no images

    return ImageFont.load_default(size)
