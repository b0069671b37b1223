"""Addresses that hooks may call: those that the operator named with `--hook-address`, no others.

A hook's URL is taken apart once, here, and the request is put together of these parts: what was
compared is what is called. Hence only one way of writing each part is accepted, and everything that
two parsers could read in two ways is refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

OPTION: Final = "--hook-address"
MAX_URL: Final = 2048
_URL: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)
_HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*", re.ASCII)
_NUMBER: Final = re.compile(r"(?:0x)?[0-9a-f]*", re.ASCII)
"""The last label of what resolvers take for an IP address in another notation."""
_PORTS: Final = {"http": 80, "https": 443}
_LOCAL: Final = "localhost"

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a URL that say where a request goes; `host` is a name or an IP address."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    def __str__(self) -> str:
        """The address as a URL, without its query."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def ip(self) -> IPAddress | None:
        """The IP address that stands in place of a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    def covers(self, other: Address) -> bool:
        """Whether another address is at the same place, and its path below this one's."""
        here = (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
        below = other.path == self.path or other.path.startswith(f"{self.path.rstrip('/')}/")
        return here and below


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """What the operator named."""

    prefixes: tuple[Address, ...] = ()

    @classmethod
    def of(cls, urls: Iterable[str]) -> AllowedAddresses:
        """Read the beginnings of URLs that the operator gave.

        Raises:
            ValueError: one of them is none, or has a query.
        """
        prefixes = []
        for url in urls:
            try:
                prefix = parse(url)
            except ValueError as error:
                raise ValueError(f"{OPTION} {url}: the URL {error}") from None
            if prefix.query:
                raise ValueError(f"{OPTION} {url}: the URL has a query; name its path alone")
            prefixes.append(prefix)
        return cls(tuple(prefixes))

    def check(self, address: Address) -> None:
        """Refuse an address that the operator did not name.

        Raises:
            ValueError: it is not below any of them.
        """
        if any(prefix.covers(address) for prefix in self.prefixes):
            return
        allowed = ", ".join(map(str, self.prefixes)) or "no address"
        raise ValueError(
            f"names {address}, and this server may call {allowed}: whoever serves the lake allows "
            f"it with `stemma lake serve {OPTION} {address.scheme}://{_authority(address)}`"
        )


def parse(url: str) -> Address:
    """Take a URL apart.

    Raises:
        ValueError: it is not one that a hook may have; the message continues "the URL".
    """
    if len(url) > MAX_URL or not _URL.fullmatch(url):
        raise ValueError(f"has 1 to {MAX_URL} characters, none of which needs to be quoted")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not one: its host or port cannot be read") from None
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with http:// or https://")
    if "@" in parts.netloc or "#" in url:
        raise ValueError("has no user, password or fragment; put secrets into headers")
    if port == 0:
        raise ValueError("has the port 0, which nobody listens on")
    path = parts.path or "/"
    parts_of_path = re.split(r"/|%2[fF]|%5[cC]", path)
    if any(unquote(part).partition(";")[0] in (".", "..") for part in parts_of_path):
        raise ValueError("has `.` or `..` in its path")
    return Address(
        parts.scheme, _host(parts.hostname or ""), port or _PORTS[parts.scheme], path, parts.query
    )


def check_resolved(host: str, found: str) -> None:
    """Refuse what a name of the operator must not lead to, whoever answers for its zone.

    Args:
        host: the name; not an IP address.
        found: an IP address that it resolves to.

    Raises:
        ValueError: it is one of this machine or of its link, or stands for no single machine.
    """
    ip = ipaddress.ip_address(found.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback and host == _LOCAL:
        return
    near = ip.is_loopback or ip.is_link_local
    if near or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        raise ValueError(
            f"{host} leads to {ip}, which is called only where {OPTION} names this IP address"
        )


def _host(host: str) -> str:
    """A host in the one form that is compared.

    Raises:
        ValueError: it is no name and no IP address in its usual form.
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        name = host.removesuffix(".")
    if not _HOST.fullmatch(name) or _NUMBER.fullmatch(name.rpartition(".")[2]):
        raise ValueError("must name a host, or an IP address in its usual form (127.0.0.1, [::1])")
    return name


def _authority(address: Address) -> str:
    return str(address).split("/")[2]
