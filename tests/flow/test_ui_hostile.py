"""Addresses that nobody's link has: numbers out of range, odd names, garbage, and very long ones.

Whatever is asked for, the answer is a page with 400, 403 or 404, and never the page's own failure.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.flow.planted_branch import known, plant
from tests.flow.projects import Project, tiny
from tests.flow.served import Page, serving

NUMBERS = ("0", "1", "-1", "007", "2147483648", "99999999999", "9" * 19, "9" * 5000, "1e3", "٣", "")
ODD = ("\0", "%", "%00", "%ff", "..", "../..", "a\nb", "\x1b[31m", "\u202e", "é" * 3000, "main~1",
       "main^{}", "@", "-", "a b", "?", "#", "*", "'\"<>", "main@", "x" * 9000)  # fmt: skip
DATASETS = ("notes", "tiny", "none")
REFS = ("notes-r001", "main", "notes-r999", "notes-r99999999999999999999", "tiny-r001", "gone")

hostile = st.one_of(st.sampled_from(ODD), st.text(max_size=30))
numbers = st.one_of(st.sampled_from(NUMBERS), st.integers().map(str), hostile)
datasets = st.one_of(st.sampled_from(DATASETS), hostile)
refs = st.one_of(st.sampled_from(REFS), hostile)
values = st.one_of(numbers, refs, st.sampled_from(("rejected", "text", "label", "looks_right")))
names = st.sampled_from(
    ("dataset", "at", "line", "ref", "theme", "change", "from", "decision", "reason", "expectation",
     "verdict", "depth", "column", "value", "after", "before", "token", "done", "text", "score",
     "least", "most", "order", "seen", "query", "left", "right", "since")
)  # fmt: skip
segments = st.one_of(
    st.tuples(st.just("chart"), datasets, hostile),
    st.tuples(st.just("review"), datasets, refs),
    st.tuples(
        st.just("review"),
        datasets,
        refs,
        st.sampled_from(
            ("summary", "changes", "decision", "failures", "selection.csv", "selection.zip", "x")
        ),
    ),
    st.tuples(st.just("sample"), datasets, numbers, numbers),
    st.tuples(st.just("verifiers"), datasets),
    st.tuples(st.just("page"), datasets, refs, numbers, st.sampled_from(("verdicts", "x", "\0"))),
    st.tuples(st.just("static"), hostile),
    st.just(("running",)),
    st.tuples(st.just("compare"), datasets),
    st.tuples(hostile),
    st.just(("",)),
)
queries = st.dictionaries(names, values, max_size=4)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of a project that holds candidates of texts on a branch."""
    project: Project = tiny(tmp_path_factory.mktemp("hostile") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        project.run("lake", "")
        known(project, "notes", "text", "text")
        frame = pl.DataFrame({"text": ["one", "two", "three"], "label": ["a", "b", " spaced "]})
        plant(project.lake(), "notes", frame, pl.col("row") == 1)
        with serving(project.lake()) as found:
            yield found
    project.drop_lake()


def asked(page: Page, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
    """Status and text of an address that is sent as it is."""
    place = urlsplit(page.url)
    headers = {"Cookie": f"stemma-{place.port}={page.session.cookie}", "Origin": page.url}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    with closing(connection):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def address(parts: tuple[str, ...], query: dict[str, str]) -> str:
    path = "/" + "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)
    asked_for = urlencode(query, errors="surrogatepass")
    return f"{path}?{asked_for}" if query else path


def check_address(page: Page, parts: tuple[str, ...], query: dict[str, str]) -> None:
    status, text = asked(page, address(parts, query))
    ends = "/".join(parts).endswith("/")  # of the path as the server decodes it
    redirected = status == 307 and ends  # to the page without a slash
    assert redirected or status in (200, 303, 400, 403, 404, 405, 409), (status, text)
    if status == 400 or (status == 404 and parts[0] != "static"):
        told = re.search("<h1>(Not found|This address cannot be used)</h1>", text)
        assert told or text == "Invalid HTTP request received."


@given(parts=segments, query=queries)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(parts=("sample", "notes", "99999999999", "0"), query={})
@example(parts=("sample", "notes", "1", "9" * 19), query={})
@example(parts=("sample", "notes", "9" * 5000, "0"), query={})
@example(parts=("sample", "notes", "1", "0"), query={"ref": "\0"})
@example(parts=("sample", "notes", "1", "0"), query={"ref": "main^{}"})
@example(parts=("page", "notes", "main", "99999999999", "verdicts"), query={})
@example(parts=("page", "notes", "\0", "1", "verdicts"), query={})
@example(parts=("review", "notes", "notes-r99999999999999999999"), query={})
@example(parts=("review", "notes", "notes-r001"), query={"after": "9" * 19})
@example(parts=("review", "notes", "notes-r001"), query={"depth": "²"})
@example(parts=("review", "notes", "notes-r001", "changes"), query={"from": "9" * 15})
@example(parts=("review", "0/0", ""), query={})
@example(parts=("review", "0", "0/"), query={})
@example(parts=("static", "\0"), query={})
@example(parts=("static", "x" * 9000), query={})
@example(parts=("static", "..", "..", "app.py"), query={})
def test_no_address_is_the_pages_own_failure(
    page: Page, parts: tuple[str, ...], query: dict[str, str]
) -> None:
    check_address(page, parts, query)


@pytest.mark.slow
@given(parts=segments, query=queries)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_of_many_addresses_none_is_the_pages_own_failure(
    page: Page, parts: tuple[str, ...], query: dict[str, str]
) -> None:
    check_address(page, parts, query)


FORMS = {
    "action": st.one_of(st.sampled_from(("approve", "reject")), hostile),
    "reason": hostile,
    "seen": hostile,
    "csrf": st.booleans(),
}


def check_form(page: Page, *, action: str, reason: str, seen: str, csrf: bool) -> None:
    form = {"action": action, "reason": reason, "seen": seen}
    form |= {"csrf": page.session.csrf if csrf else seen}
    body = urlencode(form, errors="surrogatepass").encode()
    status, _ = asked(page, "/review/notes/notes-r001/decision", "POST", body)
    assert status in (303, 400, 403, 409), status


@given(form=st.fixed_dictionaries(FORMS))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_form_is_the_pages_own_failure(page: Page, form: dict[str, Any]) -> None:
    check_form(page, **form)


@pytest.mark.slow
@given(form=st.fixed_dictionaries(FORMS))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_of_many_forms_none_is_the_pages_own_failure(page: Page, form: dict[str, Any]) -> None:
    check_form(page, **form)


@pytest.mark.parametrize("body", [b"", b"%", b"=&=&&&", b"csrf=%ff%00", b"a=1&" * 50])
def test_no_torn_form_is_the_pages_own_failure(page: Page, body: bytes) -> None:
    status, _ = asked(page, "/review/notes/notes-r001/decision", "POST", body)
    assert status in (400, 403)


def test_numbers_out_of_range_are_not_there(page: Page) -> None:
    for path in (
        "/sample/notes/99999999999/0",
        "/sample/notes/1/99999999999999999999",
        "/sample/notes/-1/0",
        f"/sample/notes/{'9' * 5000}/0",
        "/page/notes/main/99999999999/verdicts",
        "/review/notes/notes-r99999999999",
    ):
        assert asked(page, path)[0] == 404, path


def test_a_label_with_blanks_at_its_ends_shows_its_rows(page: Page) -> None:
    shown = page.text("/review/notes/notes-r001?column=label&value=+spaced+")
    assert "<b>1</b> of 3" in shown
    assert '<option value=" spaced " selected>' in shown
