"""Digests that are stored: their bytes are written out here and stay as they are."""

from __future__ import annotations

import hashlib

import pytest

from pipelines.common import digests
from pipelines.gate.guard_record import EarlierStatement
from pipelines.llm.values import Request

VALUE = {"b": [1, None, 0.5], "a": "é"}


@pytest.mark.parametrize(
    ("digest", "content"),
    [
        (digests.of_json(VALUE), rb'{"a":"\u00e9","b":[1,null,0.5]}'),
        (digests.of_json(VALUE, ascii_only=False), '{"a":"é","b":[1,null,0.5]}'.encode()),
        (digests.of_spaced_json(VALUE), rb'{"a": "\u00e9", "b": [1, null, 0.5]}'),
    ],
)
def test_each_convention_has_its_bytes(digest: str, content: bytes) -> None:
    assert digest == hashlib.sha256(content).hexdigest()


def test_what_is_no_json_is_refused() -> None:
    for digest in (digests.of_json, digests.of_spaced_json):
        with pytest.raises(TypeError):
            digest({"a": b"bytes"})


def test_a_signed_statement_has_its_bytes() -> None:
    statement = EarlierStatement("lake", "dïgits", 3, "c0", "d0", "pass", None, "k0")
    assert statement.encoded() == (
        rb'{"dataset":"d\u00efgits","form":"stemma-guard/1","guard":"d0","judged":"c0",'
        rb'"override":null,"publish_key":"k0","repository":"lake","round":3,"verdict":"pass"}'
    )


def test_a_request_keeps_the_digest_by_which_its_answer_was_stored() -> None:
    request = Request(
        model="m", prompt="é", schema=None, temperature=0.5, top_p=0.9, max_tokens=9, seed=1
    )
    content = (
        '{"body":{"max_tokens":9,"model":"m","prompt":"é","seed":1,"temperature":0.5,"top_p":0.9},'
        '"path":"/completions","schema":null,"weights":null}'
    )
    assert request.digest == hashlib.sha256(content.encode()).hexdigest()
