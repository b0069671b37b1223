"""What an attestation may claim: names that can be paths, one version, both statements alike."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipelines.common import dsse, signing
from pipelines.common.errors import EnvelopeError
from pipelines.common.signing import Signer
from pipelines.gate.attestations import claims, predicates, store
from pipelines.gate.attestations.store import Stored

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(PRIVATE)
OPENED = claims.trusting(signing.trusted(PRIVATE.public_key()))
NAME = "digits/head.json"


def provenance(*names: str, **about: Any) -> dict[str, Any]:
    external = {
        "repository": "stemma",
        "dataset": "digits",
        "round": 3,
        "tag": "digits-v3",
        "commit": "c" * 64,
        **about,
    }
    subjects = [{"name": name, "digest": {"sha256": "0" * 64}} for name in names]
    predicate = {"buildDefinition": {"externalParameters": external}}
    return dsse.statement(subjects, predicates.PROVENANCE, predicate)


def stored(statement: dict[str, Any], summary: dict[str, Any] | None = None) -> Stored:
    contents = {store.PROVENANCE: statement, store.SUMMARY: summary}
    files = {
        name: json.dumps(dsse.sign(content, SIGNER)).encode()
        for name, content in contents.items()
        if content is not None
    }
    return Stored("digits-v3", 1, files)


def summary(of: dict[str, Any], *names: str) -> dict[str, Any]:
    digest = hashlib.sha256(stored(of).files[store.PROVENANCE]).hexdigest()
    predicate = {
        "inputAttestations": [{"digest": {"sha256": digest}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["STEMMA_GUARD_WARN"],
    }
    subjects = [{"name": name, "digest": {"sha256": "0" * 64}} for name in names]
    return dsse.statement(subjects, predicates.SUMMARY, predicate)


def test_claims_are_those_of_both_statements() -> None:
    made = provenance(NAME, "digits/rounds/003.json")
    found = claims.read(stored(made, summary(made, NAME, "digits/rounds/003.json")), OPENED)
    assert (found.tag, found.round, found.signer) == ("digits-v3", 3, SIGNER.name)
    assert found.objects == {NAME: "0" * 64, "digits/rounds/003.json": "0" * 64}
    assert found.guard == ("STEMMA_GUARD_WARN",)


def test_only_real_data_has_no_answer_of_the_guard() -> None:
    assert claims.read(stored(provenance(NAME, round=0)), OPENED).guard == ()
    with pytest.raises(EnvelopeError, match=r"holds no verification\.dsse\.json, which says how"):
        claims.read(stored(provenance(NAME, round=3)), OPENED)


@pytest.mark.parametrize("name", ["../passwd", "/etc/passwd", "digits//a", "a/..", "", "a\x1b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(EnvelopeError, match="cannot be the name of a file here"):
        claims.read(stored(provenance(NAME, name)), OPENED)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (provenance(NAME, tag="digits-v2"), "holds a statement about digits-v2: it is of another"),
        (provenance(NAME, dataset="../x"), "externalParameters.dataset"),
        (provenance(), "no attestation of a version: subject"),
        (provenance(NAME, NAME), "names an object twice"),
        ({**provenance(NAME), "predicateType": "urn:x"}, "holds 'urn:x' and no provenance"),
    ],
)
def test_what_is_no_attestation_of_the_version_is_refused(
    made: dict[str, Any], message: str
) -> None:
    with pytest.raises(EnvelopeError, match=message):
        claims.read(stored(made), OPENED)


def test_a_summary_of_another_provenance_is_refused() -> None:
    made = provenance(NAME)
    for other in (summary(provenance(NAME, round=2), NAME), summary(made, "digits/other.json")):
        with pytest.raises(EnvelopeError, match="is of another attestation than provenance"):
            claims.read(stored(made, other), OPENED)
    with pytest.raises(EnvelopeError, match="holds no verification summary"):
        claims.read(stored(made, made), OPENED)


def test_an_attestation_without_provenance_is_refused() -> None:
    with pytest.raises(EnvelopeError, match=r"holds no provenance.dsse.json; get the whole folder"):
        claims.read(Stored("digits-v3", 1, {}), OPENED)
