"""Which samples a condition is about."""

from __future__ import annotations

import pytest

from pipelines.common.errors import TakedownError
from pipelines.takedown import selection


@pytest.mark.parametrize("condition", ["", "label = '\udcff'", "label = "])
def test_what_is_no_condition_is_refused_in_a_sentence(condition: str) -> None:
    """A terminal hands bytes that are no UTF-8 on as lone surrogates."""
    with pytest.raises(TakedownError, match="is not one SQL expression"):
        selection._parsed(condition)
