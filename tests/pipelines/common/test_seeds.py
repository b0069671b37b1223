from __future__ import annotations

import pytest

from pipelines.common.seeds import derive_seed


def test_seed_is_fixed_for_all_time() -> None:
    assert derive_seed(20251, "digits", 1, "generate", 0) == 4613393108595239578


def test_seed_fits_a_signed_column() -> None:
    seeds = [derive_seed(0, part) for part in range(2000)]
    assert len(set(seeds)) == 2000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((0, "a", "bc"), (0, "ab", "c")),
        ((0, 1), (0, "1")),
        ((0, 1, 2), (0, 12)),
        ((0,), (0, "")),
        ((0, "a", "b"), (0, "b", "a")),
        ((1,), (-1,)),
    ],
)
def test_different_places_have_different_seeds(
    left: tuple[int | str, ...], right: tuple[int | str, ...]
) -> None:
    assert derive_seed(*left) != derive_seed(*right)
