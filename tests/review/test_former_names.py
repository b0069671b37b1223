"""Names that were public go on working for a release, and say what they are called now."""

from __future__ import annotations

import pytest

import review
import stemma


def test_a_former_name_works_and_names_the_present_one() -> None:
    said = "review.open is called stemma.open now, and goes with the next release"
    with pytest.warns(DeprecationWarning, match=said) as warned:
        assert review.open is stemma.open
    assert warned[0].filename == __file__, "the warning is shown where the name is used"


def test_any_other_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="module 'review' has no attribute 'opens'"):
        review.opens  # noqa: B018  the access is the test
