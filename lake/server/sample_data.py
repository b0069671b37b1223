"""Sample data for a new repository, made by code: a table of lakes, a text about it, pictures.

Its layout is that of lakeFS's own quickstart repository, because clients are tried out on it:
README.md, lakes.parquet, data/lakes.source.md and 29 files under images/.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import Final

REPOSITORY: Final = "quickstart"
"""Name of the repository that `--sample-repo` makes."""
MESSAGE: Final = "Add sample data"
LAKES: Final = 40_000
"""Rows of the table."""
IMAGES: Final = 29
SIDE: Final = 96
"""Width and height of an image in pixels."""

_README: Final = """# Sample repository

A place to try a client out: branch, change, diff, merge and revert as you like.

- `lakes.parquet` is a table of lakes that do not exist, made by a seeded generator.
- `data/lakes.source.md` says how.
- `images/` holds pictures of waves.
"""
_SOURCE: Final = f"""# Where the lakes come from

{LAKES} rows, drawn with a fixed seed: a name, a country code, the area in km² (log-normal), the
greatest depth in m, and a place in degrees. None of them is real.
"""


def files() -> Iterator[tuple[str, bytes, str]]:
    """Path, bytes and content type of each sample file; the same at every call."""
    yield "README.md", _README.encode(), "text/markdown"
    yield "data/lakes.source.md", _SOURCE.encode(), "text/markdown"
    for number in range(IMAGES):
        yield f"images/waves-{number:02d}.png", _picture(number), "image/png"
    yield "lakes.parquet", _table(), "application/vnd.apache.parquet"


def _table() -> bytes:
    import polars as pl  # noqa: PLC0415  slow to import, and seldom needed here

    draw = random.Random(29)  # noqa: S311  sample data, no secret
    rows = range(LAKES)
    frame = pl.DataFrame(
        {
            "Hylak_id": list(rows),
            "Lake_name": [f"Lake {draw.getrandbits(40):010x}" for _ in rows],
            "Country": [draw.choice(("CA", "CH", "DE", "FI", "KE", "PE", "RU")) for _ in rows],
            "Area_km2": [round(draw.lognormvariate(1.0, 1.5), 4) for _ in rows],
            "Depth_m": [round(draw.gammavariate(2.0, 12.0), 3) for _ in rows],
            "Latitude": [draw.uniform(-60.0, 75.0) for _ in rows],
            "Longitude": [draw.uniform(-180.0, 180.0) for _ in rows],
        }
    )
    target = io.BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def _picture(number: int) -> bytes:
    """Grey waves with grain, as a PNG of 8 bits a pixel."""
    from PIL import Image  # noqa: PLC0415  seldom needed here

    draw = random.Random(number)  # noqa: S311  sample data, no secret
    pixels = bytearray()
    for row in range(SIDE):
        grain = draw.randbytes(SIDE)
        pixels.extend((row * (number + 2) + value // 3) % 256 for value in grain)
    target = io.BytesIO()
    Image.frombytes("L", (SIDE, SIDE), bytes(pixels)).save(target, "PNG")
    return target.getvalue()
