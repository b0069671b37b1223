from __future__ import annotations

import pytest

from pipelines.errors import ParamsError, ServiceError
from pipelines.llm.settings import API_KEY, BASE_URL, Access, Service, access
from pipelines.parsing import parse


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BASE_URL, raising=False)
    monkeypatch.delenv(API_KEY, raising=False)


def test_without_an_address_local_means_the_projects_own_server() -> None:
    assert access(Service()) is None


def test_another_model_needs_a_key() -> None:
    with pytest.raises(ServiceError, match=f"{API_KEY} is not set: set it to the key of https"):
        access(Service(model="gpt"))


def test_address_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_URL, "http://here/v1/")
    monkeypatch.setenv(API_KEY, "sk-12345678")
    assert access(Service()) == Access("http://here/v1", "sk-12345678")
    assert access(Service(base_url="http://there/v1")) == Access("http://there/v1", "sk-12345678")


def test_a_key_is_in_no_repr() -> None:
    assert "sk-12345678" not in repr(Access("http://here/v1", "sk-12345678"))


def test_a_key_said_back_is_hidden_and_a_filler_is_not() -> None:
    assert Access("u", "sk-12345678").scrubbed(b"key sk-12345678!") == b"key ***!"
    assert Access("u", "EMPTY").scrubbed(b"it is EMPTY") == b"it is EMPTY"


def test_an_unknown_key_names_the_nearest_one() -> None:
    with pytest.raises(ParamsError, match="did you mean 'budget_usd'"):
        parse(Service, {"budget": 3}, "generate.service")
