"""`stemma ui`: serve the page on loopback until interrupted."""

from __future__ import annotations

import ipaddress
import logging
import socket
import sys
import webbrowser
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from lake.logs import Formatter
from pipelines.params import load
from pipelines.reviewing.record import LONGEST_NAME
from pipelines.rounds.context import open_lake
from review.cli.output import make_console, print_json
from review.errors import UsageError
from review.ui import app
from review.ui.session import Session, Visitor

QUEUE: Final = 64
"""Connections that may wait to be accepted."""


def run(
    *,
    host: str,
    port: int,
    share: Sequence[str] | None,
    readers: bool,
    address: str | None,
    browser: bool,
    as_json: bool,
) -> None:
    """Serve the project in the current directory; print the addresses, and open a browser there.

    Args:
        host: address of loopback to listen on.
        port: port to listen on; 0 takes a free one.
        share: names of reviewers who get an address of their own.
        readers: whether there is an address for those who only read.
        address: at which a proxy serves the page; None: no proxy.
        browser: whether to open a browser.
        as_json: whether to print JSON.

    Raises:
        UsageError: the address is not loopback, or is taken; or a name or address cannot be used.
    """
    import uvicorn  # noqa: PLC0415  only what serves needs it

    public = _checked_address(address)
    session = Session(_checked_names(share or ()), readers=readers)
    lake = open_lake(load())
    with bound(host, port) as listening:
        taken = int(listening.getsockname()[1])
        serving = app.build(lake, session, taken, public)
        named = f"[{host}]" if ":" in host else host
        local = f"http://{named}:{taken}"
        _tell(session, local, public or local, as_json=as_json)
        if browser:
            webbrowser.open(_entry(local, session.owner))
        _log_to_terminal()
        settings = uvicorn.Config(
            serving, log_config=None, access_log=False, lifespan="off", proxy_headers=False
        )
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


def _checked_names(names: Sequence[str]) -> Sequence[str]:
    """Names of reviewers, which records of decisions can hold.

    Raises:
        UsageError: one cannot be kept, or comes twice.
    """
    for name in names:
        if not name.strip() or name != name.strip() or not name.isprintable():
            raise UsageError(f"{name[:40]!r} is no name: give letters without blanks around them")
        if len(name) > LONGEST_NAME:
            raise UsageError(f"the name {name[:40]!r} has more than {LONGEST_NAME} characters")
    if len({*names}) != len(names):
        raise UsageError("a name is given twice; each reviewer needs one of their own")
    return names


def _checked_address(address: str | None) -> str | None:
    """The origin at which a proxy serves the page.

    Raises:
        UsageError: it is none.
    """
    if address is None:
        return None
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not host or not bare:
        raise UsageError(
            f"{address[:60]!r} is no address of a proxy; give one such as https://review.example.org"
        )
    default = ":443" if parts.scheme == "https" else ":80"  # which browsers do not send
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(default)}"


def _entry(origin: str, visitor: Visitor) -> str:
    return f"{origin}/enter?token={visitor.token}"


def _tell(session: Session, local: str, public: str, *, as_json: bool) -> None:
    """Print the address of each visitor: the owner's here, and those of others at the proxy."""
    own = _entry(local, session.owner)
    named = {str(each.name): _entry(public, each) for each in session.reviewers}
    reading = None if session.reader is None else _entry(public, session.reader)
    if as_json:
        shared = {"reviewers": named, "readers": reading} if named or reading else {}
        print_json({"url": own, **shared})
    else:
        lines = [f"the page is at\n  {own}"]
        lines += [f"for {name}\n  {url}" for name, url in named.items()]
        each = "Each of these addresses" if named else "This address"
        lines.append(f"{each} lets one browser in, once. Ctrl-C ends it.")
        if reading is not None:
            lines.append(f"for any number of browsers, to read only\n  {reading}")
        make_console().print("\n".join(lines), soft_wrap=True)
    sys.stdout.flush()
