"""Schemathesis against the description that the server gives of itself: nothing ends in a 5xx."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation

from lake.server.http.openapi import description
from lake.server.http.routes import OPERATIONS
from tests.lake.servers import Served, api_root, start

FEW, MANY = 3, 25
"""Requests an operation, every day and in all: about 1,400."""
MEANT = frozenset({501, 507})
"""What this server does not have, and a full disk, are answers and not failures."""
KNOWN: dict[str, tuple[Any, ...]] = {
    "repository": ("quickstart", "spare"),
    "branch": ("main", "side"),
    "ref": ("main", "side~1", "main@", "v1"),
    "left": ("main", "side"),
    "right": ("side", "v1"),
    "source": ("side", "main~1"),
    "destination": ("main", "side"),
    "tag": ("v1",),
    "key": ("nobody",),
    "upload": ("0" * 32,),
    "number": (1, 2),
    "path": ("README.md", "images/", "data/lakes.source.md", "new"),
    "prefix": ("images/", "data"),
    "delimiter": ("/",),
    "dest_path": ("copy",),
    "src_path": ("README.md",),
    "id": ("v2", "v3"),
    "run": ("67134ace69250d4df84c",),
    "hook_run": ("0000_0000",),
    "name": ("spare", "third", "main"),
    "strategy": ("source-wins", "dest-wins"),
    "parent_number": (0, 1, 2),
}
"""Names that are there, so that requests get beyond 404."""

schema = schemathesis.openapi.from_dict(description())
DESCRIBED = [found.ok() for found in schema.get_all_operations()]


@pytest.fixture(scope="session")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own: what fuzzing leaves behind disturbs nobody."""
    home: Path = tmp_path_factory.mktemp("fuzzed") / "home"
    allowed = home.parent / "allowed"
    allowed.mkdir()
    served = start(home, more=["--sample-repo", "--import-from", str(allowed)])
    yield served
    log = home / "server.log"
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    served.stop()
    assert "Traceback" not in said, said[-4000:]


@pytest.fixture(scope="session")
def changed() -> list[str]:
    """The operations since the names were made that may have removed some; at first, all."""
    return ["start"]


@pytest.fixture
def ready(fuzzed: Served, changed: list[str], request: pytest.FixtureRequest) -> Iterator[Served]:
    """The server with the names that are used again and again."""
    if changed:
        _make_names(fuzzed)
        changed.clear()
    yield fuzzed
    if not any(f"[{method} " in request.node.name for method in ("GET", "HEAD")):
        changed.append(request.node.name)


def _make_names(fuzzed: Served) -> None:
    with fuzzed.http() as api:
        for name in KNOWN["repository"]:
            wanted = {"name": name, "storage_namespace": f"local://{name}", "sample_data": False}
            api.post("/repositories", json=wanted)
            where = f"/repositories/{name}/branches"
            api.post(where, json={"name": "side", "source": "main"})
            api.post(f"/repositories/{name}/tags", json={"id": "v1", "ref": "main"})


def steered(values: object, chance: random.Random) -> None:
    """Put names that are there in the place of two in three random ones."""
    if not isinstance(values, dict):
        return
    for name in values:
        if name in KNOWN and chance.random() < 2 / 3:
            values[name] = chance.choice(KNOWN[name])


FUZZ = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
each_operation = pytest.mark.parametrize("operation", DESCRIBED, ids=lambda found: found.label)


@cache
def requests_of(label: str, mode: GenerationMode) -> st.SearchStrategy[Any]:
    """Requests of an operation, right or wrong ones; it takes long to find out what they are."""
    (operation,) = [each for each in DESCRIBED if each.label == label]
    return operation.as_strategy(generation_mode=mode)


def ask(operation: APIOperation, served: Served, data: st.DataObject) -> None:
    """Make a request; its answer must not be a failure."""
    mode = data.draw(st.sampled_from(GenerationMode))
    case = data.draw(requests_of(operation.label, mode))
    chance = data.draw(st.randoms(use_true_random=False))
    for values in (case.path_parameters, case.query, case.body):
        steered(values, chance)
    keys = (served.remote.access_key_id, served.remote.secret_access_key)
    answer = case.call(base_url=api_root(served.remote), auth=keys)
    assert answer.status_code < 500 or answer.status_code in MEANT, answer.text


@each_operation
@settings(FUZZ, max_examples=FEW)
@given(data=st.data())
def test_no_request_ends_in_a_failure(
    operation: APIOperation, ready: Served, data: st.DataObject
) -> None:
    ask(operation, ready, data)


@pytest.mark.foreign
@each_operation
@settings(FUZZ, max_examples=MANY)
@given(data=st.data())
def test_of_many_requests_none_ends_in_a_failure(
    operation: APIOperation, ready: Served, data: st.DataObject
) -> None:
    ask(operation, ready, data)


def test_the_description_has_every_operation_and_no_other() -> None:
    described = {
        (method.upper(), path)
        for path, methods in description()["paths"].items()
        for method in methods
    }
    streamed = {
        ("POST", "/repositories/{repository}/branches/{branch}/objects"),
        ("GET", "/repositories/{repository}/refs/{ref}/objects"),
        ("HEAD", "/repositories/{repository}/refs/{ref}/objects"),
    }
    assert described == {(each.method, each.path) for each in OPERATIONS} | streamed
    names = [
        operation["operationId"]
        for methods in description()["paths"].values()
        for operation in methods.values()
    ]
    assert sorted(set(names)) == sorted(names)


def test_what_the_server_hands_out_is_the_description(ready: Served) -> None:
    with ready.http() as api:
        assert api.get("/openapi.json").json() == description()


def test_each_described_operation_is_there(ready: Served) -> None:
    with ready.http() as api:
        for path, methods in description()["paths"].items():
            values = {name: options[0] for name, options in KNOWN.items()}
            for method in itertools.filterfalse("parameters".__eq__, methods):
                answer = api.request(method.upper(), path.format(**values) + "?path=%00")
                assert answer.status_code != 501, (method, path)
