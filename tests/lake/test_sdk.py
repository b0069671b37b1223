from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import v1

from lake.client import sdk


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
