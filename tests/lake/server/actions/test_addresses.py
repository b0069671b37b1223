"""Addresses: what was compared is what is called, and nothing reads a URL in another way."""

from __future__ import annotations

import pytest

from lake.server.actions import addresses
from lake.server.actions.addresses import AllowedAddresses

ALLOWED = AllowedAddresses.of(
    ["http://hooks.example:8080/lake", "https://[::1]", "http://10.0.0.5"]
)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example:8080/lake",
        "http://HOOKS.example.:8080/lake/a?b=c",
        "https://[0:0:0:0:0:0:0:1]/x",
        "http://10.0.0.5:80/",
    ],
)
def test_what_the_operator_named_may_be_called(url: str) -> None:
    ALLOWED.check(addresses.parse(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example:8080/lakes",
        "http://hooks.example:8080/",
        "http://hooks.example:8081/lake",
        "https://hooks.example:8080/lake",
        "http://hooks.example.evil.example:8080/lake",
        "http://evil.example/http://hooks.example:8080/lake",
        "http://10.0.0.5:8080/",
        "http://[::ffff:10.0.0.5]/",
    ],
)
def test_other_addresses_may_not(url: str) -> None:
    with pytest.raises(ValueError, match=r"this server may call http://hooks\.example:8080/lake, "):
        ALLOWED.check(addresses.parse(url))


def test_without_the_option_nothing_may_be_called() -> None:
    with pytest.raises(ValueError, match=r"call no address.* --hook-address https://a\.example`"):
        AllowedAddresses().check(addresses.parse("https://a.example/x"))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example:8080@evil.example/lake",
        "http://hooks.example:8080\\@evil.example/lake",
        "http://hooks.example:8080/lake/../admin",
        "http://hooks.example:8080/lake/%2e%2E/admin",
        "http://hooks.example:8080/lake/..%2fadmin",
        "http://hooks.example:8080/lake/%2e%2e%5cadmin",
        "http://hooks.example:8080/lake/..;a=1/admin",
        "http://hooks.example:8080/lake/%2e%2e%3b/admin",
        "http://hooks.example:8080/lake#x",
        "http://hooks.example:8080/la ke",
        "http://hooks.example:8080/lake\r\nHost: x",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://hooks\u3002example/",
        "http://hooks.example:99999/",
        "http://hooks.example:0/",
        "http:///lake",
        "http://[::1/",
        "ftp://hooks.example/",
        "//hooks.example/",
        "hooks.example",
        "",
        "http://" + "a" * 3000,
    ],
)
def test_what_two_parsers_could_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(has|is|must) "):
        addresses.parse(url)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("hooks.example", "127.0.0.1"),
        ("hooks.example", "::1"),
        ("hooks.example", "::ffff:127.0.0.1"),
        ("hooks.example", "169.254.169.254"),
        ("hooks.example", "fe80::1%eth0"),
        ("hooks.example", "0.0.0.0"),  # noqa: S104  refused
        ("hooks.example", "224.0.0.1"),
        ("localhost", "169.254.169.254"),
    ],
)
def test_a_name_does_not_lead_to_this_machine_or_its_link(host: str, found: str) -> None:
    with pytest.raises(ValueError, match="only where --hook-address names this IP address"):
        addresses.check_resolved(host, found)


@pytest.mark.parametrize(
    ("host", "found"),
    [("hooks.example", "10.0.0.5"), ("localhost", "127.0.0.1"), ("localhost", "::1")],
)
def test_a_name_leads_to_other_machines(host: str, found: str) -> None:
    addresses.check_resolved(host, found)


@pytest.mark.parametrize("url", ["example.com", "http://a.example/?x=1", "http://127.1"])
def test_an_option_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="--hook-address"):
        AllowedAddresses.of([url])
