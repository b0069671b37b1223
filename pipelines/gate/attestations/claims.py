"""What a version's attestation claims, read from statements that a key signed or anybody wrote.

The statements of one attestation are about one version and the same objects. Names of objects come
from outside and become paths of files, so each part of one is a plain name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lake import files
from lake.errors import InvalidError
from pipelines.common import dsse
from pipelines.common.errors import EnvelopeError
from pipelines.common.signing import Trusted
from pipelines.gate.attestations import predicates, store
from pipelines.gate.attestations.store import Stored

Open = Callable[[object], tuple[Mapping[str, Any], str]]
"""From an envelope to its statement, and the name of the key that it is believed for."""
Model = TypeVar("Model", bound=BaseModel)
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Digests(_Part):
    sha256: Digest


class _Subject(_Part):
    name: str
    digest: _Digests


class _Parameters(_Part):
    repository: str
    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    round: int
    tag: str
    commit: str
    takedown: str | None = None


class _Definition(_Part):
    external: _Parameters = Field(alias="externalParameters")


class _Provenance(_Part):
    definition: _Definition = Field(alias="buildDefinition")


class _Input(_Part):
    digest: _Digests


class _Summary(_Part):
    inputs: list[_Input] = Field(alias="inputAttestations", min_length=1)
    result: str = Field(alias="verificationResult")
    levels: list[str] = Field(alias="verifiedLevels")


class _Statement(_Part):
    subject: list[_Subject] = Field(min_length=1)
    predicate_type: str = Field(alias="predicateType")
    predicate: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claims:
    """What an attestation claims of a version."""

    repository: str
    dataset: str
    round: int
    tag: str
    commit: str
    objects: Mapping[str, str]
    """SHA-256 of each object of the version, by path."""
    signer: str
    """Name of the key that it is believed for."""
    takedown: str | None = None
    """Name of the take-down that left the version; None of a round."""
    guard: tuple[str, ...] = ()
    """Levels of the verification summary; none where the guard judged nothing."""


def trusting(keys: Trusted) -> Open:
    """Open envelopes that one of some keys signed."""

    def verify(envelope: object) -> tuple[Mapping[str, Any], str]:
        verified = dsse.verify(envelope, keys)
        return verified.statement, verified.signer

    return verify


def read(stored: Stored, opened: Open) -> Claims:
    """Read the claims of an attestation.

    Raises:
        EnvelopeError: an envelope is not believed, or its statements contradict each other.
    """
    statement, signer = opened(stored.envelope(store.PROVENANCE))
    claims = _provenance(statement, signer, f"{stored.folder}/{store.PROVENANCE}")
    if claims.tag != stored.tag:
        raise EnvelopeError(
            f"{stored.folder} holds a statement about {shown(claims.tag)}: it is of another "
            "version; find the one of this"
        )
    if store.SUMMARY not in stored.files:
        # The guard judges every round, real data never, and what a take-down leaves if it can.
        if claims.round > 0 and claims.takedown is None:
            raise EnvelopeError(
                f"{stored.folder} holds no {store.SUMMARY}, which says how the guard judged "
                f"{shown(claims.tag)}; get the whole folder"
            )
        return claims
    return _with_summary(claims, stored, opened)


def of_envelope(envelope: object, opened: Open, where: str) -> Claims:
    """Read the claims of one envelope with provenance.

    Raises:
        EnvelopeError: it is not believed, or holds another statement.
    """
    statement, signer = opened(envelope)
    return _provenance(statement, signer, where)


def shown(text: str) -> str:
    """Foreign text for a sentence, quoted where it is no plain name."""
    return text if text.isascii() and text.replace("-", "").isalnum() else repr(text[:60])


def _with_summary(claims: Claims, stored: Stored, opened: Open) -> Claims:
    """Add what the verification summary beside the provenance says."""
    where = f"{stored.folder}/{store.SUMMARY}"
    content, _ = opened(stored.envelope(store.SUMMARY))
    statement = _parsed(_Statement, content, where)
    if statement.predicate_type != predicates.SUMMARY:
        raise EnvelopeError(f"{where} holds no verification summary; find who wrote it")
    summary = _parsed(_Summary, statement.predicate, where)
    digest = hashlib.sha256(stored.files[store.PROVENANCE]).hexdigest()
    if (summary.inputs[0].digest.sha256, _objects(statement, where)) != (digest, claims.objects):
        raise EnvelopeError(
            f"{where} is of another attestation than {store.PROVENANCE} beside it: one of the two "
            "was replaced; get both again"
        )
    return replace(claims, guard=tuple(summary.levels) or (summary.result,))


def _provenance(content: Mapping[str, Any], signer: str, where: str) -> Claims:
    statement = _parsed(_Statement, content, where)
    if statement.predicate_type != predicates.PROVENANCE:
        raise EnvelopeError(
            f"{where} holds {shown(statement.predicate_type)} and no provenance of a version; name "
            f"the {store.PROVENANCE} beside it"
        )
    about = _parsed(_Provenance, statement.predicate, where).definition.external
    return Claims(
        about.repository,
        about.dataset,
        about.round,
        about.tag,
        about.commit,
        _objects(statement, where),
        signer,
        about.takedown,
    )


def _objects(statement: _Statement, where: str) -> dict[str, str]:
    """Digests of the objects that a statement is about, whose names can be paths."""
    objects = {item.name: item.digest.sha256 for item in statement.subject}
    try:
        for name in objects:
            for part in name.split("/"):
                files.safe_name(part)
    except InvalidError as error:
        raise EnvelopeError(f"{where}: {error}") from error
    if len(objects) < len(statement.subject):
        raise EnvelopeError(f"{where} names an object twice; find who wrote it")
    return objects


def _parsed(model: type[Model], content: object, where: str) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        location = ".".join(str(part) for part in problem["loc"])
        raise EnvelopeError(
            f"{where} is no attestation of a version: {location}: {problem['msg']}; find who wrote "
            "it"
        ) from error
