from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.common.errors import ParamsError
from pipelines.features import pii
from pipelines.scorers import personal_data
from pipelines.scorers.protocol import Given
from tests.pipelines.texts import frame

HOLDS = {
    "write to jane.doe+x@mail.example.org today": "email",
    "write to jane\uff20example.org": "email",
    "the card 4111 1111 1111 1111 was charged": "credit card",
    "5500-0000-0000-0004": "credit card",
    "pay to DE89 3704 0044 0532 0130 00, please": "iban",
    "GB82WEST12345698765432": "iban",
    "call +49 30 901820 tomorrow": "phone",
    "call (650) 253-0000 tomorrow": "phone",
    "from host 192.168.17.4 at night": "ip",
    "from 2001:db8::ff00:42:8329": "ip",
    "his number is 536-90-4399": "us ssn",
}
HOLDS_NOT = [
    "The ferry leaves the harbour at noon.",
    "the card 4111 1111 1111 1112 was charged",
    "DE89 3704 0044 0532 0130 01",
    "Version 1.2.3.400 of the @decorator",
    "000-12-3456 and 536-00-4399 and 900-12-1234",
    "In 2024 we sold 1234567 pieces for 12.50",
    "it is 12:30:45 now, a::b in C++",
    "user at example dot org",
    "",
]


def scored(texts: list[str | None], **own: object) -> pl.DataFrame:
    return personal_data.PersonalData().score(
        frame(texts), Given(frame([], 0)), personal_data.PersonalDataSettings(**own)
    )


@pytest.mark.parametrize(("text", "kind"), HOLDS.items())
def test_each_kind_is_found_once(text: str, kind: str) -> None:
    found = scored([text])
    assert found.row(0)[2:] == (1, kind)


@pytest.mark.parametrize("text", HOLDS_NOT)
def test_what_only_looks_like_it(text: str) -> None:
    assert scored([text]).row(0)[2:] == (0, "")


def test_several_findings_and_missing_texts() -> None:
    found = scored([None, "a@b.org, c@d.org and 192.168.17.4", "nothing"])
    assert found["personal_data"].to_list() == [None, 3, 0]
    assert found["personal_data_kinds"].to_list() == [None, "email, ip", ""]


def test_phone_numbers_of_a_region() -> None:
    assert scored(["030 901820"], region="DE")["personal_data"].item() == 1
    assert scored(["(650) 253-0000"], region=None)["personal_data"].item() == 0
    assert scored(["+1 650 253 0000"], region=None)["personal_data"].item() == 1
    with pytest.raises(ParamsError, match="there is no region 'XX'"):
        scored(["030 901820"], region="XX")


@given(st.text(st.characters(categories=["Nd", "Lu", "Zs", "Po", "Pd"]), max_size=80))
def test_findings_lie_apart(text: str) -> None:
    found = pii.find(text, "US")
    assert all(one.end <= two.start for one, two in itertools.pairwise(found))


@given(st.text("0123456789", min_size=12, max_size=18))
def test_one_wrong_digit_breaks_the_check_digit(digits: str) -> None:
    right = [each for each in range(10) if pii.luhn(f"{digits}{each}")]
    assert len(right) == 1
