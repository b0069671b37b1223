"""`stemma attest …`: attestations of published versions, and their verification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from review.cli.dispatch import Json, runs
from review.cli.groups import with_default

MAKE = "make"
"""`stemma attest REF` is short for `stemma attest make REF`."""


attests = typer.Typer(
    cls=with_default(MAKE),
    no_args_is_help=True,
    help="Signed statements about published versions, which others verify without the lake.",
)


@attests.command(MAKE)
@runs("review.commands.attest")
def attest_version(
    ref: Annotated[
        str,
        typer.Argument(
            help="A tag of a round or a ref of its commit; or DATASET-takedown-NAME, which a "
            "take-down left."
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Also copy the version and its attestation into a new folder.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Attest a published version: SHA-256 of every object, how it was made, how it was judged."""


@attests.command("verify")
@runs("review.commands.attest", "verify")
def verify_attestation(
    target: Annotated[
        str,
        typer.Argument(
            help="A tag of a round, a folder with a copy of a version, or an envelope's file."
        ),
    ],
    *,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Public key of whoever signed (PEM), and no other.",
            show_default="those that this project trusts",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify an attestation and all it is about; say what differs first. A copy needs no lake."""
