from __future__ import annotations

import subprocess
import sys

import lakefs
import pytest
from pydantic import v1

from lake.client import sdk
from lake.client.connection import open_connection
from lake.settings import Remote


def doubled(number: int) -> int:
    return 2 * number


def test_a_check_is_built_when_it_is_first_asked_for() -> None:
    before = v1.validate_arguments
    with sdk.checks_built_when_called():
        checked = v1.validate_arguments(doubled)
    assert v1.validate_arguments is before
    assert vars(checked)["raw_function"] is doubled
    assert checked("3") == 6
    with pytest.raises(v1.ValidationError, match="value is not a valid integer"):
        checked("three")


def test_the_sdk_refuses_what_it_refused() -> None:
    code = """
from pydantic import v1
from lake.client import sdk
sdk.load()
sdk.load()
import lakefs
import lakefs_sdk
tags = lakefs_sdk.TagsApi(lakefs_sdk.ApiClient())
assert not hasattr(type(tags).get_tag, "vd")
try:
    tags.get_tag("repository", {})
except v1.ValidationError as error:
    print(error.errors()[0]["loc"])
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "('tag',)\n"


def test_a_client_imports_of_the_sdk_what_it_uses() -> None:
    code = """
import sys
from lake.client.connection import open_connection
from lake.settings import Remote
connection = open_connection(Remote("http://127.0.0.1:9", "key", "secret"), None)
assert connection.endpoint == "http://127.0.0.1:9"
assert connection.sdk.refs_api.log_commits and connection.models.Commit
print(sum(name.startswith("lakefs_sdk.") for name in sys.modules), "lakefs" in sys.modules)
try:
    connection.sdk.nothing_api
except AttributeError as error:
    print(error)
import lakefs_sdk
assert not hasattr(lakefs_sdk, "Nothing")
assert lakefs_sdk.Commit is connection.models.Commit and lakefs_sdk.TagsApi
assert connection.client.config.host == connection.config.host == "http://127.0.0.1:9/api/v1"
assert connection.client.sdk_client.refs_api.api_client.configuration.username == "key"
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules, wrapper = said.stdout.splitlines()[0].split()
    assert int(modules) < 40
    assert wrapper == "False"
    assert said.stdout.splitlines()[1] == "the lakeFS SDK has no module api.nothing_api"


@pytest.mark.parametrize("endpoint", ["http://lake.test:8000", "lake.test:8000", "https://a.b/x"])
def test_an_endpoint_is_completed_as_the_wrapper_of_the_sdk_does(endpoint: str) -> None:
    keys = ("key", "secret")
    wrapper = lakefs.Client(host=endpoint, username=keys[0], password=keys[1])
    ours = open_connection(Remote(endpoint, *keys), None)
    assert ours.config.host == wrapper.config.host
    assert (
        ours.sdk.api_client.default_headers
        == wrapper.sdk_client.refs_api.api_client.default_headers
    )
