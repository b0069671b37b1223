"""Hostile records of take-downs and deny-lists: each is read, or refused in a sentence."""

from __future__ import annotations

import base64
import json
from typing import Final

import polars as pl
from hypothesis import strategies as st

from lake.tables import encode
from pipelines import modalities
from pipelines.common import dsse
from pipelines.rounds import held_out_removals
from pipelines.rounds.purges import PurgedObject, PurgedRow, PurgeRecord, StoredBytes
from pipelines.takedown import deny_list, record
from pipelines.takedown.deny_list import ENTRY, DenyList
from pipelines.takedown.record import TakedownRecord, TouchedRound
from tests.fuzz.engine import fuzzed
from tests.fuzz.frames import frames
from tests.fuzz.mutations import either, mutated

TEXTS: Final = pl.DataFrame({"text": ["Ada was here", "nobody else was"]}).with_columns(
    pl.Series("sample_id", [bytes(32), bytes([1] * 32)])
)
MODALITY: Final = modalities.load("text", ("text",))
ENTRIES: Final = deny_list.entries_of(TEXTS.head(1), "words", MODALITY, ("text",))
RECORD: Final = TakedownRecord(
    name="letter",
    who="a",
    created=1_700_000_000,
    reason="they asked",
    ids=("0" * 64,),
    main="a" * 64,
    policies={},
    rounds=(TouchedRound(dataset="words", round=0, named=1, direct=0),),
    counts={"ids": 1},
    rows_digest="b" * 64,
    entries_digest="c" * 64,
)
CONTENT: Final = json.loads(record.encoded(RECORD))


@fuzzed(st.one_of(st.just(record.encoded(RECORD)), either([CONTENT])), reasons=2)
def test_records(data: bytes) -> object:
    found = record.parse(data, "letter")
    assert record.encoded(found) == data
    assert all(len(bytes.fromhex(one)) == 32 for one in found.ids)
    return found


@fuzzed(st.one_of(frames(ENTRIES).map(encode), mutated([encode(ENTRIES)])), reasons=1)
def test_deny_lists(data: bytes) -> object:
    entries = deny_list.parse(data)
    listed = DenyList(entries.select(pl.lit("letter").alias("takedown"), *ENTRY))
    found = listed.matches(TEXTS, MODALITY, ("text",))
    assert set(found["index"]) <= {0, 1}
    return found


ROWS: Final = pl.DataFrame(
    [("words", 0, 5, bytes(32), "named", True)], schema=record.ROW, orient="row"
)


@fuzzed(st.one_of(frames(ROWS).map(encode), mutated([encode(ROWS)])), reasons=2)
def test_lists_of_rows(data: bytes) -> object:
    found = record.parsed_rows(data)
    assert found.schema == record.ROW
    return found


PART: Final = StoredBytes(sha256="2" * 64, md5="3" * 32, size=9)
REMOVED: Final = PurgedRow(row=5, sample_id="0" * 64, columns_digest="1" * 64)
REMOVAL: Final = PurgeRecord(
    takedown="letter",
    created=1,
    who="a",
    ids=("0" * 64,),
    objects=(
        PurgedObject(
            purged=PART, cleaned=PART, places=("a/b",), whole=False, count=1, rows=(REMOVED,)
        ),
    ),
)
STATEMENT: Final = dsse.statement(
    [{"name": "a/b", "digest": {"sha256": "2" * 64}}],
    held_out_removals.PREDICATE,
    REMOVAL.model_dump(mode="json"),
)


@fuzzed(either([STATEMENT]), reasons=2)
def test_removals_from_the_hold_out(data: bytes) -> object:
    envelope = {
        "payload": base64.b64encode(data).decode(),
        "payloadType": dsse.PAYLOAD_TYPE,
        "signatures": [{"keyid": "a", "sig": "AAAA"}],
    }
    found = held_out_removals.parsed(envelope, None)
    rows = [row for part in found.objects for row in part.rows]
    assert all(len(bytes.fromhex(row.sample_id)) == 32 for row in rows)
    assert all(len(bytes.fromhex(row.columns_digest or "")) == 32 for row in rows)
    return found
