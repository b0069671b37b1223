"""What an attestation says of a version: SLSA provenance, and a verification summary.

- Provenance (https://slsa.dev/spec/v1.0/provenance): by what the round was made. Its external
  parameters are the settings of the round, its resolved dependencies the training mix and its
  commit, the generator and its weights, the suite, the source, and the versions of all code that
  the output depends on.
- Verification summary (https://slsa.dev/spec/v1.0/verification_summary): the guard's answer, by the
  digest of its limits, and the digest and counts of the suite.

Everything is read from commits and from the manifest, which are objects of the version themselves.
Names that begin with `stemma_` are extensions, as SLSA provides for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lake.values import Commit
from lineage.guard import GuardResult
from pipelines.common import digests
from pipelines.gate.attestations.versions import Version
from pipelines.rounds.attestation import SIGNER
from pipelines.rounds.metadata import FIT_VERSIONS, StageMetadata
from pipelines.takedown import record
from pipelines.takedown.record import TakedownRecord

PROVENANCE: Final = "https://slsa.dev/provenance/v1"
SUMMARY: Final = "https://slsa.dev/verification_summary/v1"
BUILD_TYPE: Final = "urn:stemma:build:round:1"
"""A round, made by the stages that its byproducts name, with the settings of params.yaml."""
TAKEDOWN_TYPE: Final = "urn:stemma:build:takedown:1"
"""Main without the rows that a take-down lists."""
GUARD: Final = "urn:stemma:guard"
SLSA: Final = "1.0"
COMMIT: Final = "lakefsCommit"
"""Name of a digest that is the id of a commit of the lake."""
PASSING: Final = ("pass", "warn")
"""Verdicts of the guard that let a round pass without a person's reason."""

Stages = list[tuple[Commit, StageMetadata]]


def provenance(
    version: Version, manifest: Mapping[str, Any], stages: Stages, made: Mapping[str, Any]
) -> dict[str, Any]:
    """Compose the provenance of a version.

    Args:
        version: the version.
        manifest: of its round.
        stages: the commits of the round's stages, newest first.
        made: who attests it, when and by which release.
    """
    started = stages[-1][0].created if stages else version.commit.created
    signer = version.commit.metadata.get(SIGNER, "unknown")
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                **_named(version),
                "previous": manifest.get("previous"),
                "settings": manifest.get("settings", {}),
            },
            "internalParameters": {
                "seed": manifest.get("seed"),
                "environment": manifest.get("environment", {}),
            },
            "resolvedDependencies": list(_dependencies(version, manifest, stages)),
        },
        "runDetails": {
            "builder": {"id": f"urn:stemma:key:{signer}"},
            "metadata": {
                "invocationId": f"lakefs://{version.repository}/{version.commit.id}",
                "startedOn": moment(started),
                "finishedOn": moment(version.commit.created),
            },
            "byproducts": [_stage(version, *stage) for stage in reversed(stages)],
        },
        "stemma_attestation": dict(made),
    }


def takedown(version: Version, made_by: TakedownRecord, made: Mapping[str, Any]) -> dict[str, Any]:
    """Compose the provenance of a version that a take-down left: the main before, less some rows.

    Args:
        version: the version.
        made_by: the record of the take-down.
        made: as in `provenance`.
    """
    before = f"lakefs://{version.repository}/{made_by.main}/{version.folder}"
    signer = version.commit.metadata.get(SIGNER, "unknown")
    touched = [
        {"round": each.round, "named": each.named, "direct": each.direct}
        for each in made_by.rounds
        if each.dataset == version.dataset
    ]
    finished = moment(version.commit.created)
    return {
        "buildDefinition": {
            "buildType": TAKEDOWN_TYPE,
            "externalParameters": {
                **_named(version),
                "takedown": made_by.name,
                "policies": {name: each.model_dump() for name, each in made_by.policies.items()},
            },
            "internalParameters": {"ids": len(made_by.ids), "rounds": touched},
            "resolvedDependencies": [
                {"name": "main before", "uri": before, "digest": {COMMIT: made_by.main}},
                _described("take-down record", record.sha256(record.encoded(made_by))),
                _described("rows", made_by.rows_digest),
            ],
        },
        "runDetails": {
            "builder": {"id": f"urn:stemma:key:{signer}"},
            "metadata": {
                "invocationId": f"lakefs://{version.repository}/{version.commit.id}",
                "startedOn": moment(made_by.created),
                "finishedOn": finished,
            },
            "byproducts": [],
        },
        "stemma_attestation": dict(made),
    }


def summary(
    version: Version,
    manifest: Mapping[str, Any],
    result: GuardResult,
    input_attestation: Mapping[str, Any],
    made: Mapping[str, Any],
) -> dict[str, Any]:
    """Compose the verification summary of a version that the guard judged.

    Args:
        version: the version.
        manifest: of its round.
        result: the guard's answer, which was verified.
        input_attestation: the provenance beside it: `uri` and `digest`.
        made: as in `provenance`.
    """
    verdicts = manifest.get("verdicts", {})
    passed = result.verdict in PASSING
    return {
        "verifier": {"id": GUARD},
        "timeVerified": moment(version.commit.created),
        "resourceUri": version.uri,
        "policy": {
            "uri": f"urn:stemma:limits:{result.limits}",
            "digest": {"sha256": result.limits},
        },
        "inputAttestations": [dict(input_attestation)],
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": [f"STEMMA_GUARD_{result.verdict.upper()}"],
        "slsaVersion": SLSA,
        "stemma_guard": result.to_dict(),
        "stemma_suite": {
            "digest": verdicts.get("suite"),
            "counts": verdicts.get("counts", {}),
            "decisions": manifest.get("counts", {}),
        },
        "stemma_attestation": dict(made),
    }


def moment(seconds: float) -> str:
    """A time as RFC 3339 writes it, in UTC to the second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _named(version: Version) -> dict[str, Any]:
    """The version by all its names."""
    return {
        "repository": version.repository,
        "dataset": version.dataset,
        "round": version.number,
        "tag": version.tag,
        "commit": version.commit.id,
    }


def _dependencies(
    version: Version, manifest: Mapping[str, Any], stages: Stages
) -> Iterator[dict[str, Any]]:
    """What the output of a round depends on, as SLSA describes resources."""
    mix, generator = manifest.get("mix") or {}, manifest.get("generator") or {}
    if mix.get("commit"):
        uri = f"lakefs://{version.repository}/{mix['commit']}/{mix.get('dataset', '')}/"
        yield {"name": "mix commit", "uri": uri, "digest": {COMMIT: mix["commit"]}}
        about = {name: mix.get(name) for name in ("regime", "rows", "real_share", "rounds")}
        yield {**_described("mix", mix["digest"]), "annotations": about}
    if generator.get("digest"):
        about = {name: generator[name] for name in ("kind", "reference") if name in generator}
        yield {**_described("generator", generator["digest"]), "annotations": about}
    if generator.get("weights_sha256"):
        yield {"name": "weights", "digest": {"sha256": generator["weights_sha256"]}}
    suite = manifest.get("verdicts", {}).get("suite")
    if suite:
        yield _described("suite", suite)
    yield from _sources(manifest)
    versions = _versions(stages)
    yield {**_described("code", digests.of_json(versions)), "annotations": versions}


def _sources(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Real data that the round brings, and the digest of the hold-out that was split off."""
    payload = manifest.get("payload") or {}
    if payload.get("digest"):
        about = {name: manifest.get(name) for name in ("source", "licence")}
        about["rows"] = payload.get("rows")
        yield {**_described("real rows", payload["digest"]), "annotations": about}
    arrivals = manifest.get("arrivals") or {}
    if arrivals.get("digest"):
        yield _described("arrivals", arrivals["digest"])
    leaks, holdout = manifest.get("leaks") or {}, manifest.get("holdout") or {}
    held_out = holdout.get("digest") or leaks.get("holdout_digest")
    if held_out:
        yield _described("hold-out", held_out)


def _described(name: str, digest: str) -> dict[str, Any]:
    """A resource that is known by the SHA-256 of its description or of its rows."""
    kind = name.replace(" ", "-")
    return {"name": name, "uri": f"urn:stemma:{kind}:{digest}", "digest": {"sha256": digest}}


def _versions(stages: Stages) -> dict[str, str]:
    """Semantic versions of all code by which the stages of a round made their output."""
    versions: dict[str, str] = {}
    for _, metadata in stages:
        versions |= metadata.key.versions if metadata.key else {}
        if FIT_VERSIONS in metadata.extra and metadata.fit is not None:
            versions |= metadata.fit.versions
    return dict(sorted(versions.items()))


def _stage(version: Version, commit: Commit, metadata: StageMetadata) -> dict[str, Any]:
    """A stage's commit, as a byproduct of the round."""
    about = {"committed": moment(commit.created), "inputKey": metadata.key and metadata.key.key}
    return {
        "name": metadata.stage,
        "uri": f"lakefs://{version.repository}/{commit.id}",
        "digest": {COMMIT: commit.id},
        "annotations": about,
    }
