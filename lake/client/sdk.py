"""The lakeFS SDK, imported part by part, without the checks of arguments that nobody asks for.

The SDK's packages import all of their 150 modules, of which a command needs a dozen, and build
every model of pydantic 1. Its methods let pydantic check their arguments, and build a model for
each of the 292 when they are imported. Together that was a third of what a short command takes. So
a package of the SDK is executed when somebody asks for a name that it has not imported yet, and a
check is built when it is first asked for, if ever: `Connection` calls what lies behind it.
https://docs.pydantic.dev/1.10/usage/validation_decorator/
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

ROOT: Final = "lakefs_sdk"
MODELS: Final = f"{ROOT}.models"
PACKAGES: Final = (ROOT, f"{ROOT}.api", MODELS)
"""The packages that are executed when they are asked for, each after the one that it is in."""
_IMPORTING: Final = threading.RLock()
_INITIALS: Final = re.compile(r"(?<!^)(?=[A-Z])")


class Apis:
    """The SDK's APIs over one client, such as `objects_api`; each is imported when it is used."""

    def __init__(self, api_client: Any) -> None:  # noqa: ANN401  the SDK is not typed
        """Take over the client that sends the requests, an `ApiClient` of the SDK."""
        self.api_client = api_client

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  the SDK is not typed
        """Import the API of this name.

        Raises:
            AttributeError: the SDK has no such API.
        """
        if not name.endswith("_api"):
            raise AttributeError(name)
        class_ = "".join(map(str.capitalize, name.split("_")))
        api = getattr(part(f"api.{name}"), class_)(self.api_client)
        setattr(self, name, api)
        return api


def load() -> None:
    """Make the SDK's packages known; whoever imports them afterwards has them from here."""
    with _IMPORTING:
        if ROOT not in sys.modules:
            for package in PACKAGES:
                _make_known(package)


def part(name: str) -> ModuleType:
    """Import a module of the SDK, such as `api_client`, and none that it does not need.

    Raises:
        AttributeError: there is no such module.
    """
    load()
    with _IMPORTING, checks_built_when_called():
        try:
            return importlib.import_module(f"{ROOT}.{name}")
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith(ROOT):
                raise
            raise AttributeError(f"the lakeFS SDK has no module {name}") from error


@contextmanager
def checks_built_when_called() -> Iterator[None]:
    """Let what is imported take a decorator that builds its check at the first call."""
    from pydantic import v1  # noqa: PLC0415  slow to import

    check = v1.validate_arguments

    def lazily(function: Callable[..., Any]) -> Callable[..., Any]:
        built = functools.cache(lambda: check(function))

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as the SDK's own
            return built()(*args, **kwargs)

        vars(checked)["raw_function"] = function
        return checked

    v1.validate_arguments = lazily  # type: ignore[assignment]
    try:
        yield
    finally:
        v1.validate_arguments = check


def _make_known(package: str) -> None:
    """Enter a package among the modules without executing it; a name that it lacks does that."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"the package {package} is not installed", name=package)
    module = importlib.util.module_from_spec(spec)
    vars(module)["__getattr__"] = functools.partial(_asked_for, module)
    sys.modules[package] = module
    parent, _, child = package.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def _asked_for(module: ModuleType, name: str) -> Any:  # noqa: ANN401  the SDK is not typed
    """The value of a name that a package of the SDK has not imported yet.

    A module, and a class that has a module of its own, are imported alone; for every other name the
    package is executed.

    Raises:
        AttributeError: the package has no such name.
    """
    if name.startswith("__") and name != "__version__":
        raise AttributeError(name)  # asked by whoever looks at every module there is
    with _IMPORTING, checks_built_when_called():
        file = _INITIALS.sub("_", name).lower()
        if importlib.util.find_spec(f"{module.__name__}.{file}") is not None:
            found = importlib.import_module(f"{module.__name__}.{file}")
            if name == file or hasattr(found, name):
                vars(module)[name] = found if name == file else getattr(found, name)
                return vars(module)[name]
        if vars(module).pop("__getattr__", None) is not None:
            loader = module.__spec__.loader if module.__spec__ else None
            if loader is not None:
                loader.exec_module(module)
        return getattr(module, name)
