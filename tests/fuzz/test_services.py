"""What services, caches of their answers and processes of ours answer."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import math
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
from hypothesis import strategies as st

from lake import administration, garbage_collection
from lake.client import connect
from lake.errors import refused
from lake.settings import Remote
from pipelines.llm import answers, batch_api, image_requests, translation
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.bounds import Gunzip, OversizedError
from pipelines.llm.cache import FILE, Cache
from pipelines.llm.client import Client
from pipelines.llm.home import ServerHome
from pipelines.llm.settings import Access, Service
from pipelines.llm.stored_values import Spent
from pipelines.llm.values import Reply, Request, Usage
from tests.fuzz import pictures as drawn
from tests.fuzz.engine import OURS, fuzzed
from tests.fuzz.mutations import documents, either, mutated, written

USAGE: Final = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
SAID: Final = '{"a": 1, "b": ["x"]}'
CHAT: Final = {
    "id": "1",
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
    ],
    "usage": USAGE,
}
COMPLETION: Final = {"choices": [{"text": SAID, "finish_reason": "length"}], "usage": USAGE}
REFUSED: Final = {"choices": [{"message": {"refusal": "no", "content": None}}], "usage": USAGE}
WRONG: Final = {"error": {"message": "slow down", "code": 429, "type": "x"}}
OTHER: Final = {"error": "no\nroom"}
BODIES: Final = [CHAT, COMPLETION, REFUSED, WRONG, OTHER]
SCHEMA: Final = {
    "type": "object",
    "properties": {
        "a": {"type": "number", "multipleOf": 0.01, "maximum": 5},
        "b": {"type": "array", "items": {"type": "string", "maxLength": 5}, "uniqueItems": True},
    },
    "required": ["a"],
    "additionalProperties": False,
}
PLAIN: Final = Request("m", prompt="p")
PICTURE: Final = image_requests.ImageRequest("m", prompt="p")
DRAWN: Final = {"data": [{"b64_json": base64.b64encode(drawn.TINY).decode()}], "model": "m"}
ASKED: Final = replace(PLAIN, schema=SCHEMA)
MOST: Final = 1000
"""Characters of what a service says of itself."""


@fuzzed(either([DRAWN, WRONG, OTHER]), errors=(AttemptError,), reasons=4)
def test_pictures(data: bytes) -> object:
    found = image_requests.read(data, PICTURE)
    assert len(found.model) <= MOST
    pixels = image_requests.pixels(found.text)
    if data == written(DRAWN).encode():
        assert pixels.shape == (8, 8, 3)
    return found.text, pixels.sum()


@fuzzed(either(BODIES), errors=(AttemptError,), reasons=4)
def test_answers(data: bytes) -> object:
    found = answers.read(data, PLAIN)
    assert all(isinstance(each, str) for each in (found.text, found.model, found.finish_reason))
    assert max(map(len, (found.model, found.finish_reason))) <= MOST
    assert 0 <= found.usage.tokens_in <= answers.MAX_TOKENS
    if data == written(CHAT).encode():
        assert (found.text, found.usage) == (SAID, Usage(7, 3))
    return found


@fuzzed(either([{"a": 1, "b": ["x"]}, {"a": 0.01}]), errors=(AttemptError,), reasons=4)
def test_answers_of_a_schema(data: bytes) -> object:
    said = data.decode("utf-8", "replace")
    body = {**CHAT, "choices": [{"message": {"content": said}}]}
    found = answers.read(json.dumps(body).encode(), ASKED)
    assert found.parsed["a"] <= 5
    if said == SAID:
        assert found.parsed == {"a": 1, "b": ["x"]}
    return found


LINES: Final = [
    {"custom_id": "a", "response": {"status_code": 200, "body": CHAT}, "error": None},
    {"custom_id": "b", "response": {"status_code": 429, "body": WRONG}, "error": None},
    {"custom_id": "c", "response": None, "error": {"code": "expired", "message": "late"}},
]
FILES: Final = "\n".join(map(written, LINES)).encode()


@fuzzed(
    st.one_of(
        st.lists(documents(LINES, edits=1), min_size=1, max_size=2).map("\n".join).map(str.encode),
        mutated([FILES]),
    ),
    errors=(AttemptError,),
    reasons=4,
)
def test_lines_of_batches(data: bytes) -> object:
    found = batch_api.by_digest(data, {"a", "b", "c", "d"}, "http://there", "file-1")
    assert found.keys() <= {"a", "b", "c", "d"}
    bodies = {
        name: batch_api.answer_body(Access("http://there", "k"), line)
        for name, line in found.items()
    }
    said = [answers.read(body, PLAIN) for body in bodies.values()]
    if data == FILES:
        assert said[0].text == SAID
    return said or None


@fuzzed(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms"]),
        mutated(
            [b"5", b"0.5", b"Sun, 29 Nov 2026 04:00:00 GMT", b"Mon, 01 Jan 2024 00:00:00 +0100"]
        ),
        min_size=1,
    ),
    reasons=1,
)
def test_times_to_wait(headers: dict[str, bytes]) -> object:
    found = translation.retry_after(
        {name: each.decode("latin-1") for name, each in headers.items()}
    )
    assert found is None or 0 < found < math.inf
    assert headers != {"retry-after": b"5"} or found == 5
    return found


PACKED: Final = gzip.compress(b"text " * 100)


@fuzzed(
    mutated([PACKED, PACKED * 3, gzip.compress(bytes(1 << 20))]),
    errors=(OversizedError,),
    reasons=1,
)
def test_gzip(data: bytes) -> object:
    pieces = list(Gunzip().pieces(data))
    assert max(map(len, pieces), default=0) <= 1 << 16
    assert data != PACKED or b"".join(pieces) == b"text " * 100
    return pieces or None


@fuzzed(st.tuples(either([{"message": "no room"}, OTHER]), st.integers(-1, 600)), reasons=2)
def test_errors_of_a_lake(data: tuple[bytes, int]) -> object:
    found = refused("do it", data[1], data[0], "Reason")
    if not data[0]:
        return found
    raise found


@dataclass
class Answering:
    """A service that answers everything alike."""

    url: str
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def answering() -> Iterator[Answering]:
    said = Answering("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(said.body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(said.body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  the base class looks for these

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        said.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield said
        finally:
            server.shutdown()
            serving.join(5)


@pytest.fixture
def service() -> Iterator[Answering]:
    with answering() as found:
        yield found


STATUSES: Final = st.sampled_from([200, 200, 200, 201, 400, 401, 404, 408, 418, 429, 500, 503, 599])
HEADERS: Final = st.dictionaries(
    st.sampled_from(["retry-after", "content-type", "content-encoding", "x-should-retry"]),
    st.sampled_from(["5", "gzip", "br", "application/json", "text/html", "nan", "a" * 5000]),
    max_size=2,
)


@fuzzed(
    st.tuples(st.one_of(either(BODIES), mutated([PACKED])), STATUSES, HEADERS),
    errors=(AttemptError,),
    reasons=3,
    fixture="service",
)
def test_services(data: tuple[bytes, int, dict[str, str]], service: Answering) -> object:
    service.body, service.status, service.headers = data

    async def asked() -> bytes:
        found = Client(Access(service.url, "key-of-nobody"), Service(timeout_s=5), direct=True)
        try:
            return await found.send("/completions", {"prompt": "p"})
        finally:
            await found.close()

    return answers.read(asyncio.run(asked()), PLAIN)


COMMIT: Final = {
    "id": "a" * 64,
    "parents": ["b" * 64],
    "committer": "c",
    "message": "m",
    "creation_date": 5,
    "meta_range_id": "",
    "metadata": {"stemma.stage": "publish"},
}
PAGE: Final = {"has_more": False, "next_offset": "", "results": 1, "max_per_page": 1000}
STATS: Final = {
    "path": "digits/a.parquet",
    "path_type": "object",
    "physical_address": "local:///etc/passwd",
    "checksum": "d" * 32,
    "size_bytes": 5,
    "mtime": 5,
}
LAKES: Final = [
    COMMIT,
    {"pagination": PAGE, "results": [COMMIT]},
    {"pagination": PAGE, "results": [STATS]},
    {"pagination": PAGE, "results": [{"id": "main", "commit_id": "a" * 64}]},
    {"message": "no such ref"},
]
CALLS: Final = ("resolve", "log", "objects", "branches", "read", "head", "tags")


@fuzzed(
    st.tuples(either(LAKES), st.sampled_from([200, 200, 200, 404, 500]), st.sampled_from(CALLS)),
    reasons=3,
    fixture="service",
)
def test_answers_of_lakes(data: tuple[bytes, int, str], service: Answering) -> object:
    service.body, service.status = data[:2]
    service.headers = {"content-type": "application/json"}
    lake = connect(Remote(service.url, "a", "s"), "stemma")
    call = data[2]
    given = {"read": ("main", "a"), "branches": ("",), "tags": ("",)}.get(call, ("main",))
    found = getattr(lake, call)(*given)
    return [list(found) if call == "log" else found]


@fuzzed(
    st.tuples(either([{"objects": 1, "commits": 2}]), st.sampled_from([200, 200, 400, 500])),
    reasons=2,
    fixture="service",
)
def test_answers_to_upkeep(data: tuple[bytes, int], service: Answering) -> object:
    service.body, service.status = data
    return administration.post(
        Remote(service.url, "a", "s"), garbage_collection.PATH, {}, "collect"
    )


REPLY: Final = Reply("d" * 64, "t", {"a": 1}, "m", 7, 3, 0.5, 1, 5, "stop", 0.1)
KEPT: Final = {name: value for name, value in asdict(REPLY).items() if name != "cached"}
CELLS: Final = st.one_of(
    either([KEPT]).map(lambda data: data.decode("utf-8", "replace")),
    st.sampled_from([None, 5, 0.5, b"\xff", "\0", written(KEPT)]),
)


def used(cache: Cache) -> list[object]:
    """All that a cache reads."""
    found = cache.answers([REPLY.digest])
    for each in found.values():
        assert each.cached
        assert isinstance(each.text, str)
        assert each.tokens_in >= 0
        json.dumps(asdict(each))
    spent = cache.spent([REPLY.digest])
    known = cache.batches("http://there")
    return [found, spent, known]


@fuzzed(CELLS, reasons=2)
def test_rows_of_the_cache(cell: object) -> object:
    with Cache.open(Path("cache")) as cache:
        cache._connection.execute("DELETE FROM answers")
        if cell is not None:
            row = (REPLY.digest, cell)
            cache._connection.execute("INSERT INTO answers VALUES (?, ?)", row)
    with Cache.open(Path("cache")) as cache:
        found = cache.answers([REPLY.digest])
        used(cache)
        if cell == written(KEPT):
            assert found == {REPLY.digest: replace(REPLY, cached=True)}
    return found or None


@pytest.fixture(scope="session")
def answers_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a cache."""
    place = tmp_path_factory.mktemp("answers")
    with Cache.open(place) as cache:
        cache.keep(REPLY)
        cache.broke(REPLY.digest, 5, 5, 0.1, "late")
        cache.begin_batch("token", "http://there", ["a", "b"])
        cache._connection.execute("PRAGMA journal_mode = DELETE")
    return place / FILE


SQL: Final = (
    b"CREATE TABLE answers",
    b"CREATE",
    b"SQLite format 3\x00",
    b"\x10\x00\x01\x01",
    b"[]",
)


@fuzzed(st.data(), reasons=1, fixture="answers_db")
def test_files_of_the_cache(data: st.DataObject, answers_db: Path) -> object:
    valid = answers_db.read_bytes()
    place = Path("damaged")
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        old.unlink()
    content = data.draw(mutated([valid], SQL))
    (place / FILE).write_bytes(content)
    with Cache.open(place) as cache:
        found = used(cache)
        if content == valid:
            assert found[0] == {REPLY.digest: replace(REPLY, cached=True)}
            assert found[1] == {REPLY.digest: Spent(5, 5, 0.1)}
            assert found[2] == [("token", None, ("a", "b"))]
    return found


@fuzzed(
    st.fixed_dictionaries(
        {
            "endpoint.json": either([{"url": "http://127.0.0.1:1", "pid": 5}]),
            "served": mutated([b"5"]),
            "key": mutated([b"local-abc"]),
        }
    ),
    reasons=1,
    errors=(*OURS, OSError),
)
def test_folder_of_the_local_server(files: dict[str, bytes]) -> object:
    home = ServerHome(Path())
    for name, data in files.items():
        Path(name).write_bytes(data)
    assert home.served() >= 0
    assert home.serving() is None
    key = home.key()
    assert key.isprintable()
    assert key.isascii()
    return home.endpoint()
