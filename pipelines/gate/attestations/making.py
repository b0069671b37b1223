"""Attest a published version: hash its objects, say how it was made and judged, sign, keep."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from lake.client import Lake
from lineage.guard import GuardResult
from pipelines.common import dsse
from pipelines.common.errors import EnvelopeError, StaleError
from pipelines.common.signing import Signer
from pipelines.gate.attestations import claims, object_digests, predicates, store, versions
from pipelines.gate.attestations.store import Stored
from pipelines.gate.attestations.versions import Version
from pipelines.rounds import manifest, trust


@dataclass(frozen=True, slots=True)
class Attested:
    """An attestation of a version, and whether it was there already."""

    version: Version
    stored: Stored
    signer: str
    objects: int
    """Number of objects that it is about."""
    size: int
    """Their size together, in bytes."""
    existing: bool


def attest(lake: Lake, ref: str) -> Attested:
    """Attest the version that a ref names; an attestation that still holds is left as it is.

    Raises:
        NotFoundError: there is no such ref.
        StaleError: it is no published version, or its merge is not proved.
        SigningError: there is no key to sign with.
    """
    version = versions.find(lake, ref)
    result = versions.proved(lake, version)
    signer = trust.signer(lake)
    objects = lake.objects(version.commit.id, version.folder)
    if not objects:
        raise StaleError(f"{version.tag} holds no object of {version.dataset}: nothing to attest")
    subjects = [
        {"name": path, "digest": {"sha256": digest}}
        for path, digest in object_digests.of_objects(lake, version.commit.id, objects)
    ]
    size = sum(item.size for item in objects)
    number = max(store.numbers(lake, version.tag), default=0)
    latest = store.read(lake, version.tag, number) if number else None
    by = _current(latest, version, subjects) if latest else None
    if latest is not None and by is not None:
        return Attested(version, latest, by, len(objects), size, existing=True)
    files = _envelopes(lake, version, result, subjects, signer)
    kept = store.keep(lake, version.tag, files)
    return Attested(version, kept, signer.name, len(objects), size, existing=False)


def _envelopes(
    lake: Lake,
    version: Version,
    result: GuardResult | None,
    subjects: list[dict[str, Any]],
    signer: Signer,
) -> dict[str, bytes]:
    """The files of an attestation by name: signed statements, and the key that signed them."""
    recorded = manifest.read(lake, version.commit.id, version.dataset, version.number)
    made = {
        "key": signer.key_id,
        "time": predicates.moment(time.time()),
        "release": metadata.version("stemma"),
        "published": predicates.moment(version.commit.created),
    }
    stages = list(versions.stage_commits(lake, version))
    if version.takedown is None:
        predicate = predicates.provenance(version, recorded, stages, made)
    else:
        predicate = predicates.takedown(version, version.takedown, made)
    statement = dsse.statement(subjects, predicates.PROVENANCE, predicate)
    files = {store.PROVENANCE: dsse.encoded(dsse.sign(statement, signer))}
    if result is not None:
        digest = hashlib.sha256(files[store.PROVENANCE]).hexdigest()
        beside = {"uri": store.PROVENANCE, "digest": {"sha256": digest}}
        predicate = predicates.summary(version, recorded, result, beside, made)
        statement = dsse.statement(subjects, predicates.SUMMARY, predicate)
        files[store.SUMMARY] = dsse.encoded(dsse.sign(statement, signer))
    return files | {f"{signer.name}{store.KEY_SUFFIX}": signer.public}


def _current(latest: Stored, version: Version, subjects: list[dict[str, Any]]) -> str | None:
    """The key by which the latest attestation is verified as it is; None if it is not."""
    trusted = trust.keys()
    if trusted is None:
        return None
    try:
        found = claims.read(latest, claims.trusting(trusted))
    except EnvelopeError:
        return None
    held = {each["name"]: each["digest"]["sha256"] for each in subjects}
    same = (found.commit, found.objects) == (version.commit.id, held)
    return found.signer if same else None
