"""The map of the commits that were moved to another lake, which gave them other ids.

`stemma lake migrate` writes it, signed, for each repository: into the project as
`trust/moved/<repository>.json`, which belongs to git, and as `commits.json` on the branch
`stemma-moved` of the lake itself, for whoever has the lake alone. Everything that opens a lake
reads through it (`lake.client.migrated`), so receipts, signatures and manifests stay as they are.

Whoever can alter the map can let an id stand for another commit. So a map that no trusted key
signed is refused, and is a finding of an audit. A map counts for a lake that holds the first
commit which it names, and no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from lake import documents, files, refs, settings
from lake.client import Lake, connect
from lake.commit_ids import NONE_MOVED, CommitIds, Moved
from lake.documents import DocumentError
from lake.errors import NotFoundError
from pipelines.common import digests
from pipelines.common.errors import StaleError
from pipelines.common.settings import StrictModel, strictly
from pipelines.common.signing import Signer
from pipelines.rounds import trust

FOLDER: Final = trust.FOLDER / "moved"
PATH: Final = "commits.json"
"""Path of the map on that branch."""
MAX_BYTES: Final = 1 << 26
"""Limit of the size of a map, in bytes: some 400,000 commits."""
SHORT: Final = 12
"""Number of hex digits that abbreviate a commit id."""

CommitId = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CommitMap(StrictModel):
    """What the commits of a repository became where they were moved to."""

    form: Literal["stemma-moved/1"] = "stemma-moved/1"
    repository: str
    created: int
    """When the repository was first made, in unix seconds."""
    first: CommitId
    """The commit by which it was made."""
    commits: Mapping[CommitId, CommitId]
    """The id of each commit, by the id that it had."""
    dates: Mapping[CommitId, int]
    """When commits were made, in unix seconds, where the lake says something else."""
    committers: Mapping[CommitId, str]
    """Who made commits, where the lake says something else."""
    signer: str = ""
    """Short name of the key that signed the map."""
    signature: str = ""

    @property
    def first_there(self) -> str | None:
        """The id of the first commit in the lake that the map is about."""
        return self.commits.get(self.first)

    def statement(self) -> bytes:
        """What is signed: all but the signature, as canonical JSON."""
        return digests.canonical(self.model_dump(exclude={"signer", "signature"}))

    def signed(self, signer: Signer) -> CommitMap:
        """The map with a signature."""
        signature = signer.sign(self.statement())
        return self.model_copy(update={"signer": signer.name, "signature": signature})

    def encoded(self) -> bytes:
        """The bytes of its file."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    def ids(self) -> CommitIds:
        """The ids, as a lake is read by."""
        moved = {
            former: Moved(id_, self.dates.get(former), self.committers.get(former))
            for former, id_ in self.commits.items()
        }
        return CommitIds(moved, self.created)


@dataclass(frozen=True, slots=True)
class MapFinding:
    """What is wrong with a map, and where it is."""

    place: str
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {"place": self.place, "sentence": self.sentence}


def make(
    repository: str, created: int, first: str, moved: Mapping[str, Moved], before: CommitMap | None
) -> CommitMap:
    """Make a map, which nobody has signed yet.

    Args:
        repository: name of the repository.
        created: when it was first made, in unix seconds.
        first: the commit by which it was made.
        moved: what its commits became.
        before: the map of an earlier move to the same lake, whose commits stay in it.
    """
    dates = {name: each.created for name, each in moved.items() if each.created is not None}
    who = {name: each.committer for name, each in moved.items() if each.committer is not None}
    commits = {name: each.id for name, each in moved.items()}
    return CommitMap(
        repository=repository,
        created=created,
        first=first,
        commits=dict(sorted({**(before.commits if before else {}), **commits}.items())),
        dates=dict(sorted({**(before.dates if before else {}), **dates}.items())),
        committers=dict(sorted({**(before.committers if before else {}), **who}.items())),
    )


def path(repository: str) -> Path:
    """Path of the project's map of a repository."""
    return FOLDER / f"{repository}.json"


def may_apply(where: settings.Remote | settings.Embedded, repository: str) -> bool:
    """Tell whether a lake has to be asked for a map; an embedded one is no lake to move to."""
    return isinstance(where, settings.Remote) or path(repository).exists()


def opened(where: settings.Remote | settings.Embedded, repository: str) -> Lake:
    """Open a repository, whose commits may have been moved there, by the ids that they had.

    Raises:
        LakeError: the lake does not answer.
    """
    return connect(where, repository, find_ids if may_apply(where, repository) else None)


def find_ids(lake: Lake) -> CommitIds:
    """Find the ids of the commits that were moved to a lake, the project's map first.

    Raises:
        StaleError: the map is damaged, or no trusted key signed it.
    """
    held = of_project(lake)
    if held is None and lake.connection.home is None:
        held = of_lake(lake)
    return NONE_MOVED if held is None else held.ids()


def of_project(lake: Lake) -> CommitMap | None:
    """The project's map of the commits that were moved to a lake; None if there is none.

    Raises:
        StaleError: the map is damaged, or no trusted key signed it.
    """
    held = of_file(lake.repository)
    return held if held is not None and _is_about(held, lake) else None


def of_file(repository: str) -> CommitMap | None:
    """The project's map of a repository, whatever lake it is about; None if there is none.

    Raises:
        StaleError: the map is damaged, or no trusted key signed it.
    """
    place = path(repository)
    try:
        data = files.read_bytes(place, MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StaleError(f"{place}: {error.strerror}; restore it from git") from error
    return _read(data, repository, str(place), "restore it from git")


def of_lake(lake: Lake) -> CommitMap | None:
    """The map that a lake holds of the commits that were moved to it; None if it holds none.

    Raises:
        StaleError: the map is damaged, or no trusted key signed it.
    """
    data = _stored(lake)
    if data is None:
        return None
    remedy = "find out who wrote it, and delete the branch, or move to the lake again"
    held = _read(
        data, lake.repository, f"{PATH} on the branch {refs.MOVED} of {lake.repository}", remedy
    )
    return held if _is_about(held, lake) else None


def keep(lake: Lake, made: CommitMap) -> None:
    """Store a signed map in the lake that it is about, and then in the project.

    Args:
        lake: the lake, by the ids that its server gives.
        made: the map.

    Raises:
        StaleError: the file cannot be written.
    """
    data = made.encoded()
    if _stored(lake) != data:
        lake.set_branch(refs.MOVED, made.first_there or "")
        lake.write_bytes(refs.MOVED, PATH, data, "application/json")
        lake.commit(refs.MOVED, f"Map the commits that were moved to {lake.repository}", {})
    try:
        files.write_atomic(path(lake.repository), data, durable=True)
    except OSError as error:
        raise StaleError(f"{path(lake.repository)}: {error.strerror}") from error


def findings(lake: Lake, *others: str) -> Iterator[MapFinding]:
    """Find out what is wrong with the maps of a lake, in the project and in the lake itself.

    Args:
        lake: the lake, by the ids that its server gives.
        others: further repositories, of which the project's maps alone are looked at.
    """
    held: list[CommitMap | None] = []
    for place, read in ((str(path(lake.repository)), of_project), (refs.MOVED, of_lake)):
        try:
            held.append(read(lake))
        except StaleError as error:
            yield MapFinding(place, str(error))
    if len(held) > 1 and None not in held and held[0] != held[1]:
        yield MapFinding(
            refs.MOVED,
            f"the map on the branch {refs.MOVED} of {lake.repository} is another than "
            f"{path(lake.repository)}: one of them is of another move; fetch your team's (git "
            "pull), or find out who wrote the lake's",
        )
    for other in others:
        try:
            of_file(other)
        except StaleError as error:
            yield MapFinding(str(path(other)), str(error))


def _stored(lake: Lake) -> bytes | None:
    """The bytes of the lake's own map; None if it holds none."""
    try:
        return lake.read(refs.MOVED, PATH, MAX_BYTES) if lake.head(refs.MOVED) else None
    except NotFoundError:
        return None


def _read(data: bytes, repository: str, place: str, remedy: str) -> CommitMap:
    """Read a map of a repository.

    Raises:
        StaleError: it is damaged or of another repository, or no trusted key signed it.
    """
    try:
        held = strictly(CommitMap, documents.parse_json(data))
    except (DocumentError, ValidationError) as error:
        raise StaleError(f"{place} is no map of commits, or was edited; {remedy}") from error
    if held.repository != repository or held.first not in held.commits:
        raise StaleError(f"{place} is the map of another repository; {remedy}")
    trusted = trust.keys()
    if trusted is not None and trusted.signer(held.statement(), held.signature) is None:
        raise StaleError(
            f"{place} was edited, or is not signed by a key that is trusted: which commits the ids "
            f"in receipts and signatures stand for cannot be believed; {remedy}"
        )
    return held


def _is_about(held: CommitMap, lake: Lake) -> bool:
    """Tell whether a lake is the one that the commits of a map were moved to."""
    try:
        return lake.resolve(held.first_there or "").id == held.first_there
    except NotFoundError:
        return False
