"""Settings of the lake: lakeFS's own environment variables, else the project's embedded lake.

The order is lakeFS's own: `LAKECTL_SERVER_ENDPOINT_URL` with
`LAKECTL_CREDENTIALS_ACCESS_KEY_ID` and `LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY`, then the file
`~/.lakectl.yaml` (or `LAKECTL_CONFIG_FILE`). Without an endpoint in either, the lake is the
directory `.lake/` of the project. This module is the only one that reads the environment for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lake import documents
from lake.documents import DocumentError
from lake.errors import MisconfiguredError

ENDPOINT = "LAKECTL_SERVER_ENDPOINT_URL"
ACCESS_KEY = "LAKECTL_CREDENTIALS_ACCESS_KEY_ID"
SECRET_KEY = "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY"  # noqa: S105  the variable's name
HOLDOUT_ACCESS_KEY = "STEMMA_HOLDOUT_ACCESS_KEY_ID"
HOLDOUT_SECRET_KEY = "STEMMA_HOLDOUT_SECRET_ACCESS_KEY"  # noqa: S105  the variable's name
HOME = "STEMMA_LAKE_HOME"
NAMESPACE = "STEMMA_STORAGE_NAMESPACE"
SECTIONS = ("server", "credentials")
KEYS = ("endpoint_url", "access_key_id", "secret_access_key")
"""Keys that are read of these sections of lakectl's file."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A lakeFS server that somebody else runs."""

    endpoint: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    namespace: str | None = None
    """Where new repositories store their objects, e.g. `s3://bucket`; None: `local://`."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The project's own lake in a directory, served on demand."""

    home: Path


def resolve(root: Path, env: Mapping[str, str] | None = None) -> Remote | Embedded:
    """Find the lake of the project at `root`.

    Args:
        root: the project's directory.
        env: environment variables; the process's own when None.

    Raises:
        MisconfiguredError: an endpoint has no credentials, or a file is not a configuration.
    """
    env = os.environ if env is None else env
    file_settings = _lakectl_file(env)
    endpoint = env.get(ENDPOINT) or file_settings.get("endpoint_url")
    if not endpoint:
        return Embedded(Path(env[HOME]).absolute() if env.get(HOME) else _home(root))
    access = env.get(ACCESS_KEY) or file_settings.get("access_key_id")
    secret = env.get(SECRET_KEY) or file_settings.get("secret_access_key")
    if not access or not secret:
        raise MisconfiguredError(
            f"the lake {address(endpoint)} needs credentials: set {ACCESS_KEY} and {SECRET_KEY}, "
            "or put them into ~/.lakectl.yaml"
        )
    return Remote(endpoint, access, secret, env.get(NAMESPACE))


def address(endpoint: str) -> str:
    """Return scheme, host and port of an endpoint, to be shown: the rest may hold secrets."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def holdout(remote: Remote, env: Mapping[str, str] | None = None) -> Remote:
    """The same server with the hold-out's own key pair, where one is set."""
    env = os.environ if env is None else env
    access, secret = env.get(HOLDOUT_ACCESS_KEY), env.get(HOLDOUT_SECRET_KEY)
    if not access or not secret:
        return remote
    return Remote(remote.endpoint, access, secret, remote.namespace)


def _home(root: Path) -> Path:
    """`.lake` of the project; in a temporary experiment checkout of DVC, that of the project."""
    root = root.absolute()
    for parent in root.parents:
        if parent.name == "exps" and parent.parts[-3:] == (".dvc", "tmp", "exps"):
            return parent.parent.parent.parent / ".lake"
    return root / ".lake"


def _lakectl_file(env: Mapping[str, str]) -> dict[str, str]:
    """Settings in lakectl's file; none where there is no file."""
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    path = Path(env.get("LAKECTL_CONFIG_FILE") or home / ".lakectl.yaml")
    if path == Path(os.devnull):  # the usual way to name no file
        return {}
    try:
        content = documents.read_yaml(path) or {}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except DocumentError as error:
        raise MisconfiguredError(f"{path} {error}") from error
    named = content if isinstance(content, dict) else {SECTIONS[0]: content}
    sections: list[Any] = [named.get(name) or {} for name in SECTIONS]
    if not all(isinstance(section, dict) for section in sections):
        raise MisconfiguredError(f"{path} is not a lakectl configuration: {' and '.join(SECTIONS)}")
    settings = {
        name: value for section in sections for name, value in section.items() if name in KEYS
    }
    for name, value in settings.items():
        if not isinstance(value, str):
            raise MisconfiguredError(f"{path}: {name} is no text; put it into quotes")
    return settings
