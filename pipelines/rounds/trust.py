"""Which keys a project trusts, and since when commits must be signed.

The folder `trust/` of a project is tracked by git, so whom a team trusts is reviewed like code:

- `trust/<name>.pem`: a public key; `<name>` is the first 16 hex digits of its SHA-256;
- `trust/moved/`: maps of commits that were moved to another lake
  (`pipelines.rounds.moved_commits`);
- `trust/since.json`: for each repository of the lake, the head of main when signing began. What
  main holds up to that commit was made by an earlier release and needs no signature; everything
  after it does.

A stage that signs adds its own public key, which its team then commits or refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lake import documents, files, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import NotFoundError
from pipelines.common import console, signing
from pipelines.common.errors import SigningError
from pipelines.common.signing import SHORT, Signer, Trusted

FOLDER: Final = Path("trust")
SINCE: Final = FOLDER / "since.json"
SUFFIX: Final = ".pem"


@dataclass(slots=True)
class Trust:
    """The keys that are trusted, and the commits of main from before signing began."""

    keys: Trusted
    lake: Lake
    since: str | None = None
    """Main's head when signing began; None: every commit must be signed."""
    _earlier: frozenset[str] | None = None

    def is_earlier(self, commit: str) -> bool:
        """Tell whether main held a commit before signing began, so that it needs no signature."""
        if self._earlier is None:
            self._earlier = _log(self.lake, self.since)
        return commit in self._earlier


def load(lake: Lake) -> Trust | None:
    """Load the trusted keys, and since when a lake must be signed; None if no key is trusted.

    Raises:
        SigningError: a key or `since.json` cannot be read.
    """
    trusted = keys()
    return Trust(trusted, lake, _since().get(lake.repository)) if trusted else None


def keys() -> Trusted | None:
    """Load the keys of `trust/` and of `STEMMA_GUARD_PUBLIC_KEYS`; None if there are none.

    Raises:
        SigningError: a key cannot be read.
    """
    found = dict(signing.named_keys())
    for path in sorted(FOLDER.glob(f"*{SUFFIX}")):
        key = signing.public_key(path, str(path))
        found[signing.fingerprint(key)[:SHORT]] = key
    return Trusted(found) if found else None


def signer(lake: Lake) -> Signer:
    """Load the key to sign with; on first use, trust it and note where signing began.

    Raises:
        SigningError: a key or `since.json` cannot be read or written.
    """
    loaded = signing.signer()
    try:
        note_key(loaded)
        _note_since(lake)
    except OSError as error:
        raise SigningError(f"{error.filename or FOLDER}: {error.strerror}") from error
    return loaded


def note_key(loaded: Signer) -> bool:
    """Trust a key that signs in this project, and say so once.

    Returns:
        Whether the key was not trusted before.
    """
    path = FOLDER / f"{loaded.name}{SUFFIX}"
    if path.exists():
        return False
    FOLDER.mkdir(exist_ok=True)
    files.write_atomic(path, loaded.public)
    console.line(f"signing with the key {loaded.name}")
    console.line(f"{path} holds its public part: add it to git")
    return True


def _note_since(lake: Lake) -> None:
    """Note main's head, unless the lake holds the commit that is noted already."""
    content = _since()
    noted = content.get(lake.repository)
    if noted is not None and _holds(lake, noted):
        return
    content[lake.repository] = lake.resolve(refs.MAIN).id
    files.write_json(SINCE, content)


def _since() -> dict[str, str]:
    """The commits in `since.json`, by repository.

    Raises:
        SigningError: the file is damaged.
    """
    try:
        content: Any = documents.read_json(SINCE)
    except FileNotFoundError:
        return {}
    except DocumentError as error:
        raise SigningError(f"{SINCE} {error}; restore it from git") from error
    if not isinstance(content, dict) or not all(isinstance(id_, str) for id_ in content.values()):
        raise SigningError(f"{SINCE} does not name a commit for each repository; restore it")
    return content


def _log(lake: Lake, head: str | None) -> frozenset[str]:
    """Ids of the commits of main up to one; none if the lake does not hold it."""
    if head is None or not _holds(lake, head):
        return frozenset()
    return frozenset(commit.id for commit in lake.log(head, first_parent=True))


def _holds(lake: Lake, commit: str) -> bool:
    try:
        return lake.resolve(commit).id == commit
    except NotFoundError:
        return False
