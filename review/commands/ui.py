"""`stemma ui`: serve the page on loopback until interrupted."""

from __future__ import annotations

import ipaddress
import logging
import socket
import sys
import webbrowser
from typing import Final

from lake.logs import Formatter
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli.output import make_console, print_json
from review.errors import UsageError
from review.ui import app
from review.ui.session import Session

QUEUE: Final = 64
"""Connections that may wait to be accepted."""


def run(*, host: str, port: int, browser: bool, as_json: bool) -> None:
    """Serve the project in the current directory; print the address, and open a browser there.

    Raises:
        UsageError: the address is not loopback, or is taken.
    """
    import uvicorn  # noqa: PLC0415  only what serves needs it

    lake, session = open_lake(load()), Session()
    with bound(host, port) as listening:
        taken = int(listening.getsockname()[1])
        serving = app.build(lake, session, taken)
        named = f"[{host}]" if ":" in host else host
        url = f"http://{named}:{taken}/enter?token={session.token}"
        _tell(url, as_json=as_json)
        if browser:
            webbrowser.open(url)
        _log_to_terminal()
        settings = uvicorn.Config(serving, log_config=None, access_log=False, lifespan="off")
        uvicorn.Server(settings).run(sockets=[listening])


def _log_to_terminal() -> None:
    """Log warnings to standard error, with marks for characters that do not print."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter("%(levelname)s: %(message)s"))
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").handlers = [handler]


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens on an address of loopback.

    Raises:
        UsageError: the address is not loopback, or is taken.
    """
    if not _loopback(host):
        raise UsageError(
            f"{host} is not loopback; whoever is let in may publish, so use 127.0.0.1 and, from "
            "another machine, a tunnel: ssh -L 8477:127.0.0.1:8477"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}; name another with --port, 0 takes any"
        ) from error
    listening.listen(QUEUE)
    return listening


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tell(url: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": url})
    else:
        make_console().print(
            f"the page is at\n  {url}\nThis address lets one browser in, once. Ctrl-C ends it.",
            soft_wrap=True,
        )
    sys.stdout.flush()
