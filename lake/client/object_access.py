"""The objects and tables of a repository: listed, read, written and removed by ref and path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lake import refs, tables
from lake.client import records
from lake.client.connection import PAGE_SIZE, Connection
from lake.client.transfer import Transfer, gateway_options
from lake.errors import CorruptError, NotFoundError, RangeError, TooLargeError, refused
from lake.values import ObjectInfo

if TYPE_CHECKING:
    import polars as pl


class ObjectAccess:
    """What `Lake` does with objects, whatever ref they are at."""

    def __init__(self, connection: Connection, repository: str) -> None:
        """Bind a repository."""
        self.connection = connection
        self.repository = repository
        self._transfer = Transfer(connection, repository)
        self._cleaned: dict[str, ObjectInfo] | None = None
        self._models = connection.models
        self._sdk = connection.sdk

    def objects(self, ref: str, prefix: str = "", *, stored: bool = False) -> list[ObjectInfo]:
        """Objects under a prefix, in order of their paths.

        Args:
            ref: branch, tag or commit.
            prefix: of the paths.
            stored: as the server has them, purged ones too; else cleaned ones in their place.
        """
        method = self._sdk.objects_api.list_objects
        lines = self.connection.pages(method, records.Objects, self.repository, ref, prefix=prefix)
        found = [
            ObjectInfo(line.path, line.checksum, line.size_bytes or 0, line.physical_address)
            for line in lines
        ]
        cleaned = {} if stored else self.cleaned()
        return (
            [
                item
                if (one := cleaned.get(item.checksum)) is None
                else replace(one, path=item.path)
                for item in found
            ]
            if cleaned
            else found
        )

    def cleaned(self) -> Mapping[str, ObjectInfo]:
        """Objects that are read in the place of purged ones, by the checksums of these.

        The embedded lake knows itself what was purged (docs/decisions/0033). In a lake of another
        server they lie on the branch of purges.
        """
        if self._cleaned is None:
            self._cleaned = {}
            if self.connection.home is None:
                with suppress(NotFoundError):  # nothing was purged
                    listed = ObjectAccess.objects(self, refs.PURGED, refs.CLEANED, stored=True)
                    self._cleaned = {item.path.removeprefix(refs.CLEANED): item for item in listed}
        return self._cleaned

    def forget_cleaned(self) -> None:
        """Look for cleaned objects again, because some were added."""
        self._cleaned = None

    def read(
        self, ref: str, path: str, max_bytes: int | None = None, *, stored: bool = False
    ) -> bytes:
        """Bytes of one object; of a purged one, those of the cleaned object in its place.

        Args:
            ref: branch, tag or commit.
            path: of the object.
            max_bytes: how large it may be; None: as large as it is.
            stored: as the server has them, or not at all.

        Raises:
            TooLargeError: it is larger.
            CorruptError: the lake has no bytes of it any more.
        """
        place = (ref, path) if stored else self._place(ref, path)
        try:
            return self._read(*place, max_bytes)
        except CorruptError:
            if stored or self.connection.home is not None:
                raise
            self.forget_cleaned()  # another process may have purged it meanwhile
            again = self._place(ref, path)
            if again == place:
                raise
        return self._read(*again, max_bytes)

    def _place(self, ref: str, path: str) -> tuple[str, str]:
        """Where an object is read: at its ref and path, or where the cleaned one of it is."""
        cleaned = self.cleaned()
        for item in ObjectAccess.objects(self, ref, path, stored=True) if cleaned else ():
            if item.path == path and item.checksum in cleaned:
                return refs.PURGED, cleaned[item.checksum].path
        return ref, path

    def _read(self, ref: str, path: str, max_bytes: int | None) -> bytes:
        method = self._sdk.objects_api.get_object
        part: dict[str, Any] = {} if max_bytes is None else {"range": f"bytes=0-{max_bytes}"}
        action = f"read {path} at {ref}"
        try:
            data = self.connection.call(method, self.repository, ref, path, action=action, **part)
        except RangeError:  # of an empty object
            return b""
        if max_bytes is not None and len(data) > max_bytes:
            raise TooLargeError(
                f"{path} at {ref} has more than {max_bytes:,} bytes; it was not written so"
            )
        return bytes(data)

    def write_bytes(
        self, branch: str, path: str, data: bytes, content_type: str = "application/octet-stream"
    ) -> None:
        """Stage one object on a branch."""
        self._transfer.write_bytes(branch, path, data, content_type)

    def write_many(
        self,
        branch: str,
        items: Mapping[str, bytes],
        content_type: str = "application/octet-stream",
    ) -> None:
        """Stage many objects on a branch; on the embedded lake a thousand take two calls."""
        self._transfer.write_many(branch, items, content_type)

    def delete(self, branch: str, paths: Iterable[str]) -> None:
        """Stage the removal of objects; absent ones are no error."""
        ordered = sorted(paths)
        method = self._sdk.objects_api.delete_objects
        for start in range(0, len(ordered), PAGE_SIZE):
            batch = self._models.PathList(paths=ordered[start : start + PAGE_SIZE])
            answer = self.connection.call(method, self.repository, branch, batch)
            for error in answer.errors or ():  # what lakeFS refuses of a batch, it says here
                raise refused(
                    f"delete {error.path} on {branch}", error.status_code, b"", error.message
                )

    def scan(self, ref: str, prefix: str) -> pl.LazyFrame:
        """All Parquet parts under a prefix as one lazy frame.

        Raises:
            NotFoundError: there is no Parquet part under the prefix.
        """
        parts = [item for item in self.objects(ref, prefix) if item.path.endswith(tables.SUFFIX)]
        if not parts:
            raise NotFoundError(f"there is no table under {prefix} at {ref} of {self.repository}")
        return self.scan_parts(ref, parts)

    def scan_parts(self, ref: str, parts: Sequence[ObjectInfo]) -> pl.LazyFrame:
        """Parquet parts of one schema that a ref holds, at least one, as one lazy frame.

        On the embedded lake the files are scanned in place, on a lakeFS over S3 through its S3
        gateway, and anywhere else the API carries their bytes.
        """
        paths = tables.paths_in_place(parts, self.connection.home)
        if paths is not None:
            return tables.scan(paths)
        cleaned = {item.address: item.path for item in self.cleaned().values()}
        places = [
            (refs.PURGED, cleaned[item.address]) if item.address in cleaned else (ref, item.path)
            for item in parts
        ]
        if parts[0].address.startswith("s3://"):
            urls = [f"s3://{self.repository}/{place}/{path}" for place, path in places]
            return tables.scan(urls, gateway_options(self.connection))
        return tables.decode(ObjectAccess.read(self, place, path) for place, path in places)

    def write(self, branch: str, path: str, frame: pl.DataFrame) -> None:
        """Stage a frame as one Parquet object."""
        self.write_bytes(branch, path, tables.encode(frame), tables.CONTENT_TYPE)
