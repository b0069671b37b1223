"""What whoever may commit sets: action files of a repository, and the addresses that they name."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

from lake.server.actions import action_file, addresses, conditions, variables
from lake.server.actions.action_file import Action, ActionFileError
from lake.server.actions.events import EventType
from tests.fuzz.engine import fuzzed
from tests.fuzz.mutations import either, mutated, written
from tests.fuzz.test_settings import OF_YAML

ACTION: Final[dict[str, Any]] = {
    "name": "gate",
    "on": {"pre-merge": {"branches": ["main", "rel-*", "[a-c]?"]}, "post-commit": None},
    "hooks": [
        {
            "id": "ask",
            "type": "webhook",
            "if": "success() || !failure()",
            "properties": {
                "url": "https://hooks.example:8443/a/b?c=d",
                "timeout": "1m30s",
                "query_params": {"a": ["b", "c"], "d": "e"},
                "headers": {"x-token": "{{ ENV.LAKEFSACTIONS_TOKEN }}"},
            },
        },
        {"id": "tell", "type": "webhook", "properties": {"url": "http://10.0.0.1/"}},
    ],
}
PIECES: Final = (
    *(b"{{ ENV.", b" }}", b"success()", b"&&", b"(", b"!", b"1h", b"-5s", b"lua", b"[^a]", b"]"),
    *(b"://", b"@", b"\\", b"%2e%2e", b"/../", b"#", b"::1", b"0x7f", b"[", b"?", b":0"),
)


@fuzzed(either([ACTION], (*OF_YAML, *PIECES)), errors=(ActionFileError,), reasons=6)
def test_action_files(data: bytes) -> Action:
    action = action_file.parse("_lakefs_actions/gate.yaml", data)
    for event in EventType:
        assert action.matches(event, "main") in (True, False)
    for hook in action.hooks:
        assert {conditions.holds(hook.condition, failed=each) for each in (True, False)}
        assert 0 < hook.properties.seconds <= 600
        addresses.parse(hook.properties.url)
        for text in hook.properties.headers.values():
            variables.check(text)
    if data == written(ACTION).encode():
        assert action.matches(EventType.PRE_MERGE, "rel-1")
        assert action.hooks[0].properties.seconds == 90
    return action


URLS: Final = ("http://hooks.example:8080/lake/a", "https://[::1]/x?y=z", "http://127.0.0.1:9/")


@fuzzed(mutated([url.encode() for url in URLS], PIECES), errors=(ValueError,), reasons=4)
def test_addresses(data: bytes) -> object:
    address = addresses.parse(data.decode("latin-1"))
    parts = urlsplit(str(address))  # as another reader takes it
    assert parts.scheme in ("http", "https")
    assert parts.hostname == address.host
    assert (parts.port or {"http": 80, "https": 443}[parts.scheme]) == address.port
    assert parts.username is None
    assert addresses.parse(str(address)).host == address.host
    assert json.dumps(str(address)).isascii()
    return address
