"""`stemma lake keys`: who may use an embedded lake, and what for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lake import keys
from lake.errors import NotFoundError
from lake.home import LakeHome
from lake.keys import Key, Role
from lake.server.catalog.database import Database, sqlite_errors_translated
from review.cli.output import make_console, print_json, sentence, table


def add(
    *, name: str, role: Role, repository: Sequence[str] | None, home: Path, as_json: bool
) -> None:
    """Make a key pair, and print it: its secret is shown this once."""
    made = keys.add(_checked(home), name, role, repository or ())
    missing = _missing(home, made.repositories)
    if as_json:
        secret = made.secret_access_key
        print_json({**_record(made), "secret_access_key": secret, "missing": missing})
        return
    only = f" for {', '.join(made.repositories)} alone" if made.repositories else ""
    out = make_console()
    for line in (
        f"{made.name} has a {made.role}'s key{only}; the secret is shown this once:",
        f"  LAKECTL_CREDENTIALS_ACCESS_KEY_ID={made.access_key_id}",
        f"  LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY={made.secret_access_key}",
    ):
        out.print(sentence(line), soft_wrap=True)
    for each in missing:
        line = f"the lake has no repository {each}: the key is for the one that gets this name"
        out.print(sentence(line), soft_wrap=True)


def run(*, home: Path, as_json: bool) -> None:
    """Print the keys, without their secrets."""
    present = keys.read(_checked(home))
    if as_json:
        print_json({"keys": [_record(key) for key in present]})
        return
    rows = [
        (key.name, key.role, key.access_key_id, ", ".join(key.repositories) or "–", _day(key))
        for key in present
    ]
    columns = ("name", "role", "access key", "repositories", "made")
    make_console().print(table(f"{len(rows)} keys beside the lake's own", columns, rows))


def revoke(*, name: str, home: Path, as_json: bool) -> None:
    """Forget a key."""
    gone = keys.revoke(_checked(home), name)
    if as_json:
        print_json(_record(gone))
    else:
        text = f"the key {gone.access_key_id} of {gone.name} is refused from now on"
        make_console().print(sentence(text), soft_wrap=True)


def _checked(home: Path) -> Path:
    """The directory of a lake.

    Raises:
        NotFoundError: there is none.
    """
    lake = LakeHome(home.absolute())
    if not lake.catalog.exists():
        raise NotFoundError(f"there is no lake in {home}: name its directory with --home")
    return lake.path


def _missing(home: Path, named: Sequence[str]) -> list[str]:
    """The repositories of a key that the lake does not have, because of a slip or not yet."""
    if not named:
        return []
    database = Database(LakeHome(home.absolute()).catalog, read_only=True)
    with sqlite_errors_translated(), closing(database.connection) as present:
        there = {name for (name,) in present.execute("SELECT id FROM repositories")}
    return [name for name in named if name not in there]


def _record(key: Key) -> dict[str, Any]:
    return {**key.described(), "created": key.created}


def _day(key: Key) -> str:
    return f"{datetime.fromtimestamp(key.created, UTC):%Y-%m-%d}"
