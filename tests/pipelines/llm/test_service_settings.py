from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pipelines.common.errors import ParamsError, ServiceError
from pipelines.common.settings import key_content, parse
from pipelines.llm import attempt_error
from pipelines.llm.settings import (
    API_KEY,
    BASE_URL,
    LOCAL_LICENCE,
    Access,
    Service,
    access,
    is_secret,
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BASE_URL, raising=False)
    monkeypatch.delenv(API_KEY, raising=False)


def test_without_an_address_local_means_the_projects_own_server() -> None:
    assert access(Service()) is None


def test_a_licence_is_recorded_and_makes_no_other_round() -> None:
    named = Service(model="m", licence="MIT")
    assert (named.resolved_licence, Service(model="m").resolved_licence) == ("MIT", None)
    assert Service().resolved_licence == LOCAL_LICENCE
    assert Service(licence="my terms").resolved_licence == "my terms"
    assert key_content(named) == key_content(Service(model="m"))


def test_another_model_needs_a_key() -> None:
    with pytest.raises(ServiceError, match=f"{API_KEY} is not set: set it to the key of https"):
        access(Service(model="gpt"))


def test_an_empty_address_is_not_taken_for_openais(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-12345678")
    monkeypatch.setenv("OPENAI_BASE_URL", " ")
    with pytest.raises(ServiceError, match="OPENAI_BASE_URL is set and empty"):
        access(Service(model="gpt"))
    assert access(Service()) is None  # the local model needs no address
    assert access(Service(model="gpt", base_url="http://there/v1")) is not None


def test_address_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_URL, "http://here/v1/")
    monkeypatch.setenv(API_KEY, "sk-12345678")
    assert access(Service()) == Access("http://here/v1", "sk-12345678")
    assert access(Service(base_url="http://there/v1")) == Access("http://there/v1", "sk-12345678")


def test_a_service_names_the_variable_of_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEY, "sk-12345678")
    service = Service(model="m", base_url="http://there/v1", key="MY_SERVICE_KEY")
    with pytest.raises(ServiceError, match="MY_SERVICE_KEY is not set: set it to the key of http"):
        access(service)
    monkeypatch.setenv("MY_SERVICE_KEY", "other-12345678")
    assert access(service) == Access("http://there/v1", "other-12345678", "MY_SERVICE_KEY")
    assert key_content(service) == key_content(Service(model="m"))
    assert attempt_error.refused(access(service) or Access("", ""), 401, "no").reason.endswith(
        "correct MY_SERVICE_KEY"
    )


@pytest.mark.parametrize("given", ["sk-proj-planted", "AKIAPLANTED7EXAMPLE", "planted", "", "_A"])
def test_a_key_in_place_of_its_name_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ParamsError, match="the name of an environment variable") as caught:
        parse(Service, {"key": given}, "generate.service")
    assert not given or given not in str(caught.value)


def test_servers_that_are_started_here_see_no_key() -> None:
    hidden = (API_KEY, "MY_SERVICE_KEY", "aws_session_token", "DB_PASSWORD", "MY_SERVICE_PWD")
    assert all(map(is_secret, hidden))
    assert not any(map(is_secret, ("PATH", "KEYBOARD", BASE_URL, "HOME", "PWD", "OLDPWD")))


def test_a_key_is_in_no_repr() -> None:
    assert "sk-12345678" not in repr(Access("http://here/v1", "sk-12345678"))


def test_a_key_said_back_is_hidden_and_a_filler_is_not() -> None:
    assert Access("u", "sk-12345678").scrubbed(b"key sk-12345678!") == b"key ***!"
    assert Access("u", "EMPTY").scrubbed(b"it is EMPTY") == b"it is EMPTY"


@pytest.mark.parametrize(
    "written",
    [
        rb"sk-a/b+c=1",
        rb"sk-a\/b+c=1",
        rb"sk-a\\/b+c=1",
        rb"\u0073k\u002da\u002Fb\u002bc\u003D1",
    ],
)
def test_a_key_is_hidden_however_json_writes_it(written: bytes) -> None:
    said = Access("u", "sk-a/b+c=1").scrubbed(rb'{"said": "' + written + rb' \u00e9 \/"}')
    assert json.loads(said) == {"said": "*** é /"}


@pytest.mark.parametrize("key", ["sk-12345678", "/k-12345678"])
def test_a_long_run_of_backslashes_is_looked_at_once(key: str) -> None:
    said = b"\\" * 1_000_000 + b"\\u00"
    assert Access("u", key).scrubbed(said) == said


def test_an_unknown_key_names_the_nearest_one() -> None:
    with pytest.raises(ParamsError, match="did you mean 'budget_usd'"):
        parse(Service, {"budget": 3}, "generate.service")


def test_the_settings_in_the_documentation_are_settings() -> None:
    text = (Path(__file__).parents[3] / "docs" / "text.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(text.split("```yaml")[1].split("```")[0])["service"]
    service = parse(Service, shown, "docs/text.md")
    assert service.budget_usd == 5
    shared = ("endpoint", "schema_as", "limit_as", "temperature", "top_p", "max_tokens")
    for name in (*shared, "concurrency", "timeout_s", "attempts", "max_failures", "batch"):
        assert shown[name] == Service.model_fields[name].default


HIDING = ("https://me:hunter2@example.org/v1", "me:hunter2@example.org", "http://h/v1?key=hunter2")


@pytest.mark.parametrize("address", HIDING)
def test_an_address_holds_no_password_and_the_error_does_not_say_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ParamsError, match="base_url: it must hold no name and password") as caught:
        parse(Service, {"base_url": address}, "service")
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv(BASE_URL, address)
    for key in ("", "sk-12345678"):
        monkeypatch.setenv(API_KEY, key)
        with pytest.raises(ServiceError, match=f"{BASE_URL} must hold no name") as told:
            access(Service(model="gpt"))
        assert "hunter2" not in str(told.value)


def test_an_at_sign_in_a_path_is_no_password() -> None:
    assert Service(base_url="https://example.org/v1/@me").base_url == "https://example.org/v1/@me"
