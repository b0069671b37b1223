"""Answers to maths problems: what is right, wrong or unknown, and what hostile answers can do."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import time
from fractions import Fraction
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.answers import Pair, Result, counts, mistaken, table
from pipelines.common.errors import SandboxError
from pipelines.sandbox import answers, loader
from pipelines.sandbox import maths as package
from pipelines.sandbox.answers import Compared, compare
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.maths import verdicts
from pipelines.sandbox.maths.outcomes import Verdict
from pipelines.sandbox.run import Finished
from pipelines.scorers import digests, maths
from pipelines.scorers.protocol import Given
from tests.pipelines.isolated import needs_sandbox

ROOT = Path(__file__).resolve().parents[3]
NOT_READ = [
    ("12", "The area of the square is $12$."),
    (r"\int_0^1 x^2\,dx", r"\frac{1}{3}"),
    (r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}"),
    (r"3 \pmod 7", r"3 \pmod{7}"),
    ("C_{10}^{3}", "120"),
]
"""Right answers of the table that are not read: "square" may change the number behind it, and
integrals, sums, residues and C with two indices are not known."""
GOLDEN = ("answers/2", "f2e70b162a45951c")
READY = b'{"ready": true}\n'
WHOLE = st.integers(-(10**9), 10**9)


def judged(truth: str, answer: str) -> bool | None:
    return verdicts.compare(truth, answer).correct


@pytest.fixture(scope="module")
def found() -> list[Verdict]:
    return [verdicts.compare(each.truth, each.answer) for each in table()]


@pytest.fixture(scope="module")
def result(found: list[Verdict]) -> Result:
    return Result("ours", [each.correct for each in found], 1.0)


def test_the_table_has_many_pairs_of_each_kind() -> None:
    pairs = table()
    assert len(pairs) == len({(each.truth, each.answer) for each in pairs}) >= 500
    assert len({each.kind for each in pairs}) == 16
    found = counts(pairs, Result("none", [None] * len(pairs), 1.0))
    assert min(found["right"], found["wrong"]) >= 200
    assert found["undecidable"] >= 30


def test_nothing_in_the_table_is_judged_wrongly(result: Result) -> None:
    assert list(mistaken(table(), result)) == []


def test_right_answers_of_the_table_are_unknown_only_where_it_is_said(result: Result) -> None:
    found = [
        (pair.truth, pair.answer)
        for pair, verdict in zip(table(), result.verdicts, strict=True)
        if pair.right and verdict is None
    ]
    assert found == NOT_READ


def test_verdicts_change_with_the_version_only(result: Result) -> None:
    """Stored scores are kept by the version: raise it when a verdict changes.

    Where only the table has grown, the version stays, and the digest is taken anew.
    """
    said = hashlib.sha256(json.dumps(result.verdicts).encode()).hexdigest()[:16]
    assert (answers.VERSION, said) == GOLDEN


def test_every_pair_that_is_no_pass_says_why(found: list[Verdict]) -> None:
    assert {each.correct for each in found} == {True, False, None}
    for each in found:
        assert (each.says == "") is (each.correct is True), each
        assert len(each.says) <= answers.MAX_SAYS


@pytest.mark.parametrize(
    ("truth", "answer", "says"),
    [
        ("", "7", "there is no true answer"),
        ("7", " \n", "there is no answer"),
        ("7", "8", "another value"),
        ("7", "7, 8", "2 values in place of 1"),
        ("0", "0/0", "the answer has no value: it divides by zero"),
        ("0/0", "0", "the true answer has no value: it divides by zero"),
        ("18", "$18", "only one of both names a unit"),
        ("1/3", "0.333", "equal only after rounding"),
        ("1/2x", r"\frac{1}{2x}", "it can be read in more than one way"),
        ("7", r"\def\x{7}\x", r"the answer cannot be read: the command \def is not known"),
        ("7", "\u202e7", "the answer cannot be read: it holds the character U+202E"),
        ("7", "half \ud83d", "the answer cannot be read: it holds the character U+D83D"),
        (r"\int x", "7", r"the true answer cannot be read: the command \int is not known"),
    ],
)
def test_reasons_are_sentences_that_say_what_is_the_matter(
    truth: str, answer: str, says: str
) -> None:
    assert verdicts.compare(truth, answer).says == says


FORMS = (
    "{sign}{top}/{bottom}",
    "  {sign}{top} / {bottom} ",
    r"{sign}\frac{{{top}}}{{{bottom}}}",
    r"{sign}\dfrac{{{top}}} {{{bottom}}}",
    r"\frac{{{sign}{top}}}{{{bottom}}}",
    r"${sign}\tfrac{{{top}}}{{{bottom}}}$.",
    r"x = {sign}{top}/{bottom}",
    r"so it is $\boxed{{{sign}{top}/{bottom}}}$.",
    "The answer is {sign}{top}/{bottom}.",
    "it took a while #### {sign}{top}/{bottom}",
    r"\left({sign}{top}/{bottom}\right)",
    r"{sign}{top} \cdot {bottom}^{{-1}}",
    r"\{{{sign}{top}/{bottom}\}}",
)
SIGNS = {"-": ("-", "−", "- "), "": ("", "+")}
"""Ways to write a sign."""


@given(st.fractions(max_denominator=999), st.sampled_from(FORMS), st.data())
@settings(max_examples=200, deadline=None)
def test_a_right_number_stays_right_however_it_is_written(
    number: Fraction, form: str, data: st.DataObject
) -> None:
    sign = data.draw(st.sampled_from(SIGNS["-" if number < 0 else ""]))
    top, bottom = abs(number.numerator), number.denominator
    text = form.format(sign=sign, top=top, bottom=bottom)
    truth = rf"\frac{{{number.numerator}}}{{{bottom}}}"
    assert judged(truth, text) is True


@given(WHOLE, WHOLE.filter(bool), st.sampled_from(FORMS), st.integers(1, 999))
@settings(max_examples=200, deadline=None)
def test_another_number_is_never_right_however_it_is_written(
    number: int, more: int, form: str, bottom: int
) -> None:
    other = Fraction(number, bottom) + Fraction(more, bottom)
    sign, top = "-" if other < 0 else "", abs(other.numerator)
    text = form.format(sign=sign, top=top, bottom=other.denominator)
    assert judged(f"{number}/{bottom}", text) is not True


@given(st.integers(1, 10**12), st.sampled_from([",", r",\!", "{,}", " ", r"\,"]))
@settings(max_examples=100, deadline=None)
def test_separators_between_thousands_change_nothing(number: int, separator: str) -> None:
    text = f"{number:,}".replace(",", separator)
    assert judged(str(number), text) is True
    assert judged(str(number + 1), text) is not True


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6, unique=True), st.randoms())
@settings(max_examples=100, deadline=None)
def test_a_list_is_right_in_any_order_and_only_as_a_whole(
    values: list[int], random: Random
) -> None:
    truth = ", ".join(map(str, values))
    mixed = random.sample(values, len(values))
    assert judged(truth, ", ".join(map(str, mixed))) is True
    assert judged(truth, rf"\{{{', '.join(map(str, mixed))}\}}") is True
    assert judged(truth, ", ".join(map(str, mixed[1:]))) is not True
    assert judged(truth, ", ".join(map(str, [*mixed, 100]))) is not True
    assert judged(str(values[0]), truth) is not True


PARTS = (
    *"0123456789+-*/^!_.,()[]{}|<>=%$ \n",
    *(r"\frac", r"\pm", r"\text{", r"\sqrt", r"\boxed{", "x", "and ", r"\cup", r"^\circ", r"\\"),
    *(r"\begin{pmatrix}", r"\end{pmatrix}", " cm", "The answer is ", r"\infty", r"\sin ", ":"),
)


@given(st.text(max_size=40))
@settings(max_examples=400, deadline=None)
def test_no_text_raises_or_hits_a_number_by_chance(text: str) -> None:
    assert judged("271828182845904523", text) is not True


@given(st.lists(st.sampled_from(PARTS), max_size=25))
@settings(max_examples=400, deadline=None)
def test_no_pile_of_tokens_raises(parts: list[str]) -> None:
    assert judged("271828182845904523", "".join(parts)) is not True


def test_what_is_long_or_deep_or_huge_is_unknown_at_once() -> None:
    began = time.process_time()
    for answer in (
        "9^9^9^9",
        "(10^9)!",
        "1e999999999",
        "2^{2^{2^{2^{2^2}}}}",
        "(" * 300 + "7" + ")" * 300,
        r"\text{" * 300 + "7" + "}" * 300,
        "7 + " * 700 + "7",
        ", ".join(["7"] * 200),
        r"\binom{10^9}{10^8}",
        "9" * 5000,
    ):
        assert judged("7", answer) is None, answer[:40]
    assert time.process_time() - began < 2


@needs_sandbox
def test_a_verdict_does_not_depend_on_the_pairs_before_it() -> None:
    pairs = [
        ("0", "0/0"),
        ("0/0", "0"),
        ("0", "0"),
        ("x^2-1", "(x-1)(x+1)"),
        ("1", r"\infty - \infty"),
        ("7", "7"),
        (r"\frac{\pi}{3}", r"60^\circ"),
        ("7", "("),
        ("no", "on"),
        ("0", "0/0"),
    ]
    found = list(compare(pairs))
    assert found == list(compare(pairs[::-1]))[::-1]
    alone = [verdicts.compare(*pair) for pair in pairs]
    assert [(each.correct, each.says) for each in found] == [(a.correct, a.says) for a in alone]


@needs_sandbox
def test_a_pair_that_does_not_end_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "CPU_SECONDS", 0.2)
    many = "a+b+c+d+e+f"
    endless = f"({many})^{{20}}", f"({many})^{{19}}a + ({many})^{{19}}({many[2:]})"
    found = list(compare([("7", "7"), endless, ("8", "8"), ("9", "x" * 30_000)]))
    assert [each.correct for each in found] == [True, None, True, None]
    assert found[1].says == "took too long to compare"
    assert found[3].says == "longer than 20,000 characters"


@needs_sandbox
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become an ordinary user")
def test_an_ordinary_user_gets_the_same_verdicts() -> None:
    """Started by a user without rights, whose Python and checkout root puts in its reach."""
    folders = {
        sys.base_prefix: "/mnt/python",
        sysconfig.get_path("purelib"): "/mnt/packages",
        str(ROOT): "/mnt/project",
    }
    mounts = [part for each in folders.items() for part in ("--ro-bind", *each)]
    outer = ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--tmpfs", "/mnt", *mounts]
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    python = f"/mnt/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    code = (
        "from pipelines.sandbox.answers import compare\n"
        "print(list(compare([('4 m', '4 cm'), ('7/2', '3 1/2')])))"
    )
    run = subprocess.run(
        [*outer, *user, python, "-B", "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": "/mnt/packages:/mnt/project"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str([Compared(False, "another value"), Compared(True, "")])


@needs_sandbox
def test_more_pairs_than_a_batch_are_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "BATCH", 2)
    found = compare([("1", "1"), ("2", "3"), ("\ud83d", "1")])
    assert [each.correct for each in found] == [True, False, None]


@needs_sandbox
def test_a_comparison_that_cannot_start_is_an_error_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "LIMITS", Limits(memory_mib=16))
    with pytest.raises(SandboxError, match="the comparison of answers does not start"):
        list(compare([("1", "1")]))


RIGHT = {"pair": 0, "correct": True, "says": ""}


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"pair": 0, "correct": true}',
        json.dumps({**RIGHT, "correct": "true"}).encode(),
        json.dumps({**RIGHT, "correct": 1}).encode(),
        json.dumps({**RIGHT, "says": None}).encode(),
        json.dumps({**RIGHT, "pair": "0"}).encode(),
        json.dumps({**RIGHT, "pair": False}).encode(),
        json.dumps({**RIGHT, "pair": 1e400}).encode(),
        json.dumps({**RIGHT, "pair": 7}).encode(),
        json.dumps([RIGHT]).encode(),
        json.dumps({**RIGHT, "more": "x" * 10_000}).encode(),
        b"\xff\xfe",
        b"null",
        b"",
    ],
)
def test_a_report_that_is_none_is_no_verdict(line: bytes) -> None:
    after = json.dumps({"pair": 1, "correct": True, "says": ""}).encode()
    finished = Finished(0, None, READY + line + b"\n" + after + b"\n")
    pairs = [("1", "1"), ("2", "2")]
    assert answers._verdicts(pairs, finished) == [
        Compared(None, "comparing it ended the process: exit code 0")
    ]


def test_what_a_report_says_is_cut_and_can_be_stored() -> None:
    said = {"pair": 0, "correct": False, "says": "half \ud83d " + "x" * 500}
    finished = Finished(0, None, READY + json.dumps(said).encode() + b"\n")
    (found,) = answers._verdicts([("1", "2")], finished)
    assert found.says.encode()
    assert len(found.says) == answers.MAX_SAYS


def test_the_first_of_two_reports_on_a_pair_counts() -> None:
    lines = [json.dumps({**RIGHT, "correct": each}).encode() for each in (False, True)]
    finished = Finished(0, None, READY + b"\n".join(lines))
    assert answers._verdicts([("1", "2")], finished) == [Compared(False, "")]


def test_a_pair_on_which_nothing_is_reported_is_unknown_and_those_behind_it_wait() -> None:
    lines = READY + json.dumps(RIGHT).encode()
    finished = Finished(None, "time", lines)
    found = answers._verdicts([("1", "1"), ("2", "2"), ("3", "3")], finished)
    assert found == [
        Compared(True, ""),
        Compared(None, "comparing it ended the process: time"),
    ]


def test_scores_are_kept_by_the_version_of_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    given_, asked = Given(real=pl.DataFrame()), maths.MathsSettings()
    before = maths.Maths().model_digest(given_, asked)
    assert before == maths.Maths().model_digest(given_, asked)
    monkeypatch.setattr(answers, "VERSION", "answers/3")
    assert maths.Maths().model_digest(given_, asked) != before


def test_the_code_of_the_comparison_is_digested_as_a_whole() -> None:
    handed = {name for name, code in loader.codes(package).items() if code is not None}
    assert handed <= digests._imported(answers.HARNESS)


def test_a_mistake_is_counted_and_said() -> None:
    pairs = [Pair("k", "1", "1", True), Pair("k", "1", "2", False), Pair("k", "1", "1%", None)]
    found = Result("worst", [False, True, True], 0.003)
    assert counts(pairs, found)["false fails"] == counts(pairs, found)["false passes"] == 1
    assert counts(pairs, found)["ms a pair"] == 1.0
    assert len(list(mistaken(pairs, found))) == 3
