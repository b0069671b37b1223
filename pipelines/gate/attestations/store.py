"""Where attestations are kept: `attestations/TAG/N/` on the branch `stemma-attestations`.

A tag's commit cannot hold its own attestation, and main keeps what rounds hold and nothing else;
so attestations have a branch of their own, on which files are added and never changed. The history
of main, and the audit of it, know nothing of them. Whoever may write to the lake can move or delete
the branch, as any: an attestation proves what it says, not that there was no other.

`N` counts attestations of one tag from 1: where the latest no longer holds, because its key is not
trusted any more or objects changed under the version (a purge), there is a further one. Each has
`provenance.dsse.json`, `verification.dsse.json` where the guard judged the round, and the public
key of the one who signed as `<key>.pem`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lake import documents, polling, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import ConflictError, NotFoundError
from pipelines.common import dsse
from pipelines.common.errors import EnvelopeError
from pipelines.rounds import merged_files
from pipelines.rounds.merged_files import JSON, File

BRANCH: Final = refs.ATTESTATIONS
FOLDER: Final = "attestations"
PROVENANCE: Final = f"provenance{dsse.SUFFIX}"
SUMMARY: Final = f"verification{dsse.SUFFIX}"
KEY_SUFFIX: Final = ".pem"
PEM: Final = "application/x-pem-file"
ATTEMPTS: Final = 10
MAX_KEY_BYTES: Final = 1 << 14
"""Limit of the size of a public key, in bytes."""
_NUMBER: Final = r"[1-9][0-9]{0,5}"
_PATH: Final = re.compile(rf"{FOLDER}/(?P<tag>[^/]+)/(?P<number>{_NUMBER})/(?P<name>[^/]+)\Z")


@dataclass(frozen=True, slots=True)
class Stored:
    """One attestation of a tag: its number, and its files by name."""

    tag: str
    number: int
    files: Mapping[str, bytes]

    @property
    def folder(self) -> str:
        """Path of its folder: `attestations/digits-v3/1`."""
        return f"{FOLDER}/{self.tag}/{self.number}"

    def envelope(self, name: str) -> object:
        """An envelope, as `pipelines.common.dsse.verify` takes it.

        Raises:
            EnvelopeError: it is missing, or no JSON.
        """
        if name not in self.files:
            raise EnvelopeError(f"{self.folder} holds no {name}; get the whole folder")
        try:
            return documents.parse_json(self.files[name])
        except DocumentError as error:
            raise EnvelopeError(f"{self.folder}/{name} {error}; get it again") from error


def number_of(name: str) -> int | None:
    """The number of an attestation by the name of its folder; None: it is no such folder."""
    return int(name) if re.fullmatch(_NUMBER, name) else None


def numbers(lake: Lake, tag: str) -> list[int]:
    """Numbers of the attestations of a tag that a lake holds, in order."""
    return sorted(_paths(lake, tag))


def read(lake: Lake, tag: str, number: int) -> Stored:
    """Read an attestation of a tag.

    Raises:
        TooLargeError: a file of it is larger than it was written.
    """
    found = {}
    for path in _paths(lake, tag).get(number, ()):
        name = path.rpartition("/")[2]
        limit = MAX_KEY_BYTES if name.endswith(KEY_SUFFIX) else dsse.MAX_BYTES
        found[name] = lake.read(BRANCH, path, limit)
    return Stored(tag, number, found)


def keep(lake: Lake, tag: str, files: Mapping[str, bytes]) -> Stored:
    """Add an attestation of a tag; none that is there is changed.

    Raises:
        ConflictError: others added one in every attempt.
    """

    def add() -> Stored:
        merged_files.begin(lake, BRANCH)
        start = lake.resolve(BRANCH).id
        number = max(numbers(lake, tag), default=0) + 1
        stored = Stored(tag, number, files)
        added = {
            f"{stored.folder}/{name}": File(data, PEM if name.endswith(KEY_SUFFIX) else JSON)
            for name, data in files.items()
        }
        merged_files.merge(lake, BRANCH, added, f"Attest {tag}", {}, start=start)
        return stored

    # A conflict means that another run added an attestation of the tag.
    return polling.repeat(add, on=ConflictError, interval=0, attempts=ATTEMPTS)


def _paths(lake: Lake, tag: str) -> dict[int, list[str]]:
    """Paths of the files of a tag's attestations, by number."""
    found: dict[int, list[str]] = {}
    try:
        listed = lake.objects(BRANCH, f"{FOLDER}/{tag}/")
    except NotFoundError:
        return {}
    for item in listed:
        match = _PATH.match(item.path)
        if match:
            found.setdefault(int(match["number"]), []).append(item.path)
    return found
