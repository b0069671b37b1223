"""Fetch a source from another machine: once, under a bound, into a cache of the project.

`.stemma/sources/objects/<sha256>` holds contents, `<digest of the address>.json` what a source had
when it was fetched, and `trees/<digest>` the files of a source under their names, as links to
contents. Git and DVC ignore the folder; it can be removed at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from lake import documents, files, private
from lake.documents import DocumentError
from pipelines.common import console, digests
from pipelines.common.errors import DataError
from pipelines.common.plugin_modules import first_line
from pipelines.sources.remote import listing
from pipelines.sources.remote.listing import Listing, RemoteFile

ROOT: Final = Path(".stemma") / "sources"
LIMIT: Final = 10 << 30
"""Bytes of all files of a source together."""
CHUNK: Final = 1 << 20


def digest(source: str) -> str:
    """Digest of what a source holds now; if it cannot be reached, of what was fetched last.

    Raises:
        LibraryError: the package of its scheme is not installed.
        DataError: it cannot be read, and was not fetched before.
    """
    try:
        found = listing.read(source)
    except DataError as error:
        state = _state(source)
        if "digest" not in state or "nothing is there" in str(error):
            raise
        console.line(f"{error}; the copy that was fetched before is used")
        return str(state["digest"])
    silent = next((name for name, file in found.files.items() if not file.version), None)
    if silent is not None:
        console.line(
            f"{source}: the service says nothing of the version of {silent}; a change that leaves "
            "its size is not seen"
        )
    return found.digest


def local(source: str, limit: int = LIMIT) -> Path:
    """Return the file or folder with the contents of a source, fetched if that is needed.

    Args:
        source: the address.
        limit: bytes that its files may have together.

    Raises:
        LibraryError: the package of its scheme is not installed.
        DataError: it cannot be read, or is larger.
    """
    state = _state(source)
    try:
        found = listing.read(source)
    except DataError as error:
        if "digest" not in state or "nothing is there" in str(error):
            raise
        console.line(f"{error}; the copy that was fetched before is used")
        return _tree(source, state["files"], is_file=bool(state["is_file"]))
    total = sum(file.size or 0 for file in found.files.values())
    if total > limit:
        raise DataError(
            f"ingest.source {source!r} has {total:,} bytes, and at most {limit:,} are fetched; "
            "name less of it, or copy it into the project"
        )
    contents = _fetched(found, state, limit)
    written = {"source": source, "digest": found.digest, "is_file": found.is_file}
    files.write_json(_state_path(source), written | {"files": contents})
    return _tree(source, contents, is_file=found.is_file)


def _fetched(found: Listing, state: Mapping[str, Any], limit: int) -> dict[str, dict[str, Any]]:
    """Fetch the files that are new or have another version; return version and digest of each."""
    before, contents, left = state.get("files", {}), {}, limit
    system: Any = None
    for name, file in found.files.items():
        known = before.get(name, {})
        same = file.version and known.get("version") == file.version
        if not same or not object_path(str(known.get("sha256"))).is_file():
            system = system or listing.filesystem(found.source)
            known = {"version": file.version, "sha256": _fetch(found.source, system, file, left)}
        contents[name] = dict(known)
        left -= object_path(known["sha256"]).stat().st_size
    return contents


def _fetch(source: str, system: Any, file: RemoteFile, limit: int) -> str:  # noqa: ANN401  fsspec
    """Fetch one file into the cache; return the digest of its content."""
    private.folder(ROOT / "objects")
    draft = ROOT / "objects" / f".{secrets.token_hex(8)}"
    try:
        with draft.open("xb") as target, system.open(file.address, "rb") as content:
            found = _copied(content, target, limit)
        if found is not None:
            draft.replace(object_path(found))
    except Exception as error:  # services fail in any way
        raise DataError(f"{file.address} cannot be fetched: {first_line(error)}") from error
    finally:
        draft.unlink(missing_ok=True)
    if found is None:
        raise DataError(
            f"ingest.source {source!r} has more bytes than the {LIMIT:,} that are fetched; name "
            "less of it, or copy it into the project"
        )
    return found


def _copied(content: BinaryIO, target: BinaryIO, limit: int) -> str | None:
    """Copy a file; return the digest of its content, or None if it is larger than the limit."""
    hashed = hashlib.sha256()
    while chunk := content.read(CHUNK):
        limit -= len(chunk)
        if limit < 0:
            return None
        hashed.update(chunk)
        target.write(chunk)
    return hashed.hexdigest()


def _tree(source: str, contents: Mapping[str, Mapping[str, Any]], *, is_file: bool) -> Path:
    """Lay out fetched contents under their names."""
    named = named_digests(contents)
    missing = next((name for name, sha in named.items() if not object_path(sha).is_file()), None)
    if missing is not None:
        raise DataError(f"ingest.source {source!r}: {missing} is not in {ROOT} any more")
    root = tree_path(source, named)
    if not root.is_dir():
        draft = root.with_name(f".{secrets.token_hex(8)}")
        for name, sha in named.items():
            place = draft / name
            private.folder(place.parent)
            try:
                os.link(object_path(sha), place)
            except OSError:  # a file system without links
                shutil.copyfile(object_path(sha), place)
        draft.replace(root)
    return root / next(iter(named)) if is_file else root


def named_digests(contents: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """SHA-256 of each content of a source, by name."""
    return {name: str(content["sha256"]) for name, content in contents.items()}


def tree_path(source: str, named: Mapping[str, str]) -> Path:
    """Folder in which the contents of a source lie under their names."""
    return ROOT / "trees" / digests.of_json([source, named])[:32]


def object_path(sha: str) -> Path:
    """File of a content."""
    return ROOT / "objects" / sha


def _state_path(source: str) -> Path:
    return ROOT / f"{hashlib.sha256(source.encode()).hexdigest()[:32]}.json"


def _state(source: str) -> dict[str, Any]:
    """What was fetched before; empty if nothing was, or its description is damaged."""
    try:
        content = documents.read_json(_state_path(source), strict=False)
    except (OSError, DocumentError, json.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) and content.get("source") == source else {}
