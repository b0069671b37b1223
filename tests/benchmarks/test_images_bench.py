from __future__ import annotations

import numpy as np

from benchmarks import images as bench


def test_the_ways_find_the_same_neighbours() -> None:
    for kind in bench.KINDS:
        row = bench.neighbours(kind, 400)
        assert bench.EXACT in row.peers
        assert row.taken.seconds > 0


def test_one_image_in_twenty_is_nearly_a_copy() -> None:
    pixels = bench.smooth(200).astype(np.int64)
    assert np.abs(pixels[190:] - pixels[:10]).max() <= 2
    assert bench.duplicates("smooth", 200).count == 200
