"""The files of a lake: its home, its catalogue, its tree blocks, refs, names and tokens."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import strategies as st

from lake import batches, files, refs, tables
from lake.client import Lake, connect
from lake.errors import ForbiddenError
from lake.home import LakeHome
from lake.server.catalog import ref_expression, trees
from lake.server.catalog.entries import Entry, unpack
from lake.server.catalog.validation import check_branch, check_key, check_repository, check_tag
from lake.server.http.handlers import objects
from lake.server.http.tokens import LOGIN, Signer
from lake.server.maintenance.fsck import check
from lake.settings import Embedded
from pipelines import params
from pipelines.rounds import manifest
from pipelines.stages import lake as stage
from tests.fuzz.engine import fuzzed
from tests.fuzz.mutations import either, mutated, written
from tests.lake.servers import Served, start

IDENTITY: Final = {"id": "a" * 32, "created": "2026-01-01T00:00:00+00:00"}
CREDENTIALS: Final = {"access_key_id": "STEMMA0", "secret_access_key": "s" * 40}
ENDPOINT: Final = {"url": "http://127.0.0.1:1", "pid": 5, "idle": 0, "home": "."}


@fuzzed(
    st.fixed_dictionaries(
        {
            "identity.json": either([IDENTITY]),
            "credentials.json": either([CREDENTIALS]),
            "endpoint.json": either([ENDPOINT]),
            stage.REMEMBERED: either(
                [{"stemma": {"created": 1}, "stemma-holdout": {"created": 2}}]
            ),
        }
    ),
    reasons=1,
)
def test_homes(content: dict[str, bytes]) -> object:
    home = LakeHome(Path())
    for name, data in content.items():
        Path(name).write_bytes(data)
    announced = home.endpoint()
    assert home.serving() is None
    stage._cached(Embedded(Path()), params.Params(datasets={}))
    found, keys = home.identity(), home.credentials()
    assert all(isinstance(each, str) for each in (found.id, found.created, keys.access_key_id))
    if content["endpoint.json"] == written(ENDPOINT).encode():
        assert announced is not None
        assert announced.url == ENDPOINT["url"]
    if content["identity.json"] == written(IDENTITY).encode():
        assert found.id == IDENTITY["id"]
    return found


class Blocks:
    """Blocks in memory, under their digests."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def get(self, block: str) -> bytes:
        return self.held[block]

    def put(self, block: str, data: bytes) -> None:
        self.held[block] = data

    unpack = staticmethod(unpack)


def entry(number: int) -> Entry:
    return Entry("a" * 64, "b" * 32, number, 5, "text/plain", {"m": "x"} if number % 2 else {})


LEAF: Final = [0, ["a", "b"], [entry(1).pack(), entry(2).pack()]]


@fuzzed(either([LEAF]), reasons=1)
def test_blocks(data: bytes) -> object:
    blocks = Blocks()
    name = hashlib.sha256(data).hexdigest()
    blocks.put(name, data)
    tree = trees.Tree(blocks, name)
    found = list(tree.items())
    assert all(isinstance(path, str) and isinstance(each, Entry) for path, each in found)
    tree.get("a")
    if data == written(LEAF).encode():
        assert [each.size for _, each in found] == [1, 2]
    return found


@pytest.fixture(scope="session")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A lake that all targets share, with commits, tags, and something staged."""
    served = start(tmp_path_factory.mktemp("fuzzed") / "home")
    lake = connect(served.remote, "stemma")
    lake.ensure("local://stemma")
    for number in range(3):
        for each in range(50):
            lake.write_bytes("main", f"digits/samples/{number}-{each:03d}", b"x%d" % number)
        lake.commit("main", f"c{number}", {"stemma.stage": "publish"})
    lake.tag("digits-v1", lake.resolve("main").id)
    lake.write_bytes("main", "staged", b"y")
    yield served
    served.stop()


@pytest.fixture(scope="session")
def catalogue(lakes: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose catalogue is one file, as a copy of a lake at rest has it."""
    home = tmp_path_factory.mktemp("copied") / "home"
    home.mkdir()
    shutil.copytree(lakes.home / "objects", home / "objects")
    with closing(sqlite3.connect(lakes.home / "catalog.db")) as db:
        db.execute("VACUUM INTO ?", (str(home / "catalog.db"),))
    return home


SQL: Final = (b"CREATE TABLE", b"blocks", b"commits", b"staging", b"[0,[", b"\x00\x00\x00\x00")


@fuzzed(st.data(), reasons=1, fixture="catalogue")
def test_catalogues(data: st.DataObject, catalogue: Path) -> object:
    valid = (catalogue / "catalog.db").read_bytes()
    content = data.draw(mutated([valid], SQL))
    home = copied(catalogue)
    home.catalog.write_bytes(content)
    found = check(home)
    if content == valid:
        assert not found.problems
        assert found.commits == 4
    return found


TABLES: Final = {
    "blocks": ("id", "data"),
    "commits": ("root", "parents", "message", "committer", "created_ns", "generation", "metadata"),
    "staging": ("path", "entry"),
    "branches": ("commit_id",),
    "tags": ("commit_id",),
    "repositories": ("metadata", "created"),
}
SET: Final = "UPDATE {} SET {} = ?1"
UPDATES: Final = [
    SET.format(table, column) for table, columns in TABLES.items() for column in columns
]
"""Of all rows; where these must differ it fails."""
FIRST: Final = "UPDATE blocks SET data = ?1, id = ?2 WHERE rowid = 1"
PARTS: Final = either([LEAF, ["a" * 64], {"stemma.stage": "x"}, entry(1).pack()])
CELL: Final = st.one_of(
    PARTS,
    PARTS.map(lambda each: each.decode("utf-8", "replace")),
    st.sampled_from([None, 5, -1, 0.5, 1 << 60, "a" * 64, "", b""]),
)


@fuzzed(st.tuples(st.sampled_from([*UPDATES, FIRST]), CELL), reasons=0, fixture="catalogue")
def test_rows_of_catalogues(content: tuple[str, Any], catalogue: Path) -> object:
    """A catalogue that holds what it should not is checked to its end, and what is wrong named."""
    update, value = content
    home = copied(catalogue)
    shutil.copyfile(catalogue / "catalog.db", home.catalog)
    data = value if isinstance(value, bytes) else str(value).encode()
    given = (value, hashlib.sha256(data).hexdigest()) if update == FIRST else (value,)
    with closing(sqlite3.connect(home.catalog)) as db, db:
        try:
            changed = db.execute(update, given).rowcount
        except sqlite3.IntegrityError:
            return None
    assert changed
    return check(home)


def copied(catalogue: Path) -> LakeHome:
    """A home of its own, with the same objects."""
    home = LakeHome(Path("home"))
    home.path.mkdir(exist_ok=True)
    if not home.objects.exists():
        home.objects.symlink_to(catalogue / "objects")
    return home


@fuzzed(
    mutated(
        [b"main", b"main~3", b"digits-v1^2~1", b"a" * 64, b"main@", b"main$"], [b"~", b"^", b"@"]
    ),
    reasons=1,
)
def test_ref_expressions(data: bytes) -> object:
    text = data.decode("utf-8", "surrogateescape")
    found = ref_expression.parse(text)
    again = found.base + "".join(f"{sign}{count}" for sign, count in found.steps) + found.mark
    assert ref_expression.parse(again) == found
    return found


NAMES: Final = (check_repository, check_key, check_branch, check_tag, files.safe_name)


@fuzzed(
    st.tuples(
        st.sampled_from(NAMES),
        mutated(
            [b"main", b"stemma", b"digits/samples/round=003/part-00000.parquet", b"v1.2"],
            [b"..", b"/"],
        ),
    ),
    reasons=3,
)
def test_names(content: tuple[Any, bytes]) -> object:
    check_name, data = content
    text = data.decode("utf-8", "surrogateescape")
    check_name(text)
    refs.round_of(text)
    assert "\0" not in text
    return text


@fuzzed(st.tuples(mutated([b"bytes=0-5", b"bytes=-5", b"bytes=5-"]), st.integers(0, 10)), reasons=1)
def test_ranges(content: tuple[bytes, int]) -> object:
    start_, stop = objects.parse_range(content[0].decode("latin-1"), content[1])
    assert 0 <= start_ < stop <= content[1]
    return start_, stop


SIGNER: Final = Signer("secret")
TOKEN: Final = SIGNER.sign(LOGIN, {"user": "u"})[0].encode()


@fuzzed(mutated([TOKEN], [b".", b"=", b"-"]), errors=(ForbiddenError,), reasons=1)
def test_tokens(data: bytes) -> object:
    found = SIGNER.verify(LOGIN, data.decode("latin-1"))
    assert found["user"] == "u"
    return found


FRAME: Final = pl.DataFrame({"round": [1, 1], "row": [0, 1], "text": ["a", None]})
PART: Final = tables.encode(FRAME)


@fuzzed(st.lists(mutated([PART]), min_size=1, max_size=2), reasons=1)
def test_parts(parts: list[bytes]) -> object:
    found = tables.decode(parts).collect()
    assert parts != [PART] or found.equals(FRAME)
    return found


@pytest.fixture
def lake(lakes: Served) -> Lake:
    return connect(Embedded(lakes.home), "stemma")


MANIFEST: Final = {"counts": {"accepted": 5}, "generator": {"digest": "a" * 64}, "cost": {"fit": 1}}


@fuzzed(either([MANIFEST]), reasons=2, fixture="lake")
def test_manifests(data: bytes, lake: Lake) -> object:
    lake.write_bytes("main", refs.manifest("digits", 7), data)
    found = manifest.read(lake, "main", "digits", 7)
    if data == written(MANIFEST).encode():
        assert found == MANIFEST
    return found


@fuzzed(
    either([{"addresses": ["local:///x/staging/a"]}, {"addresses": ["local://@HERE@/a"]}]),
    reasons=1,
)
def test_addresses(data: bytes) -> object:
    here = Path().absolute()
    try:
        body = json.loads(data.replace(b"@HERE@", str(here).encode()))
    except (ValueError, RecursionError):
        body = None
    said: list[Any] = []

    def ask(verb: str, asked: Any) -> Any:
        said.append(asked)
        return body if verb == "POST" else None

    batches.write(ask, {"a": b"x"}, "text/plain", here)
    return said
