"""What crosses between a program and its tests, and what a hostile program cannot make of it."""

from __future__ import annotations

import ast
import collections
import contextlib
import json
import os
import subprocess
import sys
import types
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sandbox import memory, programs
from pipelines.sandbox.inside import about, classes, handed, outgoing, references, special
from pipelines.sandbox.inside.channel import HEAD, Channel
from pipelines.sandbox.inside.codec import Decoder, Encoder, Node
from pipelines.sandbox.inside.containers import Shared
from pipelines.sandbox.inside.errors import Broken, CrossingError, MalformedError, Unjudged
from pipelines.sandbox.inside.folder import Folder
from pipelines.sandbox.inside.handed import Handed
from pipelines.sandbox.inside.remote import Program
from pipelines.sandbox.limits import Limits
from tests.pipelines.isolated import needs_sandbox


def refused(value: Any, _: Encoder) -> Node:
    raise CrossingError(type(value).__name__)


def unresolved(node: Node, _: Decoder) -> Any:
    raise MalformedError(str(node[0]))


class Side:
    """One of two processes."""

    def __init__(self, first: int) -> None:
        self.shared = Shared(first)

    def sent(self, *values: Any) -> str:
        encoder = Encoder(refused, self.shared)
        refs = [encoder.add(value) for value in values]
        changed = encoder.changes()
        unused = self.shared.unused(sys.getrefcount)
        return json.dumps([refs, encoder.nodes, changed, unused])

    def received(self, message: str) -> list[Any]:
        refs, nodes, changed, unused = json.loads(message)
        decoder = Decoder(nodes, unresolved, self.shared)
        found = [decoder.value(ref) for ref in refs]
        decoder.change(changed)
        for number in unused:
            self.shared.forget(number)
        return found


CONTAINERS = [
    [1],
    {1},
    {"a": [1]},
    bytearray(b"a"),
    collections.deque([1, 2], maxlen=3),
    collections.OrderedDict(b=1, a=2),
    collections.Counter("aab"),
    collections.defaultdict(None, {1: 2}),
]


@pytest.mark.parametrize("value", CONTAINERS, ids=lambda value: type(value).__name__)
def test_a_container_is_one_in_both_processes(value: Any) -> None:
    tests, program = Side(0), Side(1)
    (other,) = program.received(tests.sent(value))
    assert other == value
    value.popitem() if isinstance(value, dict) else value.pop()
    program.received(tests.sent())
    assert other == value
    if hasattr(other, "clear"):
        other.clear()
    (again,) = tests.received(program.sent(other))
    assert again is value
    assert not value
    assert type(other) is type(value)


def test_what_a_container_holds_is_shared_as_well() -> None:
    tests, program = Side(0), Side(1)
    rows: list[Any] = [[1], [2]]
    (other,) = program.received(tests.sent(rows))
    other[0].append(3)
    other.append(other[1])
    tests.received(program.sent())
    assert rows == [[1, 3], [2], [2]]
    assert rows[1] is rows[2]


def test_order_in_an_ordered_dict_is_its_own() -> None:
    value = collections.OrderedDict(a=1, b=2)
    value.move_to_end("a")
    (other,) = Side(1).received(Side(0).sent(value))
    assert list(other) == ["b", "a"]


def test_containers_that_nobody_has_are_forgotten() -> None:
    tests, program = Side(0), Side(1)
    kept: list[int] = [0]
    for number in range(50):
        program.received(tests.sent([number], kept))
    assert len(tests.shared._held) <= 2
    assert len(program.shared._held) <= 3


@pytest.mark.parametrize(
    ("nodes", "changed"),
    [
        ([["same", 0]], []),
        ([["same", "x"]], []),
        ([["same"]], []),
        ([["list", 0]], []),
        ([["list", 1], ["list", 1]], []),
        ([["list", None]], []),
        ([["list"]], []),
        ([["deque", 1]], []),
        ([["array", 1, "nope"]], []),
        ([], [[7, []]]),
        ([], [["x", []]]),
        ([], [[0]]),
        ([], "x"),
        ([], None),
        ([["dict", 1, "odd"]], []),
    ],
)
def test_hostile_containers_are_malformed(nodes: Any, changed: Any) -> None:
    decoder = Decoder(nodes, unresolved, Shared(0))
    with pytest.raises(MalformedError):
        decoder.change([decoder.value(None)] and changed)


SCALARS = st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=6)
REFS = SCALARS | st.lists(st.integers(-1, 5), max_size=2)
NODES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("object", "class", "given", "library", "type", "module", "same", "list", "dict"),
                *("tuple", "int", "dict_items", "zoneinfo.ZoneInfo", "datetime.timezone", "x"),
            ]
        ),
        st.lists(REFS | st.sampled_from(["json", "unittest.case", "SkipTest"]), max_size=4),
    ).map(lambda node: [node[0], *node[1]]),
    max_size=6,
)
REPLIES = st.fixed_dictionaries(
    {
        "printed": st.just(["", ""]) | SCALARS,
        "nodes": NODES | SCALARS,
        "changed": st.just([]) | st.lists(st.lists(REFS, max_size=2), max_size=3) | SCALARS,
    },
    optional={
        "value": REFS,
        "again": SCALARS,
        "raised": st.lists(st.lists(REFS, max_size=6), max_size=3) | SCALARS,
        "warned": st.lists(st.lists(REFS, max_size=5), max_size=2) | SCALARS,
        "logged": REFS,
        "uncrossed": SCALARS,
        "files": st.dictionaries(st.text(max_size=4), SCALARS, max_size=2) | SCALARS,
        "callback": SCALARS,
        "how": SCALARS,
        "args": st.lists(REFS, max_size=2),
        "named": st.dictionaries(st.text(max_size=3), REFS, max_size=2) | SCALARS,
    },
)


@given(st.lists(REPLIES, min_size=1, max_size=3))
def test_hostile_replies_break_the_program_and_nothing_else(replies: list[dict[str, Any]]) -> None:
    reading, hostile = os.pipe()
    sink = os.open(os.devnull, os.O_WRONLY)
    for reply in replies:
        data = json.dumps(reply).encode()
        os.write(hostile, HEAD.pack(len(data)) + data)
    os.close(hostile)
    try:
        program = Program(Channel(reading, sink), "", Folder(Path("/nonexistent")))
        with contextlib.suppress(Broken, Unjudged):
            found = program.ask("call", len)
            assert found is None or isinstance(found, object)
    finally:
        os.close(reading)
        os.close(sink)


class Bag(dict[str, int]):
    """A class of a program."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


def test_a_class_is_described_and_a_hostile_description_is_malformed() -> None:
    told = special.described(Bag)
    found = about.about(told)
    assert (found.name, found.container, found.compares, found.hashable) == (
        "Bag",
        "dict",
        True,
        False,
    )
    assert found.derives_from(dict)
    assert not found.derives_from(int)
    wrong_ones: list[Any] = [5, None, 3, [], ["x"], 1, "yes", 4, ("__sub__",), "int", (5,)]
    for place, wrong in enumerate(wrong_ones):
        with pytest.raises(MalformedError):
            about.about((*told[:place], wrong, *told[place + 1 :]))
    for hostile in (None, (), told[:-1], 5):
        with pytest.raises(MalformedError):
            about.about(hostile)


def test_a_description_claims_no_plain_values() -> None:
    told = list(special.described(Bag))
    for claimed in (("builtins", "int"), ("builtins", "str"), ("builtins", "tuple")):
        told[9], told[10] = claimed, (claimed,)
        found = about.about(tuple(told))
        assert found.like is None
        assert not any(map(found.derives_from, (int, str, tuple, bool)))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *(
            ("unittest.case", "SkipTest"),
            ("os", "_exit"),
            ("builtins", "eval"),
            ("builtins", "type"),
        ),
        *(("_pytest.outcomes", "Skipped"), ("types", 5), (None, "x"), ("collections", "nope")),
        *(("antigravity", "x"), ("json", "loads"), ("__main__", "x"), ("json.decoder", "__name__")),
    ],
)
def test_a_program_may_not_name_that(module: Any, name: Any) -> None:
    assert references.library_class(module, name) is None


def test_a_program_may_name_classes_of_the_library() -> None:
    assert references.library_class("json.decoder", "JSONDecodeError") is json.JSONDecodeError
    assert references.library_class("types", "GeneratorType") is types.GeneratorType


class Form:
    """An object of the tests."""

    __module__ = handed.TESTS
    size = 3

    def __init__(self) -> None:
        self.name = "x"

    def check(self) -> bool:
        return False


def handed_over(value: Any) -> Handed:
    found = Handed()
    found.node(value, Encoder(refused, Shared(0)))
    return found


@pytest.mark.parametrize(
    "question",
    [
        *((1, "call", []), (-1, "call", []), ("x", "call", []), (0, "run", []), (0, None, [])),
        *((0, "call", []), (0, "next", []), (0, "special", ["__reduce_ex__", 2])),
        *((0, "special", ["__len__"]), (0, "get", [5])),
    ],
)
def test_hostile_questions_are_malformed(question: tuple[Any, Any, list[Any]]) -> None:
    with pytest.raises(MalformedError):
        handed_over(Form()).answer(*question, {})


@pytest.mark.parametrize(
    ("how", "args"),
    [
        ("get", ["__class__"]),
        ("get", ["__init__"]),
        ("set", ["check", lambda: True]),
        ("set", ["__class__", dict]),
        ("delete", ["__dict__"]),
    ],
)
def test_what_a_program_may_not_do_to_an_object_of_the_tests(how: str, args: list[Any]) -> None:
    form = Form()
    with pytest.raises(AttributeError):
        handed_over(form).answer(0, how, args, {})
    assert form.check() is False


@pytest.mark.parametrize(
    "name", ["return_value", "assert_called_once", "_mock_children", "called", "await_count"]
)
def test_what_a_mock_has_for_the_tests_is_not_the_programs(name: str) -> None:
    mock = Mock()
    for how, args in (("get", [name]), ("set", [name, 1])):
        with pytest.raises(AttributeError):
            handed_over(mock).answer(0, how, args, {})
    assert handed_over(mock).answer(0, "get", ["anything"], {}) is mock.anything


def test_a_program_reads_and_sets_what_objects_of_the_tests_have() -> None:
    form = Form()
    found = handed_over(form)
    assert found.answer(0, "get", ["name"], {}) == "x"
    found.answer(0, "set", ["name", "y"], {})
    found.answer(0, "set", ["size", 4], {})
    told = found.answer(0, "get", ["__dict__"], {})
    told["check"] = None
    assert vars(form) == {"name": "y", "size": 4}


def test_a_method_is_handed_over_once() -> None:
    found, seen, encoder = Handed(), [1], Encoder(refused, Shared(0))
    assert found.node(seen.append, encoder)[1] == found.node(seen.append, encoder)[1]
    form = Form()
    assert found.node(form.check, encoder)[1] == found.node(form.check, encoder)[1]


@pytest.mark.parametrize("value", [unittest.TestCase(), Form, sys, iter])
def test_what_tests_do_not_hand_over(value: Any) -> None:
    known = outgoing.node(value)
    if known is None:
        with pytest.raises(CrossingError):
            Handed().node(value, Encoder(refused, Shared(0)))
    else:
        assert known[0] in {"module", "library"}


def test_what_is_compared_is_a_copy() -> None:
    inner = [1]
    value = {"a": (inner, {2}), "b": SimpleNamespace()}
    found = outgoing.copied(value)
    assert found == value
    found["a"][0].clear()
    assert inner == [1]
    for _ in range(200):
        value = {"a": value}
    with pytest.raises(CrossingError):
        outgoing.copied(value)


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ("assert abs(Half(3) - 1.5) < 1", set()),
        ("assert half(3).real <= 1.5 <= half(3)", set()),
        ("r = Split('a b')\nr.sort()\nassert r == ['a', 'b']", set()),
        ("assert Rev('ab').startswith('b')", set()),
        ("v = vector(1, 2)\nassert v.x == 1", set()),
        ("v = Vector(1, 2)\nassert v.x == 1", {"Vector"}),
        ("assert (Money(1) + 2).cents == 3", {"Money"}),
        ("assert LRU().size() == 0", {"LRU"}),
        ("with Timer() as t:\n    pass\nassert t.s > 0", {"Timer"}),
        ("assert isinstance(F(), (A, B))", {"A", "B"}),
        ("import program\nassert program.Box(1).x == 1", {"Box"}),
        ("class Own(Shape): pass\nassert Own().area() == 1", {"Own", "Shape"}),
        ("assert Color.RED == Color(1)", {"Color"}),
    ],
)
def test_names_that_tests_use_as_classes(tests: str, expected: set[str]) -> None:
    assert classes.classes(ast.parse(tests)) == expected


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ("import pytest\n", True),
        ("def test_a(tmp_path): pass\n", True),
        ("async def test_a(x): pass\n", True),
        ("class TestA:\n    pass\n", True),
        ("def setup_module(): pass\n", True),
        ("def test_a(): pass\n", False),
        ("class TestA(unittest.TestCase):\n    def test_a(self): pass\n", False),
        ("assert f(1) == 'test'", False),
        ("(" * 100_000, False),
        ("\n" * 1_000_000, False),
    ],
)
def test_tests_that_need_pytest_are_found_without_parsing(tests: str, expected: bool) -> None:
    assert programs.need_pytest(tests) is expected


def test_memory_of_all_processes_is_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert {os.getpid(), process.pid} <= set(memory.descendants(os.getpid()))
        assert memory.exceeds(os.getpid(), 1)
        assert not memory.exceeds(os.getpid(), 1 << 50)
        process.communicate(b"\n")
    assert not memory.exceeds(process.pid, 1)


def test_memory_that_processes_share_is_counted_once() -> None:
    take = "import mmap\nblock = mmap.mmap(-1, 64 << 20)\nblock[:] = bytes(64 << 20)\n"
    share = "import os\nos.fork()\nprint('.', end='', flush=True)\ninput()\n"
    command = [sys.executable, "-c", take + share]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b".."
        assert memory.exceeds(process.pid, 64 << 20)
        assert not memory.exceeds(process.pid, 128 << 20)
        process.kill()


ADD = "def add(a, b):\n    return a + b\n"
TESTS = "assert add(1, 2) == 3\n"


@needs_sandbox
@pytest.mark.parametrize(
    ("program", "tests", "result", "says"),
    [
        (None, TESTS, "failed", "the program is no text"),
        (b"x", TESTS, "failed", "the program is no text"),
        (ADD, 5, "unjudged", "the tests are no text"),
        (ADD + "#" * programs.LARGEST, TESTS, "failed", "at most 8,388,608 are read"),
        (ADD, TESTS + "#" * programs.LARGEST, "unjudged", "at most 8,388,608 are read"),
        (ADD + "\0", TESTS, "failed", "null bytes"),
        (ADD, TESTS + "\0", "unjudged", "null bytes"),
        (ADD + "# \ud83d", TESTS, "failed", "surrogates not allowed"),
        (ADD, TESTS + "# \udfff", "unjudged", "cannot be read"),
        ("x = " + "[" * 100_000, TESTS, "failed", "SyntaxError"),
        (ADD, "x = " + "-" * 100_000 + "1", "unjudged", "cannot be read"),
        ("", "", "unjudged", "there are no tests"),
        ("\ufeff" + ADD, "\ufeff" + TESTS, "passed", ""),
    ],
)
def test_odd_sources_are_that_candidates_outcome(
    program: Any, tests: Any, result: str, says: str
) -> None:
    outcome = programs.judge(program, tests, Limits(seconds=30))
    assert (outcome.result, says in outcome.says) == (result, True)


@needs_sandbox
def test_what_passes_in_its_own_process_alone_is_not_judged() -> None:
    program = "class Any:\n    def __eq__(self, other): return True\ndef f(): return Any()\n"
    outcome = programs.judge(program, "assert f() == 3", Limits(seconds=30))
    assert outcome.result == "unjudged"
    assert outcome.says.startswith(programs.ALONE)
    outcome = programs.judge(program, "assert f() == 3", Limits(seconds=30), same_process=True)
    assert (outcome.result, outcome.detail) == ("passed", programs.SAME_PROCESS)
    outcome = programs.judge(program, "assert f() != 3", Limits(seconds=30), same_process=True)
    assert (outcome.result, outcome.detail) == ("failed", None)
