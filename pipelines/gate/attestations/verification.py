"""Verify an attestation, in the lake or on a copy without one, and name what differs first.

A copy is a folder with the objects under their names in the lake (`digits/samples/…`) and the
attestation under its own (`attestations/digits-v3/1/…`), however it was copied. Every byte is read.

A key is trusted if the caller names its file, or else if the project in this directory trusts it.
Where there is neither, the key that came with the copy is taken: that proves that nothing was
damaged since, and nothing about who made it, for whoever can replace the files can replace the key.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from lake import files
from lake.client import Lake
from lake.errors import CorruptError
from pipelines.common import dsse, progress, signing
from pipelines.common.errors import EnvelopeError, SigningError, StaleError
from pipelines.common.signing import Trusted
from pipelines.gate.attestations import claims, object_digests, store, versions
from pipelines.gate.attestations.claims import Claims
from pipelines.gate.attestations.store import Stored
from pipelines.rounds import trust

Kind = Literal["envelope", "ref", "missing", "extra", "changed", "purged"]
Purged = Callable[[str], str | None]
"""From the path of an object that differs to the take-down that purged it; None: none did."""
GIVEN: Final = "given"
PROJECT: Final = "trusted by the project"
BESIDE: Final = "beside the attestation"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that differs from what was attested."""

    kind: Kind
    name: str
    """Path of the object, or of the attestation."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a verification."""

    target: str
    attestation: str
    """Path of the attestation."""
    key: str
    """Where the key came from: given, trusted by the project, or beside the attestation."""
    claims: Claims | None = None
    """What is claimed; None if the envelopes are not believed."""
    objects: int = 0
    """Number of objects whose bytes were compared."""
    difference: Difference | None = None

    @property
    def verified(self) -> bool:
        """Whether a trusted key signed it, and every object is as it was attested."""
        return self.difference is None and self.key != BESIDE

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values; the objects are counted, not listed."""
        about = asdict(self.claims) | {"objects": len(self.claims.objects)} if self.claims else None
        return {
            "target": self.target,
            "attestation": self.attestation,
            "verified": self.verified,
            "key": self.key,
            "claims": about,
            "objects": self.objects,
            "difference": asdict(self.difference) if self.difference else None,
        }


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that are trusted, if there are any, and where they came from."""

    trusted: Trusted | None
    origin: str

    def for_attestation(self, stored: Stored) -> tuple[Trusted, str]:
        """The keys to verify an attestation by: without trusted ones, the key beside it.

        Raises:
            SigningError: there is no key beside it either.
        """
        if self.trusted is not None:
            return self.trusted, self.origin
        found = [data for name, data in stored.files.items() if name.endswith(store.KEY_SUFFIX)]
        if not found:
            raise SigningError(
                f"there is no key to verify {stored.folder} by: get the public key of whoever "
                "signed it from them, and name its file with --key"
            )
        beside = (signing.public_key_of(data, f"the key in {stored.folder}") for data in found)
        return signing.trusted(*beside), BESIDE


def keys(given: Path | None) -> Keys:
    """The keys that are trusted here.

    Args:
        given: file of a public key that the caller trusts, and no other; None: those of the project
            in this directory, if it has any.

    Raises:
        SigningError: a key cannot be read.
    """
    if given is not None:
        key = signing.public_key(given, str(given))
        return Keys(signing.trusted(key), GIVEN)
    return Keys(trust.keys(), PROJECT)


def of_ref(lake: Lake, ref: str, known: Keys, purged: Purged = lambda _: None) -> Answer:
    """Verify the version that a ref names against its latest attestation in the lake.

    Raises:
        NotFoundError: there is no such ref.
        StaleError: it is no published version, or was never attested.
        SigningError: there is no key to verify it by.
    """
    version = versions.find(lake, ref)
    numbers = store.numbers(lake, version.tag)
    if not numbers:
        raise StaleError(f"{version.tag} was never attested; run `stemma attest {version.tag}`")
    stored = store.read(lake, version.tag, numbers[-1])
    held = {item.path: item for item in lake.objects(version.commit.id, version.folder)}

    def digest(path: str) -> str:
        return object_digests.of_object(lake, version.commit.id, held[path])

    return _verify(
        ref,
        stored,
        known,
        lambda _: (set(held), digest),
        commit=version.commit.id,
        purged=purged,
    )


def of_folder(folder: Path, known: Keys) -> Answer:
    """Verify a copy of a version, without a lake.

    Raises:
        EnvelopeError: the folder holds no attestation, or those of several versions.
        SigningError: there is no key to verify it by.
    """
    found = _newest(folder)
    if not found:
        raise EnvelopeError(
            f"{folder} holds no {store.FOLDER}/TAG/N/{store.PROVENANCE}; copy the attestation of "
            "the version beside its objects"
        )
    if len(found) > 1:
        raise EnvelopeError(
            f"{folder} holds attestations of {', '.join(sorted(found))}; name the file "
            f"{store.PROVENANCE} of one of them"
        )
    ((tag, number),) = found.items()
    return _of_copy(str(folder), folder, tag, number, known)


def of_file(file: Path, known: Keys) -> Answer:
    """Verify the envelope in a file, and the copy that it lies in.

    Without such a copy around it, only the envelope is verified, and no object.

    Raises:
        EnvelopeError: it is no envelope with provenance.
        SigningError: there is no key to verify it by.
    """
    path = file.absolute()
    inside = path.parts[-4:]
    number = store.number_of(inside[2]) if len(inside) == 4 else None  # noqa: PLR2004
    if number is not None and inside[0] == store.FOLDER:
        return _of_copy(str(file), path.parents[3], inside[1], number, known)
    envelope = dsse.read(file)
    if known.trusted is None:
        raise SigningError(
            f"there is no key to verify {file} by: get the public key of whoever signed it from "
            "them, and name its file with --key"
        )
    try:
        found = claims.of_envelope(envelope, claims.trusting(known.trusted), str(file))
    except EnvelopeError as error:
        wrong = Difference("envelope", str(file), str(error))
        return Answer(str(file), str(file), known.origin, difference=wrong)
    return Answer(str(file), str(file), known.origin, found)


def _of_copy(target: str, folder: Path, tag: str, number: int, known: Keys) -> Answer:
    """Verify the objects in a folder against one of the attestations in it."""
    stored = _stored(folder, tag, number)

    def copied(found: Claims) -> tuple[set[str], Callable[[str], str]]:
        return set(_files(folder, found.dataset)), lambda path: _sha256(folder / path)

    return _verify(target, stored, known, copied)


def _verify(
    target: str,
    stored: Stored,
    known: Keys,
    held: Callable[[Claims], tuple[set[str], Callable[[str], str]]],
    *,
    commit: str | None = None,
    purged: Purged = lambda _: None,
) -> Answer:
    """Verify the envelopes first, then the version that they are about, then each object.

    Args:
        target: what the caller named.
        stored: the attestation.
        known: the trusted keys.
        held: from what is claimed to the names of the objects that are there, and what hashes one.
        commit: id of the commit that the attestation must be about; None: any.
        purged: as `of_ref`.
    """
    trusted, origin = known.for_attestation(stored)
    try:
        found = claims.read(stored, claims.trusting(trusted))
    except EnvelopeError as error:
        wrong = Difference("envelope", stored.folder, str(error))
        return Answer(target, stored.folder, origin, difference=wrong)
    if commit not in (None, found.commit):
        sentence = (
            f"{stored.folder} is about the commit {found.commit[:12]}, and {stored.tag} names "
            f"{str(commit)[:12]}: the tag was made again, or the attestation is of another lake"
        )
        wrong = Difference("ref", stored.folder, sentence)
        return Answer(target, stored.folder, origin, found, difference=wrong)
    names, digest = held(found)
    difference, compared = _compare(found, names, digest, purged)
    return Answer(target, stored.folder, origin, found, compared, difference)


def _compare(
    found: Claims, names: set[str], digest: Callable[[str], str], purged: Purged
) -> tuple[Difference | None, int]:
    """The first object that differs, by name, and how many were compared; names before bytes."""
    attested = found.objects
    for name in sorted(names ^ attested.keys()):
        if name in names:
            sentence = f"{name} is extra: it was not there when {found.tag} was attested"
            return Difference("extra", name, sentence), 0
        return _gone(found, name, purged), 0
    for count, name in enumerate(progress.track(sorted(names), "objects"), start=1):
        try:
            same = digest(name) == attested[name]
        except (CorruptError, OSError):
            same = False
        if not same:
            by = purged(name)
            if by is not None:
                return Difference("purged", name, _purged(found, name, by)), count
            sentence = f"{name} was changed: its bytes are not those that were attested"
            return Difference("changed", name, sentence), count
    return None, len(names)


def _gone(found: Claims, name: str, purged: Purged) -> Difference:
    by = purged(name)
    if by is not None:
        return Difference("purged", name, _purged(found, name, by))
    return Difference("missing", name, f"{name} is missing: {found.tag} was attested with it")


def _purged(found: Claims, name: str, by: str) -> str:
    return (
        f"{name} was purged by the take-down {by}; `stemma attest {found.tag}` attests what is left"
    )


def _newest(folder: Path) -> dict[str, int]:
    """The number of the newest attestation in a folder, by tag."""
    found: dict[str, int] = {}
    for path in (folder / store.FOLDER).glob(f"*/*/{store.PROVENANCE}"):
        tag, number = path.parts[-3], store.number_of(path.parts[-2])
        if number is not None:
            found[tag] = max(found.get(tag, 0), number)
    return found


def _stored(folder: Path, tag: str, number: int) -> Stored:
    """Read the files of an attestation in a folder."""
    place = folder / store.FOLDER / tag / str(number)
    content: dict[str, bytes] = {}
    for path in sorted(place.iterdir()):
        known = path.name in (store.PROVENANCE, store.SUMMARY)
        if known or path.suffix == store.KEY_SUFFIX:
            limit = dsse.MAX_BYTES if known else store.MAX_KEY_BYTES
            content[path.name] = files.read_bytes(path, limit)
    return Stored(tag, number, content)


def _files(folder: Path, dataset: str) -> Iterator[str]:
    """Names of all that lies under a data set's folder, links and other files too.

    A link to a folder is a name like any other: what it leads to is not looked at.

    Raises:
        EnvelopeError: a folder cannot be listed, so that what lies in it is not known.
    """
    if not (folder / dataset).is_dir():
        return
    for place, folders, names in os.walk(folder / dataset, onerror=_unlisted):
        links = (name for name in folders if (Path(place) / name).is_symlink())
        for name in (*names, *links):
            yield (Path(place) / name).relative_to(folder).as_posix()


def _unlisted(error: OSError) -> NoReturn:
    raise EnvelopeError(
        f"{error.filename} cannot be listed ({error.strerror}); make it readable"
    ) from error


def _sha256(path: Path) -> str:
    """SHA-256 of a regular file that is no link.

    Raises:
        OSError: it cannot be read, or is no such file.
    """
    with files.open_regular(path, follow=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
