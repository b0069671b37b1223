"""Bodies of requests: what is accepted, refused in one sentence, and described."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from pydantic import BaseModel

from lake.errors import InvalidError
from lake.server.http import bodies, body_validation, staging_bodies
from lake.server.http.openapi import description
from lake.server.http.routes import OPERATIONS


@pytest.mark.parametrize(
    ("model", "value", "wrong"),
    [
        (bodies.TagCreation, {"ref": "main"}, "`id`"),
        (bodies.TagCreation, {"id": "", "ref": "main"}, "`id`"),
        (bodies.TagCreation, {"id": 1, "ref": "main"}, "`id`"),
        (bodies.CommitCreation, {"message": "m", "metadata": {"a": 1}}, "`metadata.a`"),
        (bodies.CommitCreation, {"message": "m", "date": -1}, "`date`"),
        (bodies.CommitCreation, {"message": "m", "date": 1 << 40}, "`date`"),
        (bodies.CommitCreation, {"message": "m", "date": "1"}, "`date`"),
        (bodies.RevertCreation, {"ref": "main", "parent_number": -1}, "`parent_number`"),
        (bodies.ResetCreation, {"type": "other"}, "`type`"),
        (bodies.ResetCreation, {"type": "object"}, "needs a path"),
        (bodies.ImportCreation, {"paths": []}, "`paths`"),
        (bodies.ImportCreation, {"paths": [{"type": "x", "path": "p"}]}, "`paths.0.type`"),
        (staging_bodies.BatchLink, {"paths": ["a"], "addresses": []}, "address of its own"),
        (
            staging_bodies.BatchLink,
            {"paths": ["a", "b"], "addresses": ["x", "x"]},
            "address of its own",
        ),
        (
            staging_bodies.StagingMetadata,
            {"staging": {"physical_address": "s3://x"}},
            "physical_address",
        ),
        (
            staging_bodies.CompletePresignMultipartUpload,
            {"physical_address": "local://x", "parts": [{"part_number": 10_001, "etag": "x"}]},
            "`parts.0.part_number`",
        ),
        (bodies.BranchProtectionRules, {"pattern": "x"}, "list"),
        (bodies.GarbageCollection, {"keep_seconds": 1 << 64}, "`keep_seconds`"),
        (bodies.PathList, [], "valid dictionary"),
    ],
)
def test_a_wrong_body_is_refused_in_one_sentence(
    model: type[BaseModel], value: object, wrong: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        body_validation.validate(model, value)
    assert str(caught.value).startswith("the body")
    assert wrong in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_clients_send_for_nothing_is_nothing() -> None:
    nothing = {
        "message": None,
        "metadata": None,
        "date": None,
        "strategy": None,
        "squash_merge": None,
        "of another release": 1,
    }
    assert body_validation.validate(bodies.Merge, nothing) == bodies.Merge()
    overrides = {"ref": "main", "commit_overrides": None, "parent_number": None}
    assert body_validation.validate(bodies.RevertCreation, overrides) == bodies.RevertCreation(
        ref="main"
    )


@pytest.mark.parametrize("sent", [True, "true", "True"])
def test_a_boolean_may_come_as_text(sent: object) -> None:
    merge = body_validation.validate(bodies.Merge, {"squash_merge": sent, "allow_empty": "False"})
    assert isinstance(merge, bodies.Merge)
    assert (merge.squash_merge, merge.allow_empty) == (True, False)


def test_names_of_metadata_keep_their_case_and_fit_for_a_header() -> None:
    update = body_validation.validate(bodies.UpdateObjectUserMetadata, {"set": {"Who": "Ä"}})
    assert update == bodies.UpdateObjectUserMetadata(set={"Who": "Ä"})
    for name in ("é", "a\nb", "a b", "a:b"):
        with pytest.raises(InvalidError, match="header"):
            body_validation.validate(bodies.UpdateObjectUserMetadata, {"set": {name: ""}})


def test_every_body_is_described_and_every_reference_resolves() -> None:
    schemas = description()["components"]["schemas"]
    models = {operation.body for operation in OPERATIONS if operation.body is not None}
    assert len(models) > 20
    assert {model.__name__ for model in models} <= set(schemas)
    text = json.dumps(description())
    used = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used <= set(schemas)
    assert '"null"' not in text  # a type of JSON Schema that OpenAPI 3.0 does not have


def test_threads_may_read_their_first_bodies_at_once() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from lake.server.http import bodies, body_validation
assert not bodies.ImportCreation.__pydantic_complete__
barrier = Barrier(8)
def read(_):
    barrier.wait()
    value = {"paths": [{"type": "object", "path": "p"}], "commit": {"message": "m"}}
    return body_validation.validate(bodies.ImportCreation, value)
with ThreadPoolExecutor(8) as pool:
    assert len({body.model_dump_json() for body in pool.map(read, range(8))}) == 1
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
