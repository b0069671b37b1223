"""Calls of the lakeFS API through its SDK: time limits, one retry, pages, and translated errors.

Every error of the SDK is translated once, in `sdk_errors_translated`.

The SDK takes long to import, so it is imported where it is used, and of it what is used: a command
that only asks for the embedded lake's name does not wait for it.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lake import polling
from lake.client import sdk, transport_errors
from lake.client.commit_answers import CommitAnswers
from lake.client.records import Line, Page
from lake.errors import LakeError, UnreachableError, refused
from lake.home import LakeHome
from lake.launch import serve_on_demand
from lake.settings import ENDPOINT, Remote

if TYPE_CHECKING:
    import lakefs

PAGE_SIZE: Final = 1000
CONNECT_SECONDS: Final = 5.0
"""Time limit for a connection."""
QUICK_SECONDS: Final = 30.0
"""Time limit for a response that needs no work."""
SLOW_SECONDS: Final = 300.0
"""Time limit for commits, merges with hooks, and bytes to be taken over."""
KILLED_SECONDS: Final = 0.5
"""Time within which a process that was killed gives its lock back, after its connections."""
_HAVE_RESULTS: Final = (
    *("get_", "list_", "find_", "log_", "diff_", "commit", "merge_", "cherry_"),
)
"""How the names of the SDK's methods begin that always return something."""
_UNEXPECTED: Final = (
    *(ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError),
)
"""What the SDK raises where a response is not what it expects."""
API_PATH: Final = "/api/v1"
CLIENT_HEADER: Final = ("X-Lakefs-Client", "python-lakefs")
"""Header by which the wrapper of the SDK names itself to the server."""
Parse = Callable[[bytes], Any]


class Connection:
    """A connection to a lake, which follows an embedded server to where it is served now."""

    def __init__(self, api_client: Any, home: Path | None) -> None:  # noqa: ANN401  the SDK is not typed
        """Take over an `ApiClient` of the SDK, and the directory of an embedded lake."""
        self.models: Any = sdk.part("models")
        self.config: Any = api_client.configuration
        self.sdk: Any = sdk.Apis(api_client)
        self.home = home
        self._client: lakefs.Client | None = None
        self._making = threading.Lock()
        self.answers: CommitAnswers | None = None
        """What was answered about commits; None: everything is asked again."""

    @property
    def endpoint(self) -> str:
        """Address of the lake, without the API's own path."""
        return str(self.config.host).removesuffix(API_PATH)

    @property
    def client(self) -> lakefs.Client:
        """The same lake for the wrapper of the SDK, which uploads; it imports all of the SDK."""
        with self._making:  # of several threads one makes it
            if self._client is None:
                import lakefs  # noqa: PLC0415  slow to import

                self._client = lakefs.Client(  # type: ignore[no-untyped-call]
                    host=self.config.host,
                    username=self.config.username,
                    password=self.config.password,
                )
                _limit(self._client.sdk_client.config_api.api_client)
        self._client.config.host = self.config.host
        return self._client

    def call(
        self,
        method: Callable[..., Any],
        *args: object,
        action: str = "",
        timeout: float = QUICK_SECONDS,
        parse: Parse | None = None,
        **kwargs: Any,  # noqa: ANN401  the SDK is not typed
    ) -> Any:  # noqa: ANN401  the SDK is not typed
        """Call a method of the SDK; on the embedded lake once more where that can do no harm.

        Args:
            method: of one of the SDK's APIs.
            *args: its arguments.
            action: what it does, for a message; its name when empty.
            timeout: seconds to wait for the response.
            parse: reads the response's body, in place of the SDK's own models.
            **kwargs: its arguments by name.

        Raises:
            LakeError: the lake refuses, or does not answer.
        """

        def ask() -> Any:  # noqa: ANN401  the SDK is not typed
            return self._call(
                method, args, kwargs, action=action or method.__name__.replace("_", " "),
                timeout=timeout, parse=parse,
            )  # fmt: skip

        return ask() if self.answers is None else self.answers.ask(method, args, kwargs, ask)

    def _call(
        self,
        method: Callable[..., Any],
        args: tuple[object, ...],
        kwargs: Mapping[str, Any],
        *,
        action: str,
        timeout: float,
        parse: Parse | None,
    ) -> Any:  # noqa: ANN401  the SDK is not typed
        import urllib3  # noqa: PLC0415  slow to import

        with sdk_errors_translated(action, self.endpoint):
            self._follow()
            limits = (CONNECT_SECONDS, timeout)
            request = _unchecked(method, parse)
            try:
                return _checked(method, request(*args, **kwargs, _request_timeout=limits))
            except (urllib3.exceptions.MaxRetryError, urllib3.exceptions.ProtocolError) as error:
                if self.home is None or not transport_errors.may_retry(method.__name__, error):
                    raise
            self._follow(KILLED_SECONDS)  # the embedded server has ended meanwhile
            return _checked(method, request(*args, **kwargs, _request_timeout=limits))

    def pages(
        self,
        method: Callable[..., Any],
        listing: type[Page[Line]],
        *args: object,
        **kwargs: Any,  # noqa: ANN401  the SDK is not typed
    ) -> Iterator[Line]:
        """All lines of a listing, read page by page.

        Args:
            method: of one of the SDK's APIs.
            listing: what a page is.
            *args: arguments of the method.
            **kwargs: its arguments by name.

        Raises:
            UnreachableError: the pages do not end.
        """
        after = ""
        while True:
            more = {**kwargs, "after": after, "amount": PAGE_SIZE}
            page = self.call(method, *args, parse=listing.model_validate_json, **more)
            yield from page.results
            if not page.pagination.has_more:
                return
            if page.pagination.next_offset in {"", after}:
                raise UnreachableError(f"the lake at {self.endpoint} lists without an end")
            after = page.pagination.next_offset

    def request_json(self, method: str, path: str, body: Mapping[str, Any], *, action: str) -> Any:  # noqa: ANN401  JSON
        """Make a request that the SDK has no method for.

        Args:
            method: HTTP method.
            path: below the API's own path.
            body: JSON object to send.
            action: what the request does, for a message.

        Raises:
            LakeError: the lake refuses, or does not answer.
        """
        api = self.sdk.api_client
        headers = {"Content-Type": "application/json"}

        def request(*, _request_timeout: tuple[float, float]) -> Any:  # noqa: ANN401  JSON
            api.update_params_for_auth(headers, [], ["basic_auth"], "", method, None)
            response = api.rest_client.request(
                method,
                f"{self.config.host}{path}",
                headers=headers,
                body=dict(body),
                _request_timeout=_request_timeout,
            )
            return json.loads(response.data) if response.data else None

        return self.call(request, action=action, timeout=SLOW_SECONDS)

    def _follow(self, timeout: float = 0.0) -> None:
        """Turn to where the embedded lake is served now; keys go to no other process.

        Args:
            timeout: seconds to wait for a process to end that closed its connections already.
        """
        if self.home is None:
            return
        home = LakeHome(self.home)
        before = serving = home.serving()
        if before is not None and timeout > 0:
            polling.until(lambda: home.serving() != before, interval=0.01, timeout=timeout)
            serving = home.serving()
        url = serving.url if serving is not None else serve_on_demand(self.home).endpoint
        self.config.host = f"{url}{API_PATH}"


def open_connection(remote: Remote, home: Path | None) -> Connection:
    """Make a connection; nothing is asked yet.

    Args:
        remote: address and credentials.
        home: directory of the lake if it is the embedded one.

    Raises:
        LakeError: the address or the credentials are not valid.
    """
    with sdk_errors_translated("connect", remote.endpoint):
        config = sdk.part("configuration").Configuration(
            host=_api_address(remote.endpoint),
            username=remote.access_key_id,
            password=remote.secret_access_key,
        )
        api_client = sdk.part("api_client").ApiClient(config, *CLIENT_HEADER)
        _limit(api_client)
    return Connection(api_client, home)


def _api_address(endpoint: str) -> str:
    """The address of the API at an endpoint, as the wrapper of the SDK completes it."""
    import urllib3  # noqa: PLC0415  slow to import

    whole = endpoint if endpoint.startswith(("http://", "https://")) else f"http://{endpoint}"
    try:
        address = urllib3.util.parse_url(whole)
    except ValueError:
        return whole  # the first request says what is wrong
    return whole if address.path not in {None, "", "/"} else address._replace(path=API_PATH).url


def _limit(api_client: Any) -> None:  # noqa: ANN401  the SDK is not typed
    """Give the connections of a client of the SDK their time limits; none retries by itself."""
    import urllib3  # noqa: PLC0415  slow to import

    pools = api_client.rest_client.pool_manager
    pools.connection_pool_kw["timeout"] = urllib3.Timeout(CONNECT_SECONDS, SLOW_SECONDS)
    pools.connection_pool_kw["retries"] = urllib3.Retry(connect=0, read=0, redirect=5, other=0)


def _unchecked(method: Callable[..., Any], parse: Parse | None) -> Callable[..., Any]:
    """The method of the SDK behind its two checks of the arguments, which are of the right types.

    Each check builds a model of pydantic 1, and both together take a third of a short call's time.
    pydantic keeps the checked function as `raw_function`:
    https://docs.pydantic.dev/1.10/usage/validation_decorator/#raw-function

    Args:
        method: of one of the SDK's APIs.
        parse: as `Connection.call` has it.
    """
    api = getattr(method, "__self__", None)
    checked = getattr(type(api), f"{method.__name__}_with_http_info", None)
    raw = getattr(checked, "raw_function", None)
    if raw is None:
        return method
    if parse is None:
        return partial(raw, api, _return_http_data_only=True)
    return lambda *args, **kwargs: parse(raw(api, *args, **kwargs, _preload_content=False).raw_data)


def _checked(method: Callable[..., Any], result: Any) -> Any:  # noqa: ANN401  the SDK is not typed
    """The result of a call.

    Raises:
        TypeError: there is no result where there always is one.
    """
    if result is None and method.__name__.startswith(_HAVE_RESULTS):
        raise TypeError("a call that returns a result returned nothing")
    return result


@contextmanager
def sdk_errors_translated(action: str, endpoint: str) -> Iterator[None]:
    """Turn the SDK's errors into this package's, with their cause kept."""
    import urllib3  # noqa: PLC0415  slow to import
    from pydantic.v1 import ValidationError  # noqa: PLC0415  slow to import

    try:
        yield
    except sdk.part("exceptions").ApiException as error:
        raise refused(action, error.status, error.body, error.reason) from error
    except _of_wrapper("ServerException") as error:
        raise refused(action, error.status_code, error.body, error.reason) from error
    except urllib3.exceptions.HTTPError as error:
        raise UnreachableError(
            f"the lake at {endpoint} does not answer (to {action}: "
            f"{transport_errors.reason(error)}); see whether it runs, or correct {ENDPOINT}"
        ) from error
    except _of_wrapper("LakeFSException") as error:
        raise LakeError(f"the lake refused to {action}: {error}") from error
    except (ValidationError, *_UNEXPECTED) as error:
        raise UnreachableError(
            f"what answers at {endpoint} is no lakeFS (to {action}); correct {ENDPOINT}"
        ) from error


def _of_wrapper(name: str) -> Any:  # noqa: ANN401  the SDK is not typed
    """A class of errors of the wrapper of the SDK; none while nobody has imported the wrapper."""
    loaded = sys.modules.get("lakefs.exceptions")
    return () if loaded is None else getattr(loaded, name)
