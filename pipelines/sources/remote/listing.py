"""What a source on another machine holds now: names, sizes and versions, without the contents."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from lake import files
from lake.errors import InvalidError
from pipelines.common import digests
from pipelines.common.errors import DataError, LibraryError
from pipelines.common.plugin_modules import first_line

PACKAGES: Final[Mapping[str, tuple[str, str]]] = {
    "s3": ("s3fs", "s3fs"),
    "hf": ("huggingface_hub", "huggingface_hub"),
    "https": ("aiohttp", "aiohttp"),
    "http": ("aiohttp", "aiohttp"),
    "lakefs": ("lakefs_spec", "lakefs-spec"),
}
"""Module and package that each scheme needs."""
VERSIONS: Final = (
    "ETag", "etag", "checksum", "sha256", "blob_id", "Content-MD5", "md5", "LastModified",
    "last_modified", "Last-Modified", "mtime",
)  # fmt: skip
"""What a service may say about a file that changes with its content; the first one counts."""
MOST_FILES: Final = 100_000


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on another machine."""

    address: str
    """What its file system calls it."""
    size: int | None
    """Bytes; None: not said."""
    version: str
    """Changes with its content: an entity tag, a checksum, or the time of its last change."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a source, by their paths below it."""

    source: str
    is_file: bool
    """Whether the source is one file, which then is the only one."""
    files: Mapping[str, RemoteFile]

    @property
    def digest(self) -> str:
        """Changes with any name, size or version."""
        rows = [[name, file.size, file.version] for name, file in sorted(self.files.items())]
        return digests.of_json(rows)


def is_remote(source: str) -> bool:
    """Tell whether a source is an address."""
    return "://" in source


def filesystem(source: str) -> Any:  # noqa: ANN401  fsspec has no types
    """Open the file system of an address.

    Raises:
        LibraryError: its package is not installed.
        DataError: there is none for this scheme, or the address holds a password.
    """
    parts = urlsplit(source)
    if parts.scheme not in PACKAGES:
        raise DataError(
            f"ingest.source {source!r}: addresses begin with "
            f"{', '.join(f'{scheme}://' for scheme in PACKAGES)}"
        )
    if parts.password:
        raise DataError(
            "ingest.source holds a password, which lineage would record; leave it out, and keep it "
            "where the service's own client looks for it"
        )
    module, package = PACKAGES[parts.scheme]
    if importlib.util.find_spec(module) is None:
        raise LibraryError(
            f"sources at {parts.scheme}:// need the package {package}, which is not installed; run "
            "`pip install 'stemma[remote]'`"
        )
    import fsspec  # noqa: PLC0415  few data sets need it

    if parts.scheme == "lakefs":
        import lakefs_spec  # noqa: F401, PLC0415  makes its scheme known
    return fsspec.filesystem(parts.scheme, skip_instance_cache=True, use_listings_cache=False)


def read(source: str) -> Listing:
    """List the files of an address: a file, a folder, or a pattern.

    Raises:
        LibraryError: as `filesystem`.
        DataError: there is nothing, it cannot be reached, or it has names that no file here can
            have.
    """
    system = filesystem(source)
    try:
        return _listing(source, system)
    except (DataError, LibraryError):
        raise
    except FileNotFoundError as error:
        raise DataError(f"ingest.source {source!r}: nothing is there") from error
    except Exception as error:  # services fail in any way
        raise DataError(f"ingest.source {source!r} cannot be read: {first_line(error)}") from error


def _listing(source: str, system: Any) -> Listing:  # noqa: ANN401  of fsspec
    if urlsplit(source).scheme in ("http", "https"):
        name = PurePosixPath(unquote(urlsplit(source).path)).name
        return Listing(source, True, _named(source, [(name, source, system.info(source))]))
    address = str(system._strip_protocol(source))  # noqa: SLF001  its public form has other rules
    if set("*?[") & set(address):
        found = system.glob(address, detail=True)
        base = re.split(r"[*?[]", address, maxsplit=1)[0].rpartition("/")[0]
    else:
        info = system.info(address)
        if info["type"] == "file":
            name = PurePosixPath(address).name
            return Listing(source, True, _named(source, [(name, address, info)]))
        found, base = system.find(address, detail=True), address
    rows = (
        (name.removeprefix(base).lstrip("/"), name, info)
        for name, info in sorted(found.items())
        if info["type"] == "file" and not name.endswith("/")
    )
    return Listing(source, False, _named(source, rows))


def _named(
    source: str, rows: Iterable[tuple[str, str, Mapping[str, Any]]]
) -> dict[str, RemoteFile]:
    """Check the names of files, which a service gives."""
    named = {}
    for name, address, info in rows:
        try:
            path = "/".join(files.safe_name(part) for part in name.split("/"))
        except InvalidError as error:
            raise DataError(f"ingest.source {source!r}: {error}") from error
        size = info.get("size")
        version = next((f"{key}:{info[key]}" for key in VERSIONS if info.get(key)), "")
        named[path] = RemoteFile(address, size if isinstance(size, int) else None, version)
        if len(named) > MOST_FILES:
            raise DataError(f"ingest.source {source!r} has more than {MOST_FILES:,} files")
    if not named:
        raise DataError(f"ingest.source {source!r}: nothing is there")
    return named
