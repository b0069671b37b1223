"""What two processes of the sandbox send each other, right and hostile."""

from __future__ import annotations

import ast
import collections
import contextlib
import datetime as dt
import decimal
import fractions
import json
import math
import os
import struct
import sysconfig
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sandbox import programs, seccomp
from pipelines.sandbox.inside import names, packages, proxies, references
from pipelines.sandbox.inside.channel import HEAD, MOST, Channel, ClosedError
from pipelines.sandbox.inside.codec import Decoder, Encoder, Node
from pipelines.sandbox.inside.containers import Shared
from pipelines.sandbox.inside.errors import CrossingError, MalformedError, Unjudged
from pipelines.sandbox.inside.folder import Folder

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(1 << 300), max_value=1 << 300),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(codec=None)),
    st.binary(),
    st.fractions(),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.timedeltas(),
    st.uuids(),
)
HASHED = st.recursive(
    LEAVES, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=4
)
VALUES = st.recursive(
    LEAVES | HASHED,
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(HASHED, inner),
        st.sets(HASHED),
        st.lists(inner).map(collections.deque),
        st.dictionaries(st.text(), inner).map(collections.OrderedDict),
        st.lists(st.text()).map(collections.Counter),
    ),
    max_leaves=12,
)


def refused(value: Any, _: Encoder) -> Node:
    raise CrossingError(type(value).__name__)


def unresolved(node: Node, _: Decoder) -> Any:
    raise MalformedError(str(node[0]))


def crossed(value: Any) -> Any:
    """A value after it has crossed as JSON."""
    encoder = Encoder(refused, Shared(0))
    sent = json.loads(json.dumps({"ref": encoder.add(value), "nodes": encoder.nodes}))
    return Decoder(sent["nodes"], unresolved, Shared(1)).value(sent["ref"])


def alike(left: Any, right: Any) -> bool:
    """Whether two values are the same, NaN and the sign of nothing included."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float | complex):
        return repr(left) == repr(right)
    if isinstance(left, dict):
        left, right = [*left.items()], [*right.items()]
    if isinstance(left, list | tuple | collections.deque):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, set | frozenset):  # NaN in it equals nothing
        return len(left) == len(right)
    return bool(left == right)


@given(VALUES)
def test_values_cross_as_they_are(value: Any) -> None:
    assert alike(crossed(value), value)


@pytest.mark.slow
def test_what_is_one_object_stays_one() -> None:
    inner: list[Any] = [1]
    ring: list[Any] = [inner, inner]
    ring.append(ring)
    found = crossed(ring)
    assert found[0] is found[1]
    assert found[2] is found
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    again, depth = crossed(deep), 0
    while again:
        again, depth = again[0], depth + 1
    assert depth == 100_000


def test_a_subclass_does_not_cross_as_what_it_derives_from() -> None:
    class Any3(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    with pytest.raises(CrossingError):
        crossed(Any3(3))
    with pytest.raises(CrossingError):
        crossed([object()])


SCALARS = st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=5)
REFS = SCALARS | st.lists(st.integers(-2, 9), max_size=2)
KINDS = st.sampled_from(
    [
        *("int", "float", "complex", "bytes", "bytearray", "list", "tuple", "set", "frozenset"),
        *("dict", "range", "slice", "decimal.Decimal", "fractions.Fraction", "datetime.date"),
        *("datetime.datetime", "datetime.timezone", "zoneinfo.ZoneInfo", "uuid.UUID"),
        *("collections.Counter", "collections.defaultdict", "collections.deque", "array.array"),
        *("pathlib.PosixPath", "object", "class", "same", "os.system", "builtins.eval"),
        *("dict_keys", "dict_items", "library", "given"),
    ]
)
NODES = st.lists(
    st.tuples(KINDS, st.lists(REFS, max_size=4)).map(lambda node: [node[0], *node[1]]), max_size=9
)


@given(NODES | SCALARS | st.lists(SCALARS), REFS)
def test_a_hostile_table_gives_values_or_is_malformed(nodes: Any, ref: Any) -> None:
    with contextlib.suppress(MalformedError):
        found = Decoder(nodes, unresolved, Shared(1)).value(ref)
        assert not callable(found) or isinstance(found, collections.abc.Hashable)


def test_types_that_a_program_may_name_run_no_texts() -> None:
    assert "eval" not in references.BY_NAME
    assert "type" not in references.BY_NAME
    assert references.plain(eval) is None
    assert references.plain(os) == ["module", "os"]
    assert all(isinstance(kind, type) for kind in references.BY_NAME.values())


@contextlib.contextmanager
def pipe() -> Any:
    reading, writing = os.pipe()
    try:
        yield Channel(reading, writing), writing
    finally:
        os.close(reading)
        with contextlib.suppress(OSError):
            os.close(writing)


def test_of_installed_libraries_tests_import_those_that_run_no_texts() -> None:
    found = packages.Packages(str(Path(pytest.__file__).parents[1]))
    assert found.find_spec("pytest") is not None
    assert found.find_spec("numpy") is None
    assert found.find_spec("numpy.linalg", [sysconfig.get_path("purelib")]) is None


def test_messages_have_a_bound_and_are_objects() -> None:
    with pipe() as (channel, writing):
        channel.send({"a": 1})
        assert channel.receive() == {"a": 1}
        for data, size in ((b"[1]", 3), (b"[" * 50_000, 50_000), (b"nope", 4), (b"", MOST + 1)):
            os.write(writing, struct.pack(">I", size) + data)
            with pytest.raises(MalformedError):
                channel.receive()
        with pytest.raises(CrossingError, match="at most"):
            channel.send({"text": "x" * (MOST + 1)})
        os.write(writing, HEAD.pack(9) + b"cut")
        os.close(writing)
        with pytest.raises(ClosedError):
            channel.receive()


@pytest.mark.parametrize(
    "name", ["../a", "/a", "a/../../b", "", ".", "a//b", "a\0", "link/b", "/".join("a" * 20)]
)
def test_files_outside_of_the_folder_are_malformed(tmp_path: Path, name: str) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    with pytest.raises(MalformedError):
        Folder(inside).apply({name: "eA=="})
    assert list(outside.iterdir()) == []
    assert sorted(place.name for place in inside.iterdir()) == ["link"]


def test_files_that_one_side_changes_the_other_gets(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for place in (one, other):
        place.mkdir()
    left, right = Folder(one), Folder(other)
    (one / "a").mkdir()
    (one / "a" / "b.txt").write_bytes(b"\x00\xff")
    os.mkfifo(one / "pipe")
    (one / "link").symlink_to("/usr")
    right.apply(left.changes())
    assert (other / "a" / "b.txt").read_bytes() == b"\x00\xff"
    assert sorted(place.name for place in other.iterdir()) == ["a"]
    assert left.changes() == right.changes() == {}
    (other / "a" / "b.txt").unlink()
    (other / "a").rmdir()
    left.apply(right.changes())
    assert not (one / "a").exists()
    (other / "x").symlink_to(tmp_path / "planted")
    with contextlib.suppress(MalformedError):
        right.apply({"x": "eA=="})
    assert not (tmp_path / "planted").exists()


class Has:
    """A program that has some names."""

    is_apart = True

    def __init__(self, **own: Any) -> None:
        self.own = own

    def look(self, name: str) -> Any:
        if name not in self.own:
            raise NameError(name)
        return self.own[name]

    def unjudge(self, why: str) -> NoReturn:
        raise Unjudged(why)


def resolved(tests: str, name: str, entry: str | None = None, **own: Any) -> Any:
    return names.Names(Has(**own), ast.parse(tests), entry)[name]


def test_names_that_tests_judge_with_are_not_the_programs() -> None:
    mine = len  # stands for any function of the program
    assert resolved("assert abs(f(1) - 2) < 1", "f", f=mine) is mine
    with pytest.raises(KeyError):  # the language's own is found next
        resolved("assert abs(f(1) - 2) < 1", "abs", f=mine, abs=mine)
    assert resolved("assert isclose(f(1), 2)", "isclose", f=mine, isclose=mine) is math.isclose
    assert resolved("assert math.isclose(f(1), 2)", "math", f=mine, math=mine) is math
    assert resolved("assert sum(10, 15) == 6", "sum", sum=mine) is mine
    with pytest.raises(KeyError):  # either could be meant
        resolved("assert abs(sum(10, 15) - 6) < 1", "sum", sum=mine, abs=mine)
    assert resolved("assert abs(sum(1, 2) - 6) < 1", "sum", "sum", sum=mine, abs=mine) is mine
    assert resolved("assert queue.push(1) == 1", "queue", queue=mine) is mine


def test_attributes_of_a_proxy_are_those_of_the_program() -> None:
    own = {name for name in vars(proxies.Proxy) if not name.startswith("__")}
    assert own == set()


@pytest.mark.parametrize("report", [b"", b"[]", b"[" * 100_000, b"{}", b"\xff", b"null"])
def test_a_report_that_is_none_is_none(report: bytes) -> None:
    assert programs._read(report) is None


@pytest.mark.parametrize(
    "said",
    [
        {"result": "passed"},
        {"result": "passed", "says": 1},
        {"result": "great", "says": ""},
        {"result": ["passed"], "says": ""},
        {"says": ""},
    ],
)
def test_a_report_without_its_fields_is_none(said: dict[str, Any]) -> None:
    assert programs._read(json.dumps(said).encode()) is None


def test_the_filter_is_known_for_common_machines_alone() -> None:
    for machine in seccomp.MACHINES:
        found = seccomp.program(machine)
        assert found is not None
        assert len(found) % 8 == 0
        assert len(found) // 8 < 4096
    assert seccomp.program("pdp11") is None


def test_all_values_of_the_library_cross() -> None:
    for value in (
        decimal.Decimal("1.50"),
        fractions.Fraction(1, 3),
        dt.time(1, 2, tzinfo=dt.UTC),
        collections.Counter("aab"),
        collections.deque([1, 2], maxlen=3),
    ):
        found = crossed(value)
        assert found == value
        assert type(found) is type(value)
    assert crossed(collections.deque([1], maxlen=3)).maxlen == 3
