"""What people write: sheets, lists of ids, decisions; and what others commit into a lake."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from hypothesis import strategies as st

from lake import refs
from lake.client import Lake, connect
from lake.errors import NotFoundError
from lake.settings import Embedded
from lineage.ancestry.index import Ancestry, open_index
from pipelines.common import spreadsheet
from pipelines.gate import history_audit, reviews
from pipelines.inquiry import overview
from pipelines.rounds import history, superseded
from pipelines.verification.calibrations import sheets
from pipelines.verification.calibrations.sheets import LabellingRequest
from review.cli import round_refs
from review.commands import descendants, diff, status
from tests.fuzz.engine import fuzzed
from tests.fuzz.frames import frames
from tests.fuzz.mutations import VALUES, either, mutated, written
from tests.fuzz.test_lineage_files import ABOUT, SOURCES
from tests.lake.servers import Served, start

CANDIDATES: Final = pl.DataFrame(
    {
        "round": pl.Series([1, 1, 1], dtype=pl.Int32),
        "row": [0, 1, 2],
        "sample_id": [b"i" * 32, b"j" * 32, b"k" * 32],
        "asked": ["a", "=b", None],
    }
)
ASKED: Final = LabellingRequest("digits", 1, "c" * 64, "s" * 64, (0, 1))


def sheet(*truths: str) -> bytes:
    rows = [
        {**row, "sample_id": row["sample_id"].hex(), "truth": truth, "note": truth and "n"}
        for row, truth in zip(CANDIDATES.iter_rows(named=True), truths, strict=False)
    ]
    return spreadsheet.written(sheets.COLUMNS, rows).encode()


SHEET: Final = sheet("right", "a")
OF_SHEETS: Final = (
    *(
        b",",
        b";",
        b'"',
        b'""',
        b"right",
        b"wrong",
        b"'=",
        b"=1+1",
        b"\r\n",
        b"999999999999999999999",
    ),
    *(b"round,row,sample_id,asked,truth,note\n", b"\t", b"1,0," + b"69" * 32, b'"' * 200_000),
)


@fuzzed(mutated([SHEET, sheet("", "wrong"), SHEET.replace(b",", b";")], OF_SHEETS), reasons=4)
def test_sheets(data: bytes) -> object:
    Path("sheet.csv").write_bytes(data)
    found = sheets.read(Path("sheet.csv"), ASKED, CANDIDATES)
    assert set(found["row"]) <= {0, 1}
    assert found["row"].is_unique().all()
    if data == SHEET:
        assert found["right"].to_list() == [True, False]
    return found


WRITTEN: Final = {
    "dataset": "digits",
    "round": 1,
    "commit": "c" * 64,
    "suite_digest": "s" * 64,
    "rows": [0, 1],
}


@fuzzed(either([WRITTEN]), reasons=1)
def test_what_sheets_ask(data: bytes) -> object:
    Path("sheet.json").write_bytes(data)
    Path("sheet.csv").write_bytes(SHEET)
    found = sheets.read_request(Path("sheet.csv"))
    assert isinstance(found.dataset, str)
    assert isinstance(found.commit, str)
    if data == written(WRITTEN).encode():
        assert found == ASKED
    sheets.read(Path("sheet.csv"), found, CANDIDATES)
    return found


TEXT: Final = st.text(st.characters(codec=None), max_size=20)
FOREIGN: Final = st.one_of(
    TEXT, st.sampled_from([each for each in VALUES if isinstance(each, str)])
)


@fuzzed(st.lists(st.tuples(FOREIGN, FOREIGN), max_size=3), errors=(csv.Error,), reasons=0)
def test_spreadsheets(rows: list[tuple[str, str]]) -> object:
    """What is written into a sheet is text there, and is read back as it was."""
    content = spreadsheet.written(["a", "b"], [{"a": one, "b": two} for one, two in rows])
    found = spreadsheet.read(content)
    assert [(spreadsheet.text(row["a"]), spreadsheet.text(row["b"])) for _, row in found] == [
        row for row in rows if any(row)
    ]
    for line in csv.reader(io.StringIO(content, newline="")):
        assert not any(each.startswith(("=", "+", "-", "@")) for each in line)
    return found


INDEX: Final[list[Ancestry]] = []
IDS: Final = SOURCES[1].lineage().collect()["sample_id"].bin.encode("hex").to_list()
LISTS: Final = ("\n".join(IDS).encode(), f"# all\n{IDS[0][:12]}  # one\n".encode())


@fuzzed(mutated(LISTS, [b"#", b"\n", b"0" * 64, b"0" * 65, b"g"]), reasons=3)
def test_lists_of_ids(data: bytes) -> object:
    Path("ids").write_bytes(data)
    listed = descendants._listed(Path("ids"))
    index = open_index(Path("index"), SOURCES)
    found = descendants.find(index, listed)
    if data == LISTS[0]:
        assert found.numbers.tolist() == [3, 4, 5]
    return found


METADATA: Final = st.dictionaries(
    st.sampled_from(
        [
            *("stemma.stage", "stemma.dataset", "stemma.round", "stemma.line", "stemma.input_key"),
            *("stemma.guard", "stemma.base", "stemma.publish_key", "cherry-pick-origin", "other"),
            *(reviews.REJECTED, reviews.REASON, "stemma.guard.signature", "stemma.override"),
        ]
    ),
    st.sampled_from(
        [
            *("publish", "review", "generate", "verify", "digits", "1", "2", "0", "-1", "", "x"),
            *("9" * 30, "9" * 5_000, "٣", "1.5", "a\nb\x1b", "main", "c" * 64, "../x", "²"),
        ]
    ),
    max_size=6,
)
GOOD: Final = {
    "stemma.stage": "publish",
    "stemma.dataset": "digits",
    "stemma.round": "1",
    "stemma.input_key": "k",
    "stemma.line": "main",
}


@pytest.fixture(scope="session")
def written_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A lake that others write to."""
    served = start(tmp_path_factory.mktemp("written") / "home")
    yield served
    served.stop()


@pytest.fixture
def lake(written_lake: Served, request: pytest.FixtureRequest) -> Lake:
    name = f"r{abs(hash(request.node.nodeid)) % 10**9}"
    found = connect(Embedded(written_lake.home), name)
    found.ensure(f"local://{name}")
    found.write_bytes("main", refs.manifest("digits", 1), b"{}")
    found.write_bytes("main", "digits/lineage/round=001/part-00000.parquet", b"x")
    found.commit("main", "first", GOOD)
    return found


@fuzzed(
    st.one_of(st.just(GOOD), METADATA, METADATA.map(lambda each: {**GOOD, **each})),
    reasons=0,
    fixture="lake",
    cost=4,
)
def test_metadata_of_commits(about: dict[str, str], lake: Lake) -> object:
    """Whatever commits say of themselves, the history is read, and believed in nothing."""
    lake.write_bytes("main", refs.manifest("digits", 2), json.dumps(about).encode())
    commit = lake.commit("main", "m\n\x1b", about)
    held = history.published(lake, "digits")
    assert held.keys() <= {1, 2}
    found = list(
        history_audit.walk(lake, list(lake.log("main", first_parent=True))[:3][::-1], None)
    )
    assert all(each.signer is None for each in found)
    list(superseded.rounds(lake))
    said = reviews.rejection(commit)
    assert (said is None) or about["stemma.stage"] == "review"
    overview.collect(lake, "digits")
    return found


@fuzzed(either([ABOUT]), reasons=1, fixture="lake", cost=2)
def test_manifests_of_rounds(data: bytes, lake: Lake) -> object:
    """Whatever a manifest holds, the commands that show rounds show what they can of it."""
    lake.write_bytes("main", refs.manifest("digits", 1), data)
    commit = lake.commit("main", "m", GOOD)
    rows = status._rendered("digits", overview.collect(lake, "digits"))
    try:
        round_refs.evaluated(lake, round_refs.RoundRef("main", "digits", 1, commit.id))
    except NotFoundError:
        return rows
    return rows


LEFT: Final = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "text": ["a", "b", None],
        "number": [0.5, 1.5, 2.5],
        "image": [{"bytes": b"x", "path": None}] * 3,
    }
)
RIGHT: Final = LEFT.with_columns(number=pl.col("number") * 2)


def compared(key: str, form: str) -> str:
    """What is shown of the diff of two files."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        diff.run(
            left="left.parquet",
            right="right.parquet",
            dataset=None,
            path=None,
            key=[key],
            two_dot=False,
            rows=True,
            limit=None,
            columns=True,
            fail_on=[],
            html=Path("diff.html") if form == "html" else None,
            as_markdown=form == "markdown",
            as_json=form == "json",
        )
    return out.getvalue()


FORMS: Final = st.sampled_from(["json", "terminal", "markdown", "html"])


@fuzzed(
    st.tuples(frames(LEFT), frames(RIGHT), st.sampled_from(["id", "text", "a\nb"]), FORMS),
    reasons=1,
)
def test_diffs_of_tables(content: tuple[pl.DataFrame, pl.DataFrame, str, str]) -> object:
    left, right, key, form = content
    left.write_parquet(Path("left.parquet"))
    right.write_parquet(Path("right.parquet"))
    said = compared(key, form)
    if left is LEFT and right is RIGHT and form == "json":
        assert '"changed": 3' in said
    return said


def parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


@fuzzed(st.tuples(mutated([parquet(LEFT)]), mutated([parquet(RIGHT)]), FORMS), reasons=1)
def test_diffs_of_files(content: tuple[bytes, bytes, str]) -> object:
    Path("left.parquet").write_bytes(content[0])
    Path("right.parquet").write_bytes(content[1])
    return compared("id", content[2])
