"""The lake as the stages see it: versions through lakeFS's Python SDK, tables as Polars frames.

This is the only module that imports `lakefs` and `lakefs_sdk`. Metadata goes through the API.
Bytes take the shortest way there is: on the embedded lake files are written and scanned in place
(lakeFS's staging and linking calls), on a lakeFS over S3 Polars scans its S3 gateway, and anywhere
else the API carries them. Every foreign error is translated once, in `_translated`.

The SDK and Polars take a second to import, so they are imported where they are used: a command that
only asks for the embedded lake's name does not wait for them.

API: https://docs.lakefs.io/reference/api.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from lake import batches, files, polling, silence, tables
from lake.errors import (
    ConflictError,
    FullError,
    LakeError,
    NotFoundError,
    RangeError,
    TooLargeError,
    UnreachableError,
    refused,
)
from lake.home import LakeHome
from lake.launch import serve_on_demand
from lake.settings import ENDPOINT, Embedded, Remote
from lake.values import Change, Commit, ObjectInfo

if TYPE_CHECKING:
    import lakefs
    import polars as pl

PAGE: Final = 1000
CONNECT: Final = 5.0
"""Seconds to wait for a connection."""
QUICK: Final = 30.0
"""Seconds to wait for an answer that needs no work."""
SLOW: Final = 300.0
"""Seconds to wait for commits, merges with hooks, and bytes to be taken over."""
GONE: Final = 0.5
"""Seconds within which a process that was killed gives its lock back, after its connections."""
ANSWERED: Final = ("get_", "list_", "find_", "log_", "diff_", "commit", "merge_", "cherry_")
"""How the SDK's methods begin that never answer nothing."""
MISREAD: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
"""What the SDK raises where an answer is not what it expects."""


class Lake:
    """One repository of a lake."""

    def __init__(self, client: lakefs.Client, repository: str, home: Path | None = None) -> None:
        """Bind a repository; use `connect` to get one."""
        import lakefs_sdk  # noqa: PLC0415  slow to import

        self._models: Any = lakefs_sdk
        self.repository = repository
        self._client = client
        self._sdk = client.sdk_client
        self._home = home

    # Repositories

    def ensure(self, namespace: str) -> int:
        """Create the repository where it is missing; return its creation in unix seconds."""
        try:
            found = self._call(self._sdk.repositories_api.get_repository, self.repository)
        except NotFoundError:
            wanted = self._models.RepositoryCreation(
                name=self.repository,
                storage_namespace=namespace,
                default_branch="main",
            )
            try:
                found = self._call(self._sdk.repositories_api.create_repository, wanted)
            except ConflictError:  # another clone was faster
                found = self._call(self._sdk.repositories_api.get_repository, self.repository)
        return int(found.creation_date)

    # Branches and tags

    def head(self, branch: str) -> str | None:
        """Commit id that a branch points to, or None when there is no such branch."""
        try:
            found = self._call(self._sdk.branches_api.get_branch, self.repository, branch)
        except NotFoundError:
            return None
        return str(found.commit_id)

    def branches(self, prefix: str = "") -> dict[str, str]:
        """Branch names with their commit ids."""
        pages = self._pages(self._sdk.branches_api.list_branches, self.repository, prefix=prefix)
        return {found.id: found.commit_id for found in pages}

    def set_branch(self, branch: str, commit: str) -> None:
        """Point a branch at a commit, creating it if needed and dropping uncommitted changes.

        A branch that moves is removed and made again; after a crash between, the next call makes
        it.

        Raises:
            ConflictError: another run made the branch meanwhile.
        """
        head = self.head(branch)
        with suppress(NotFoundError):  # another run has removed it meanwhile
            if head == commit:
                reset = self._models.ResetCreation(type="reset")
                self._call(self._sdk.branches_api.reset_branch, self.repository, branch, reset)
                return
            if head is not None:
                self.delete_branch(branch)
        wanted = self._models.BranchCreation(name=branch, source=commit)
        self._call(self._sdk.branches_api.create_branch, self.repository, wanted)

    def delete_branch(self, branch: str) -> None:
        """Remove a branch; its commits stay reachable from whatever else points to them."""
        self._call(self._sdk.branches_api.delete_branch, self.repository, branch)

    def tags(self, prefix: str = "") -> dict[str, str]:
        """Tag names with their commit ids."""
        pages = self._pages(self._sdk.tags_api.list_tags, self.repository, prefix=prefix)
        return {found.id: found.commit_id for found in pages}

    def tag(self, name: str, commit: str) -> None:
        """Create a tag; tags never move."""
        wanted = self._models.TagCreation(id=name, ref=commit)
        self._call(self._sdk.tags_api.create_tag, self.repository, wanted)

    # Commits

    def resolve(self, ref: str) -> Commit:
        """The commit behind a branch, tag, commit id or ref expression."""
        return _commit(self._call(self._sdk.commits_api.get_commit, self.repository, ref))

    def log(self, ref: str, *, first_parent: bool = False) -> Iterator[Commit]:
        """Commits reachable from a ref, newest first."""
        pages = self._pages(
            self._sdk.refs_api.log_commits, self.repository, ref, first_parent=first_parent
        )
        return (_commit(found) for found in pages)

    def commit(self, branch: str, message: str, metadata: Mapping[str, str]) -> Commit:
        """Commit what is staged on a branch; a commit without changes is allowed."""
        wanted = self._models.CommitCreation(
            message=message, metadata=dict(metadata), allow_empty=True
        )
        method = self._sdk.commits_api.commit
        return _commit(self._call(method, self.repository, branch, wanted, wait=SLOW))

    def merge(self, source: str, into: str, message: str, metadata: Mapping[str, str]) -> Commit:
        """Merge a ref into a branch.

        Raises:
            ConflictError: both sides changed the same path, or the branch moved meanwhile.
        """
        wanted = self._models.Merge(message=message, metadata=dict(metadata), allow_empty=True)
        done = self._call(
            self._sdk.refs_api.merge_into_branch,
            self.repository,
            source,
            into,
            merge=wanted,
            wait=SLOW,
        )
        return self.resolve(done.reference)

    def cherry_pick(
        self, branch: str, commit: str, message: str, metadata: Mapping[str, str]
    ) -> Commit:
        """Repeat what a commit changed on another branch.

        Raises:
            ConflictError: the branch changed the same paths.
        """
        overrides = self._models.CommitOverrides(message=message, metadata=dict(metadata))
        wanted = self._models.CherryPickCreation(ref=commit, commit_overrides=overrides)
        return _commit(
            self._call(self._sdk.branches_api.cherry_pick, self.repository, branch, wanted)
        )

    def merge_base(self, source: str, destination: str) -> str:
        """Commit id of the best common ancestor."""
        found = self._call(self._sdk.refs_api.find_merge_base, self.repository, source, destination)
        return str(found.base_commit_id)

    def diff(
        self,
        left: str,
        right: str,
        *,
        prefix: str = "",
        three_dot: bool = True,
        checksums: bool = False,
    ) -> Iterator[Change]:
        """What changed from left to right: since their merge base (three-dot), or as trees.

        With `checksums`, what is added or changed has its checksum.
        """
        pages = self._pages(
            self._sdk.refs_api.diff_refs,
            self.repository,
            left,
            right,
            prefix=prefix,
            type="three_dot" if three_dot else "two_dot",
            include_right_stats=checksums,
        )
        return (
            Change(
                found.path,
                found.type,
                found.size_bytes or 0,
                found.right.checksum if checksums and found.right else None,
            )
            for found in pages
        )

    # Objects

    def objects(self, ref: str, prefix: str = "") -> list[ObjectInfo]:
        """Objects under a prefix, in order of their paths."""
        pages = self._pages(self._sdk.objects_api.list_objects, self.repository, ref, prefix=prefix)
        return [
            ObjectInfo(found.path, found.checksum, found.size_bytes or 0, found.physical_address)
            for found in pages
        ]

    def read(self, ref: str, path: str, most: int | None = None) -> bytes:
        """Bytes of one object.

        Args:
            ref: branch, tag or commit.
            path: of the object.
            most: bytes that it may have; None: any number.

        Raises:
            TooLargeError: it has more.
        """
        get = self._sdk.objects_api.get_object
        part: dict[str, Any] = {} if most is None else {"range": f"bytes=0-{most}"}
        action = f"read {path} at {ref}"
        try:
            found = self._call(get, self.repository, ref, path, action=action, **part)
        except RangeError:  # of an empty object
            return b""
        if most is not None and len(found) > most:
            raise TooLargeError(
                f"{path} at {ref} has more than {most:,} bytes; it was not written so"
            )
        return bytes(found)

    def write_bytes(
        self, branch: str, path: str, data: bytes, content_type: str = "application/octet-stream"
    ) -> None:
        """Stage one object on a branch."""
        if self._home is None:
            self._upload(branch, path, data, content_type)
        else:
            self._link(self._home, branch, path, data, content_type)

    def write_many(
        self,
        branch: str,
        items: Mapping[str, bytes],
        content_type: str = "application/octet-stream",
    ) -> None:
        """Stage many objects on a branch; on the embedded lake a thousand take two calls."""
        if self._home is None:
            for path, data in items.items():
                self._upload(branch, path, data, content_type)
        else:
            batches.write(partial(self._batch, branch), items, content_type, self._home)

    def delete(self, branch: str, paths: Iterable[str]) -> None:
        """Stage the removal of objects; absent ones are no error."""
        wanted = sorted(paths)
        for start in range(0, len(wanted), PAGE):
            batch = self._models.PathList(paths=wanted[start : start + PAGE])
            self._call(self._sdk.objects_api.delete_objects, self.repository, branch, batch)

    # Tables

    def scan(self, ref: str, prefix: str) -> pl.LazyFrame:
        """All Parquet parts under a prefix as one lazy frame.

        Raises:
            NotFoundError: there is no Parquet part under the prefix.
        """
        found = [item for item in self.objects(ref, prefix) if item.path.endswith(tables.SUFFIX)]
        if not found:
            raise NotFoundError(f"there is no table under {prefix} at {ref} of {self.repository}")
        return self.scan_parts(ref, found)

    def scan_parts(self, ref: str, parts: Sequence[ObjectInfo]) -> pl.LazyFrame:
        """Parquet parts of one schema that a ref holds, at least one, as one lazy frame."""
        places = tables.in_place(parts, self._home)
        if places is not None:
            return tables.scan(places)
        if parts[0].address.startswith("s3://"):
            paths = [f"s3://{self.repository}/{ref}/{item.path}" for item in parts]
            return tables.scan(paths, self._gateway())
        return tables.decode(self.read(ref, item.path) for item in parts)

    def write(self, branch: str, path: str, frame: pl.DataFrame) -> None:
        """Stage a frame as one Parquet object."""
        self.write_bytes(branch, path, tables.encode(frame), tables.CONTENT_TYPE)

    # How bytes travel

    def _gateway(self) -> dict[str, str]:
        """Polars storage options for lakeFS's S3 gateway (path style, the lake's own keys)."""
        conf = self._client.config
        return {
            "aws_endpoint_url": self.endpoint,
            "aws_access_key_id": conf.username or "",
            "aws_secret_access_key": conf.password or "",
            "aws_region": "us-east-1",
        }

    def _link(self, home: Path, branch: str, path: str, data: bytes, content_type: str) -> None:
        """Write a staged file beside the embedded lake and let the server take it over."""
        place = self._call(
            self._sdk.staging_api.get_physical_address, self.repository, branch, path
        )
        file = files.address(place.physical_address, home)
        try:
            file.write_bytes(data)
        except OSError as error:
            with suppress(OSError):
                file.unlink(missing_ok=True)
            raise FullError(f"{path} cannot be written into the lake: {error.strerror}") from error
        wanted = self._models.StagingMetadata(
            staging=place,
            checksum="",
            size_bytes=len(data),
            content_type=content_type,
        )
        self._call(
            self._sdk.staging_api.link_physical_address,
            self.repository,
            branch,
            path,
            wanted,
            wait=SLOW,
        )

    def _batch(self, branch: str, verb: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401  JSON
        """Ask for addresses of many objects (POST), or have them taken over (PUT)."""
        api: Any = self._sdk.objects_api.api_client
        headers = {"Content-Type": "application/json"}

        def ask_for_batch(*, _request_timeout: tuple[float, float]) -> Any:  # noqa: ANN401  JSON
            api.update_params_for_auth(headers, [], ["basic_auth"], "", verb, None)
            answer = api.rest_client.request(
                verb,
                f"{self._client.config.host}/repositories/{self.repository}"
                f"/branches/{quote(branch)}/staging/batch",
                headers=headers,
                body=dict(body),
                _request_timeout=_request_timeout,
            )
            return json.loads(answer.data) if answer.data else None

        return self._call(ask_for_batch, action=f"write objects on {branch}", wait=SLOW)

    def _upload(self, branch: str, path: str, data: bytes, content_type: str) -> None:
        """Send bytes through the API, or to a presigned address where the server offers them."""
        import lakefs  # noqa: PLC0415  slow to import

        target = lakefs.Branch(self.repository, branch, client=self._client).object(path)
        with _translated(f"write {path} on {branch}", self.endpoint):
            storage: Any = self._client.storage_config_by_id(target.storage_id())  # type: ignore[no-untyped-call]
            target.upload(
                data, mode="wb", pre_sign=storage.pre_sign_support, content_type=content_type
            )

    # How calls are made

    @property
    def endpoint(self) -> str:
        """Where the lake is asked, without the API's own path."""
        return str(self._client.config.host).removesuffix("/api/v1")

    def _call(
        self,
        method: Callable[..., Any],
        *args: object,
        action: str = "",
        wait: float = QUICK,
        **kwargs: Any,  # noqa: ANN401  the SDK is not typed
    ) -> Any:  # noqa: ANN401  the SDK is not typed
        import urllib3  # noqa: PLC0415  slow to import

        with _translated(action or method.__name__.replace("_", " "), self.endpoint):
            self._follow()
            try:
                return _answer(method, method(*args, **kwargs, _request_timeout=(CONNECT, wait)))
            except urllib3.exceptions.MaxRetryError as error:
                if self._home is None or not silence.may_repeat(method.__name__, error):
                    raise
            self._follow(GONE)  # the embedded server has ended meanwhile
            return _answer(method, method(*args, **kwargs, _request_timeout=(CONNECT, wait)))

    def _follow(self, timeout: float = 0.0) -> None:
        """Turn to where the embedded lake is served now; keys go to no other process.

        Args:
            timeout: Seconds to wait for a process to end that closed its connections already.
        """
        if self._home is None:
            return
        home = LakeHome(self._home)
        before = endpoint = home.serving()
        if before is not None and timeout > 0:
            polling.until(lambda: home.serving() != before, interval=0.01, timeout=timeout)
            endpoint = home.serving()
        url = endpoint.url if endpoint is not None else serve_on_demand(self._home).endpoint
        self._client.config.host = f"{url}/api/v1"

    def _pages(self, method: Callable[..., Any], *args: object, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401
        after = ""
        while True:
            page = self._call(method, *args, **kwargs, after=after, amount=PAGE)
            yield from page.results
            if not page.pagination.has_more:
                return
            if page.pagination.next_offset in {"", after}:
                raise UnreachableError(f"the lake at {self.endpoint} lists without an end")
            after = page.pagination.next_offset


def connect(where: Remote | Embedded, repository: str) -> Lake:
    """Open a repository of a lake, starting the embedded server if it is not running.

    A remote lake is asked at the first call, which raises what that call raises.

    Raises:
        UnreachableError: the embedded server did not start.
        FullError: the embedded lake's directory cannot be written.
    """
    import lakefs  # noqa: PLC0415  slow to import
    import urllib3  # noqa: PLC0415  slow to import

    home = where.home.absolute() if isinstance(where, Embedded) else None
    remote = serve_on_demand(where.home) if isinstance(where, Embedded) else where
    with _translated("connect", remote.endpoint):
        client = lakefs.Client(  # type: ignore[no-untyped-call]
            host=remote.endpoint,
            username=remote.access_key_id,
            password=remote.secret_access_key,
        )
        pools = client.sdk_client.config_api.api_client.rest_client.pool_manager
        pools.connection_pool_kw["timeout"] = urllib3.Timeout(CONNECT, SLOW)
        pools.connection_pool_kw["retries"] = urllib3.Retry(connect=0, read=0, redirect=5, other=0)
    return Lake(client, repository, home)


def _answer(method: Callable[..., Any], found: Any) -> Any:  # noqa: ANN401  the SDK is not typed
    """What a call was answered.

    Raises:
        TypeError: nothing, where there is always something.
    """
    if found is None and method.__name__.startswith(ANSWERED):
        raise TypeError("a call that has an answer has none")
    return found


def _commit(found: Any) -> Commit:  # noqa: ANN401  the SDK is not typed
    return Commit(
        id=found.id,
        parents=tuple(found.parents),
        message=found.message,
        metadata=dict(found.metadata or {}),
        created=int(found.creation_date),
        committer=found.committer,
    )


@contextmanager
def _translated(action: str, endpoint: str) -> Iterator[None]:
    """Turn the SDK's errors into this package's, with their cause kept."""
    import urllib3  # noqa: PLC0415  slow to import
    from lakefs.exceptions import LakeFSException, ServerException  # noqa: PLC0415  slow to import
    from lakefs_sdk.exceptions import ApiException  # noqa: PLC0415  slow to import
    from pydantic.v1 import ValidationError  # noqa: PLC0415  slow to import

    try:
        yield
    except ApiException as error:
        raise refused(action, error.status, error.body, error.reason) from error
    except ServerException as error:
        raise refused(action, error.status_code, error.body, error.reason) from error
    except urllib3.exceptions.HTTPError as error:
        raise UnreachableError(
            f"the lake at {endpoint} does not answer (to {action}: {silence.why(error)}); "
            f"see whether it runs, or correct {ENDPOINT}"
        ) from error
    except LakeFSException as error:
        raise LakeError(f"the lake refused to {action}: {error}") from error
    except (ValidationError, *MISREAD) as error:
        raise UnreachableError(
            f"what answers at {endpoint} is no lakeFS (to {action}); correct {ENDPOINT}"
        ) from error
