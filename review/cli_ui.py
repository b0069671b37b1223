"""`stemma ui`: the command of the web page."""

from __future__ import annotations

from typing import Annotated

import typer

from review.commands import Json, run


def page(
    *,
    host: Annotated[str, typer.Option(help="Address of loopback to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8477,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    as_json: Json = False,
) -> None:
    """Look at rounds in the browser: what they change, where samples come from; approve, reject."""
    run("review.ui.command", host=host, port=port, browser=browser, as_json=as_json)
