"""How bytes reach the lake: written in place on the embedded one, sent through the API elsewhere.

On the embedded lake a client writes a file beside it and lets the server take that over (lakeFS's
staging and linking calls); a thousand small objects take two calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lake import batches, files
from lake.client.connection import SLOW_SECONDS, Connection, sdk_errors_translated
from lake.errors import FullError


class Transfer:
    """Writes the objects of one repository."""

    def __init__(self, connection: Connection, repository: str) -> None:
        """Bind a repository."""
        self._connection = connection
        self._repository = repository

    def write_bytes(self, branch: str, path: str, data: bytes, content_type: str) -> None:
        """Stage one object on a branch.

        Raises:
            FullError: there is no room in the embedded lake.
            LakeError: the lake refuses, or does not answer.
        """
        home = self._connection.home
        if home is None:
            self._upload(branch, path, data, content_type)
        else:
            self._link(home, branch, path, data, content_type)

    def write_many(self, branch: str, items: Mapping[str, bytes], content_type: str) -> None:
        """Stage many objects on a branch.

        Raises:
            FullError: there is no room in the embedded lake.
            LakeError: the lake refuses, or does not answer.
        """
        home = self._connection.home
        if home is None:
            for path, data in items.items():
                self._upload(branch, path, data, content_type)
        else:
            batches.write(partial(self._request_batch, branch), items, content_type, home)

    def _link(self, home: Path, branch: str, path: str, data: bytes, content_type: str) -> None:
        """Write a staged file beside the embedded lake and let the server take it over."""
        api, call = self._connection.sdk.staging_api, self._connection.call
        location = call(api.get_physical_address, self._repository, branch, path)
        file = files.address_path(location.physical_address, home)
        try:
            file.write_bytes(data)
        except OSError as error:
            with suppress(OSError):
                file.unlink(missing_ok=True)
            raise FullError(f"{path} cannot be written into the lake: {error.strerror}") from error
        metadata = self._connection.models.StagingMetadata(
            staging=location, checksum="", size_bytes=len(data), content_type=content_type
        )
        call(
            api.link_physical_address,
            self._repository,
            branch,
            path,
            metadata,
            timeout=SLOW_SECONDS,
        )

    def _request_batch(self, branch: str, method: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  JSON
        """Ask for addresses of many objects (POST), or have the bytes there taken over (PUT)."""
        path = f"/repositories/{self._repository}/branches/{quote(branch)}/staging/batch"
        action = f"write objects on {branch}"
        return self._connection.request_json(method, path, body, action=action)

    def _upload(self, branch: str, path: str, data: bytes, content_type: str) -> None:
        """Send bytes through the API, or to a presigned address where the server offers them."""
        import lakefs  # noqa: PLC0415  slow to import

        client = self._connection.client
        target = lakefs.Branch(self._repository, branch, client=client).object(path)
        with sdk_errors_translated(f"write {path} on {branch}", self._connection.endpoint):
            storage: Any = client.storage_config_by_id(target.storage_id())  # type: ignore[no-untyped-call]
            target.upload(
                data, mode="wb", pre_sign=storage.pre_sign_support, content_type=content_type
            )


def gateway_options(connection: Connection) -> dict[str, str]:
    """Polars storage options for lakeFS's S3 gateway (path style, the lake's own keys)."""
    settings = connection.config
    return {
        "aws_endpoint_url": connection.endpoint,
        "aws_access_key_id": settings.username or "",
        "aws_secret_access_key": settings.password or "",
        "aws_region": "us-east-1",
    }
