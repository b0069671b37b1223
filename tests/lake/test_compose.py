"""The server that compose.yaml describes: as it was tried, with a first user made once."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lake.servers import ROOT

TRIED = {
    "LAKEFS_DATABASE_TYPE": "postgres",
    "LAKEFS_BLOCKSTORE_TYPE": "${LAKEFS_BLOCKSTORE_TYPE:-local}",
    "LAKEFS_STATS_ENABLED": "false",
}
"""What a lakeFS server was run with on PostgreSQL, with a local store and with S3."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return found


def test_images_have_exact_versions_and_ports_are_on_loopback(services: dict[str, Any]) -> None:
    assert set(services) == {"postgres", "setup", "lakefs"}
    for service in services.values():
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_server_runs_as_it_was_tried_and_no_secret_has_a_default(
    services: dict[str, Any],
) -> None:
    server, setup = services["lakefs"]["environment"], services["setup"]["environment"]
    assert server.items() >= TRIED.items()
    assert setup.items() >= server.items()  # the same database, encrypted with the same key
    assert not any("INSTALLATION" in name for name in server)  # not read on PostgreSQL
    secrets = {**server, **setup}
    for name in (
        "LAKEFS_AUTH_ENCRYPT_SECRET_KEY",
        "FIRST_ACCESS_KEY_ID",
        "FIRST_SECRET_ACCESS_KEY",
    ):
        assert re.fullmatch(r"\$\{\w+:\?.+\}", secrets[name]), name
    assert server["LAKEFS_BLOCKSTORE_S3_CREDENTIALS_SECRET_ACCESS_KEY"] is None  # only passed on


@pytest.mark.parametrize(
    ("says", "told", "ends"),
    [
        ("credentials:\n  secret_access_key: hidden", "The first user is made.", (0, 0)),
        ("Setup is already complete.", "There is a first user already", (1, 0)),
        ("Failed to setup DB: no such host", "no such host", (1, 1)),
    ],
)
def test_the_first_user_is_made_once_and_its_secret_is_not_printed(
    services: dict[str, Any], tmp_path: Path, says: str, told: str, ends: tuple[int, int]
) -> None:
    """The script with a program in lakeFS's place that answers as lakeFS's `setup` does."""
    program = tmp_path / "lakefs"
    program.write_text(
        f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\nprintf '%s' '{says}'\nexit {ends[0]}\n"
    )
    program.chmod(0o700)
    keys = {"FIRST_ACCESS_KEY_ID": "id", "FIRST_SECRET_ACCESS_KEY": "a b"}
    script = services["setup"]["command"][0].replace("$$", "$")
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", **keys},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends[1], done
    assert told in done.stdout + done.stderr
    assert "hidden" not in done.stdout + done.stderr
    asked = (tmp_path / "asked").read_text()
    assert asked == "setup --user-name stemma --access-key-id id --secret-access-key a b\n"
