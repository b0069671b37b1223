"""`stemma lake …`: commands about the embedded lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import Json, run, runs
from review.cli.lake_browse import browsers
from review.cli.lake_keys import lake_keys

lakes = typer.Typer(no_args_is_help=True, help="The embedded lake.")
lakes.add_typer(lake_keys, name="keys")
lakes.add_typer(browsers)


@lakes.command("serve")
def serve_lake(
    *,
    home: Annotated[
        Path | None, typer.Option(help="Directory of the lake.", show_default="this project's")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    sample_repo: Annotated[
        bool, typer.Option("--sample-repo", help="Make a repository for trying out clients.")
    ] = False,
    import_from: Annotated[
        list[Path] | None, typer.Option(help="Directory that clients may import from.")
    ] = None,
    hook_address: Annotated[
        list[str] | None,
        typer.Option(help="Beginning of URLs that webhooks of actions may call; no others are."),
    ] = None,
    user: Annotated[
        str, typer.Option(help="Name in commits.", show_default="the access key id")
    ] = "",
    as_json: Json = False,
) -> None:
    """Serve the embedded lake until interrupted, for a team or for other lakeFS clients."""
    more = ["--sample-repo"] if sample_repo else []
    for folder in import_from or ():
        more += ["--import-from", str(folder)]
    for address in hook_address or ():
        more += ["--hook-address", address]
    more += ["--user", user] if user else []
    run("review.commands.serve", home=home, host=host, port=port, more=more, as_json=as_json)


@lakes.command("fsck")
@runs("review.commands.fsck")
def check_lake(
    *,
    home: Annotated[Path, typer.Option(help="Directory of the lake.")] = Path(".lake"),
    as_json: Json = False,
) -> None:
    """Check every object, tree, commit and ref; name what is wrong and what refers to it."""


@lakes.command("backup")
@runs("review.commands.backup")
def back_up_lake(
    *,
    target: Annotated[Path, typer.Argument(help="Directory of the backup.")],
    home: Annotated[Path, typer.Option(help="Directory of the lake.")] = Path(".lake"),
    as_json: Json = False,
) -> None:
    """Copy the whole lake as it is now, beside whoever uses it; copy only what a backup lacks."""


@lakes.command("restore")
@runs("review.commands.backup", "put_back")
def restore_lake(
    *,
    source: Annotated[Path, typer.Argument(help="Directory of the backup.")],
    home: Annotated[Path, typer.Option(help="Directory of the lake.")] = Path(".lake"),
    as_json: Json = False,
) -> None:
    """Check a backup, and put it in the place of a lake that is gone."""


@lakes.command("migrate")
@runs("review.commands.migrate")
def move_lake(
    *,
    home: Annotated[Path, typer.Option(help="Directory of the lake.")] = Path(".lake"),
    endpoint: Annotated[
        str | None,
        typer.Option(help="Address of the lakeFS.", show_default="LAKECTL_SERVER_ENDPOINT_URL"),
    ] = None,
    access_key_id: Annotated[
        str | None,
        typer.Option(
            help="Id of its access key.", show_default="LAKECTL_CREDENTIALS_ACCESS_KEY_ID"
        ),
    ] = None,
    secret_key_file: Annotated[
        Path | None,
        typer.Option(
            help="File that holds the secret key.",
            show_default="LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY",
        ),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            help="Where its store keeps the repositories: s3://bucket/folder.",
            show_default="STEMMA_STORAGE_NAMESPACE",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be moved.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Move this project, with its whole history, to a lakeFS server; run again to go on."""


@lakes.command("gc")
@runs("review.commands.gc")
def collect_lake(
    *,
    home: Annotated[Path, typer.Option(help="Directory of the lake.")] = Path(".lake"),
    keep: Annotated[
        str,
        typer.Option(help="How long to keep commits that a branch or tag has left: 7d, 12h, 0."),
    ] = "7d",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be freed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Free what no branch, tag, staged change, upload or receipt of this checkout refers to."""
