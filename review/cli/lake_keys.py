"""`stemma lake keys …`: the key pairs of an embedded lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.keys import Role
from review.cli.dispatch import Json, runs

lake_keys = typer.Typer(no_args_is_help=True, help="Key pairs of the embedded lake.")
Home = Annotated[Path, typer.Option(help="Directory of the lake.")]


@lake_keys.command("add")
@runs("review.commands.lake_keys", "add")
def add_key(
    *,
    name: Annotated[str, typer.Argument(help="Who holds the key; the name in commits.")],
    role: Annotated[Role, typer.Option(help="What the holder may do.")],
    repository: Annotated[
        list[str] | None,
        typer.Option(help="For this repository alone, which is closed to all other keys."),
    ] = None,
    home: Home = Path(".lake"),
    as_json: Json = False,
) -> None:
    """Make a key pair; a lake that is served accepts it at once."""


@lake_keys.command("list")
@runs("review.commands.lake_keys")
def list_keys(*, home: Home = Path(".lake"), as_json: Json = False) -> None:
    """List the keys, without their secrets."""


@lake_keys.command("revoke")
@runs("review.commands.lake_keys", "revoke")
def revoke_key(
    *,
    name: Annotated[str, typer.Argument(help="Whose key.")],
    home: Home = Path(".lake"),
    as_json: Json = False,
) -> None:
    """Forget a key; a lake that is served refuses it at once."""
