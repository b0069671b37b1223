"""`stemma attest REF` and `stemma attest verify REF|FILE|FOLDER`.

The exit code of `verify` is 0 where a trusted key signed and nothing differs, 1 where something
differs, and 2 where nothing can be verified: there is no attestation, no key, or no such target.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lake.errors import NotFoundError
from pipelines.common.errors import EnvelopeError, SigningError, StaleError
from pipelines.gate.attestations import copying, making, verification, versions
from pipelines.gate.attestations.claims import Claims
from pipelines.gate.attestations.making import Attested
from pipelines.gate.attestations.verification import BESIDE, Answer, Keys
from pipelines.params import load
from pipelines.rounds import purges
from pipelines.rounds.context import open_lake
from review.cli.output import make_console, number, print_json, sentence
from review.errors import Findings, UsageError

UNVERIFIABLE: Final = (EnvelopeError, SigningError, StaleError, NotFoundError)
"""Errors by which there is nothing to verify."""


def run(*, ref: str, output: Path | None, as_json: bool) -> None:
    """Attest a version, and copy it where a folder is named."""
    lake = open_lake(load())
    attested = making.attest(lake, ref)
    if output is not None:
        copying.copy(lake, attested, output)
    if as_json:
        print_json(_content(attested, output))
        return
    did = "is attested already" if attested.existing else "attested"
    what = (
        f"{attested.version.tag} {did}: {number(attested.objects)} objects of "
        f"{number(attested.size)} bytes, by the key {attested.signer}, in {attested.stored.folder} "
        "of the lake"
    )
    make_console().print(sentence(what), soft_wrap=True)
    if output is not None:
        copied = f"copied to {output}: `stemma attest verify {output} --key FILE`"
        make_console().print(sentence(copied), soft_wrap=True)


def verify(*, target: str, key: Path | None, as_json: bool) -> None:
    """Verify an attestation.

    Raises:
        Findings: something differs from what was attested.
        UsageError: nothing can be verified, or no key is trusted.
    """
    try:
        answer = _verified(target, verification.keys(key))
    except UNVERIFIABLE as error:
        raise UsageError(f"{target} cannot be verified: {error}") from error
    if as_json:
        print_json(answer.to_dict())
    elif answer.difference is None and answer.claims is not None:
        make_console().print(sentence(_said(answer, answer.claims)), soft_wrap=True)
    if answer.difference is not None:
        raise Findings(f"{target}: {answer.difference.sentence}")
    if answer.key == BESIDE:
        raise UsageError(
            f"{target} fits the key that came with it, which anybody can make: nothing was damaged "
            "since it was signed, and who signed it is not known; get the public key of whoever "
            "should have, from them, and name its file with --key"
        )


def _verified(target: str, keys: Keys) -> Answer:
    """Verify a folder, a file, or else a ref of the lake of the project in this directory."""
    place = Path(target)
    if place.is_dir():
        return verification.of_folder(place, keys)
    if place.is_file():
        return verification.of_file(place, keys)
    lake = open_lake(load())
    purged = purges.purged_by(lake, versions.find(lake, target).commit.id)
    return verification.of_ref(lake, target, keys, purged)


def _content(attested: Attested, output: Path | None) -> dict[str, object]:
    return {
        "tag": attested.version.tag,
        "commit": attested.version.commit.id,
        "attestation": attested.stored.folder,
        "files": sorted(attested.stored.files),
        "signer": attested.signer,
        "objects": attested.objects,
        "bytes": attested.size,
        "existing": attested.existing,
        "output": None if output is None else str(output),
    }


def _said(answer: Answer, claims: Claims) -> str:
    compared = (
        f"{number(answer.objects)} objects are as attested"
        if answer.objects
        else f"no object was looked at; it is about {number(len(claims.objects))}"
    )
    guard = f", {', '.join(claims.guard)}" if claims.guard else ""
    return (
        f"{claims.tag} ({claims.dataset}, round {claims.round}, commit {claims.commit[:12]}): "
        f"{compared}; signed by the key {claims.signer} ({answer.key}){guard}"
    )
