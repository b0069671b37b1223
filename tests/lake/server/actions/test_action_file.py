"""Action files: what is read of them, and what is refused with file, field and remedy."""

from __future__ import annotations

import pytest

from lake.server.actions import action_file, conditions, durations, variables
from lake.server.actions.action_file import ActionFileError
from lake.server.actions.events import EventType

FILE = """
name: Good files check
description: rows and schema
on:
  pre-commit:
  pre-merge:
    branches: [main, "rel-*", "v[0-9]", "x[^a]"]
hooks:
  - id: no_temp
    type: webhook
    description: no temporary files
    properties:
      url: "https://example.com/webhook?notmp=true"
      timeout: 1m30s
      query_params:
        disallow: ["user_", "private_"]
        prefix: public/
      headers:
        x-token: "Bearer {{ ENV.LAKEFSACTIONS_TOKEN }}"
  - id: alert
    type: webhook
    if: failure()
    properties: {url: "https://example.com/alert"}
  - id: always
    type: webhook
    if: true
    properties: {url: "https://example.com/always"}
"""


def test_a_file_of_lakefs_is_read() -> None:
    action = action_file.parse("_lakefs_actions/good.yaml", FILE.encode())
    first, alert, always = action.hooks
    assert (action.name, first.properties.seconds) == ("Good files check", 90.0)
    assert first.properties.query_params == {
        "disallow": ["user_", "private_"],
        "prefix": ["public/"],
    }
    assert (alert.condition, always.condition, alert.properties.seconds) == (
        "failure()",
        "true",
        60.0,
    )


def test_a_file_without_a_name_has_that_of_the_file() -> None:
    text = FILE.replace("name: Good files check\n", "")
    assert action_file.parse("_lakefs_actions/good.yaml", text.encode()).name == "good.yaml"


@pytest.mark.parametrize(
    ("branch", "matches"),
    [
        *(("main", True), ("main2", False), ("rel-7", True), ("v3", True), ("vv", False)),
        *(("xa", False), ("xb", True)),
    ],
)
def test_branches_match_as_in_go(branch: str, matches: bool) -> None:
    action = action_file.parse("a", FILE.encode())
    assert action.matches(EventType.PRE_MERGE, branch) is matches
    assert action.matches(EventType.PRE_COMMIT, branch)
    assert not action.matches(EventType.POST_COMMIT, branch)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: webhook", "type: lua", "`hooks[0].type` is lua, and Lua hooks do not run on this"),
        ("type: webhook", "type: airflow", "`hooks[0].type` is airflow, and Airflow hooks do not"),
        ("pre-commit:", "pre-comit:", "`on.pre-comit` is no event: did you mean `pre-commit`?"),
        ("pre-commit:", "pre-revert:", "`on.pre-revert` is an event of lakeFS that does not"),
        ("pre-commit:", "pre-create-tag: {branches: [a]}", "`branches` does not go with pre-cr"),
        ("query_params", "query_parms", "did you mean `query_params`?"),
        ("1m30s", "90", "`hooks[0].properties.timeout` is not valid: input should be a valid str"),
        ("1m30s", "11m", "`hooks[0].properties.timeout` must be more than 0 and at most 10m"),
        ("1m30s", "'90'", "must be a duration with its unit"),
        ("LAKEFSACTIONS_TOKEN", "HOME", "names the variable 'HOME': only those that begin with"),
        ("x-token", "Host", "`hooks[0].properties.headers.Host` is a header that the server sets"),
        ("x-token", "'x y'", "is no name of a header"),
        ("failure()", "always()", "`hooks[1].if` must be put together of success(), failure()"),
        ("id: alert", "id: no_temp", "two hooks have the id 'no_temp'"),
        (
            "https://example.com/webhook",
            "file:///etc/passwd",
            "`hooks[0].properties.url` must begi",
        ),
        (
            "https://example.com/webhook",
            "https://a:b@example.com/",
            "has no user, password or frag",
        ),
        ("hooks:", "hocks:", "`hooks` is missing"),
        ('"rel-*"', '"{a,b}"', "`on.pre-merge.branches[1]` must be a pattern of branch names"),
        ('"rel-*"', '"[z-a]"', "ends before it begins"),
        ("1m30s", "!!python/object:os.system x", "is not YAML"),
        ("name: Good", "name: a\nname: Good", "duplicate key"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_field(old: str, new: str, message: str) -> None:
    with pytest.raises(ActionFileError) as refused:
        action_file.parse("_lakefs_actions/a.yaml", FILE.replace(old, new, 1).encode())
    text = str(refused.value)
    assert text.startswith("_lakefs_actions/a.yaml")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[1]", b"\xff\xfe", b"on: \x00", b"{" * 5000, b"- " * 8000, b"a: " + b"x" * 20000),
        b"a: &a [x,x]\n"
        + b"\n".join(b"%c: &%c [*%c,*%c]" % (c, c, c - 1, c - 1) for c in b"bcdef"),
        *(b"on: {pre-commit: }\nhooks: []", b"on: {}\nhooks: [{}]", b"on: 1\nhooks: 2"),
    ],
)
def test_hostile_files_are_refused_at_once(data: bytes) -> None:
    with pytest.raises(ActionFileError) as refused:
        action_file.parse("_lakefs_actions/a.yaml", data)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("text", "after_success", "after_failure"),
    [
        ("", True, False),
        ("success()", True, False),
        ("failure()", False, True),
        ("true", True, True),
        ("!success()", False, True),
        ("success() || failure()", True, True),
        ("not (success() and failure()) && false", False, False),
    ],
)
def test_conditions(text: str, after_success: bool, after_failure: bool) -> None:
    assert conditions.holds(text, failed=False) is after_success
    assert conditions.holds(text, failed=True) is after_failure


@pytest.mark.parametrize(
    "text",
    [
        *("success", "1", "__import__('os')", "success() failure()", "()", "true(true)", "(" * 150),
        *("false && true (true)", "success().a", "'x'", " ", "true" * 100, "not"),
    ],
)
def test_what_is_no_condition_is_never_evaluated(text: str) -> None:
    with pytest.raises(ValueError, match="must be put together"):
        conditions.holds(text, failed=False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("1m30s", 90.0),
        ("1.5m", 90.0),
        ("250ms", 0.25),
        (".5s", 0.5),
        ("1000µs", 1e-3),
    ],
)
def test_durations_of_go(text: str, seconds: float) -> None:
    assert durations.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "30", "0s", "-1s", "1h", "s", "1x", "1s ", "9" * 50 + "s", "٣s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        durations.seconds(text)


def test_only_variables_for_hooks_are_expanded() -> None:
    environment = {"LAKEFSACTIONS_A": "{{ ENV.LAKEFSACTIONS_B }}", "LAKEFSACTIONS_B": "b", "B": "x"}
    expanded = variables.expand("a {{ ENV.LAKEFSACTIONS_A }}{{ENV.LAKEFSACTIONS_B}}", environment)
    assert expanded.text == "a {{ ENV.LAKEFSACTIONS_B }}b"
    assert expanded.shown == "*******"
    assert variables.expand("{{ B }} {ENV.B}", environment).text == "{{ B }} {ENV.B}"
    with pytest.raises(ValueError, match="LAKEFSACTIONS_C is not set"):
        variables.expand("{{ ENV.LAKEFSACTIONS_C }}", environment)
    for name in ("B", "LAKEFSACTIONS_", "lakefsactions_a", "LAKEFSACTIONS_A.B"):
        with pytest.raises(ValueError, match="only those that begin with LAKEFSACTIONS_"):
            variables.expand(f"{{{{ ENV.{name} }}}}", environment)


@pytest.mark.parametrize(
    ("on", "events"),
    [
        ("{pre-merge: , post-tag: 1}", None),
        ("{pre-merge: , prepare-commit: }", None),
        ("[pre-merge]", None),
        ("{}", None),
        ("{pre-merge: 1, post-commit: }", {"pre-merge", "post-commit"}),
    ],
)
def test_the_events_of_a_file_that_cannot_be_used(on: str, events: set[str] | None) -> None:
    with pytest.raises(ActionFileError) as failed:
        action_file.parse("a.yaml", f"on: {on}\nhooks: []".encode())
    assert failed.value.events == events
