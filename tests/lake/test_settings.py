"""Which lake is meant: lakeFS's variables, then its file, then the embedded lake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lake import settings
from lake.errors import InvalidError
from lake.settings import Embedded, Remote

FULL = {
    settings.ENDPOINT: "http://lakefs.example:8000",
    settings.ACCESS_KEY: "AKIA",
    settings.SECRET_KEY: "hush",
}


def lakectl(home: Path, text: str) -> dict[str, str]:
    (home / ".lakectl.yaml").write_text(text, encoding="utf-8")
    return {"HOME": str(home)}


def test_nothing_set_means_the_embedded_lake_of_the_project(tmp_path: Path) -> None:
    assert settings.resolve(tmp_path, {"HOME": str(tmp_path)}) == Embedded(tmp_path / ".lake")


def test_the_embedded_lake_may_stand_elsewhere(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), settings.HOME: str(tmp_path / "shared")}
    assert settings.resolve(tmp_path, env) == Embedded(tmp_path / "shared")


def test_an_experiment_uses_the_lake_of_its_project(tmp_path: Path) -> None:
    checkout = tmp_path / ".dvc" / "tmp" / "exps" / "tmp1"
    assert settings.resolve(checkout, {"HOME": str(tmp_path)}) == Embedded(tmp_path / ".lake")


def test_the_variables_name_a_lakefs(tmp_path: Path) -> None:
    env = {**FULL, settings.NAMESPACE: "s3://bucket", "HOME": str(tmp_path)}
    found = settings.resolve(tmp_path, env)
    assert found == Remote("http://lakefs.example:8000", "AKIA", "hush", "s3://bucket")


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    assert "hush" not in repr(settings.resolve(tmp_path, FULL))


def test_the_file_names_a_lakefs_and_the_variables_go_before_it(tmp_path: Path) -> None:
    env = lakectl(
        tmp_path,
        "server: {endpoint_url: 'http://filed:8000'}\n"
        "credentials: {access_key_id: FILED, secret_access_key: filed}\n",
    )
    assert settings.resolve(tmp_path, env) == Remote("http://filed:8000", "FILED", "filed")
    mixed = settings.resolve(tmp_path, {**env, settings.ENDPOINT: "http://other:8000"})
    assert mixed == Remote("http://other:8000", "FILED", "filed")


def test_the_file_may_have_another_name(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere.yaml"
    place.write_text(
        "server: {endpoint_url: 'http://filed:8000'}\n"
        "credentials: {access_key_id: FILED, secret_access_key: filed}\n",
        encoding="utf-8",
    )
    env = {"HOME": "/nowhere", "LAKECTL_CONFIG_FILE": str(place)}
    assert settings.resolve(tmp_path, env) == Remote("http://filed:8000", "FILED", "filed")


@pytest.mark.parametrize("missing", [settings.ACCESS_KEY, settings.SECRET_KEY])
def test_an_endpoint_without_credentials_is_refused(tmp_path: Path, missing: str) -> None:
    env = {key: value for key, value in FULL.items() if key != missing} | {"HOME": str(tmp_path)}
    with pytest.raises(InvalidError, match=missing):
        settings.resolve(tmp_path, env)


@pytest.mark.parametrize("text", ["- a\n- b\n", "server: text\n", "server: [", "\tx: {"])
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidError, match=r"\.lakectl\.yaml"):
        settings.resolve(tmp_path, lakectl(tmp_path, text))


@pytest.mark.parametrize("text", ["", "logging: {level: info}\n", "server:\ncredentials:\n"])
def test_a_file_that_names_no_server_leaves_the_embedded_lake(tmp_path: Path, text: str) -> None:
    found = settings.resolve(tmp_path, lakectl(tmp_path, text))
    assert found == Embedded(tmp_path / ".lake")


def test_the_holdout_may_have_its_own_keys() -> None:
    lake = Remote("http://lakefs.example:8000", "AKIA", "hush", "s3://bucket")
    env = {settings.HOLDOUT_ACCESS_KEY: "HOLD", settings.HOLDOUT_SECRET_KEY: "out"}
    assert settings.holdout(lake, env) == Remote(lake.endpoint, "HOLD", "out", "s3://bucket")
    assert settings.holdout(lake, {}) == lake


def test_the_null_device_is_no_file_of_settings(tmp_path: Path) -> None:
    assert settings.resolve(tmp_path, {"LAKECTL_CONFIG_FILE": os.devnull}) == Embedded(
        tmp_path / ".lake"
    )
