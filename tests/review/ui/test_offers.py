"""A form with the texts of a sample changes none that nobody edited."""

from __future__ import annotations

import re

from review.ui import offers, render
from review.ui.offers import Offer

HELD = {"prompt": "\nfirst\r\nsecond\rthird\0", "completion": "It is a finch.", "context": ""}
IN_FORM = {"prompt": "\nfirst\nsecond\nthird�", "completion": "It is a finch.", "context": ""}


def test_a_text_that_nobody_edited_comes_back_as_it_was() -> None:
    given = IN_FORM | {"completion": "It is a wren."}
    assert offers.corrected(HELD, given) == {
        "prompt": HELD["prompt"],
        "completion": "It is a wren.",
    }
    edited = IN_FORM | {"prompt": "first\nsecond"}
    assert offers.corrected(HELD, edited)["prompt"] == "first\nsecond"


def test_an_empty_text_is_left_out_unless_somebody_emptied_it() -> None:
    assert "context" not in offers.corrected(HELD, IN_FORM)
    assert offers.corrected(HELD, IN_FORM | {"completion": ""})["completion"] == ""
    assert offers.corrected({}, {"other": "x"}) == {"other": "x"}


def test_a_field_keeps_the_line_break_that_a_text_begins_with() -> None:
    offer = Offer("tiny-r002", "c" * 64, (), labelled=False, texts=(("prompt", "\nfirst"),))
    template = render.ENGINE.get_template("decide_samples.html.j2")
    form = str(template.module.one(offer, "/review", "csrf", 0, "", None))  # type: ignore[attr-defined]
    field = re.search(r"<textarea name=\"text:prompt\"[^>]*>(.*?)</textarea>", form, re.DOTALL)
    assert field is not None
    assert field[1].removeprefix("\n") == "\nfirst"  # a browser drops one line feed (HTML, 13.2.6)
