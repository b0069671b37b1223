"""Resolve references to plug-ins, and import the modules of users.

The project's directory is searched last, and only for the import of a module that params.yaml
names. So a user's folder with the name of one of our packages cannot replace that package.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from lake import files, visible
from pipelines.common.errors import ParamsError


@dataclass(frozen=True, slots=True)
class Reference:
    """A plug-in as params.yaml names it."""

    text: str
    location: str
    """A name, a dotted module or the path of a file."""
    attribute: str | None
    """The class; None: the only one that fits."""

    @classmethod
    def of(cls, text: str) -> Reference:
        """Parse a reference."""
        location, _, attribute = text.partition(":")
        return cls(text, location, attribute or None)

    @property
    def is_file(self) -> bool:
        """Whether it is the path of a Python file."""
        return (
            self.location.endswith(".py") or "/" in self.location or self.location.startswith(".")
        )

    @property
    def is_name(self) -> bool:
        """Whether it is the name of a plug-in of this package."""
        return not self.is_file and self.attribute is None and "." not in self.location


def load(reference: Reference, kind: str, fits: Callable[[type[Any]], bool]) -> type[Any]:
    """Import the class that a reference names.

    Args:
        reference: A module or a file.
        kind: Kind of the plug-in, for messages.
        fits: Whether a class implements the protocol of the kind.

    Raises:
        ParamsError: The module, file or class does not exist, it cannot be imported, or the
            reference is ambiguous.
    """
    module = module_of(reference, kind)
    own = classes(module)
    if reference.attribute is not None:
        class_ = getattr(module, reference.attribute, None)
        if not isinstance(class_, type):
            there = f"; it has {', '.join(own)}" if own else ""
            raise ParamsError(
                f"the {kind} {reference.text!r}: {reference.location} has no class "
                f"{reference.attribute}{there}"
            )
        return class_
    return _only(reference, kind, own, [class_ for class_ in own.values() if fits(class_)])


def module_of(reference: Reference, kind: str) -> ModuleType:
    """Import the module or the file that a reference names.

    Raises:
        ParamsError: It does not exist, or cannot be imported.
    """
    return _from_file(reference, kind) if reference.is_file else _from_module(reference, kind)


def classes(module: ModuleType) -> dict[str, type[Any]]:
    """List the classes that a module defines, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    }


def source(reference: Reference) -> Path:
    """Find the source file of an imported module, relative to the project's directory if inside.

    Args:
        reference: The reference that `load` has imported.

    Raises:
        ParamsError: The module has no file, as a folder without `__init__.py` or a part of Python.
    """
    if reference.is_file:
        return Path(reference.location)
    file = getattr(sys.modules[reference.location], "__file__", None)
    if file is None:
        raise ParamsError(
            f"{reference.text!r}: the module {reference.location} has no file whose changes could "
            "be noticed; name one that has"
        )
    path = Path(file)
    root = Path.cwd()
    return path.relative_to(root) if path.is_relative_to(root) else path


def attribute(location: str) -> Any:  # noqa: ANN401  an object of any type
    """Import `module:name` of this package."""
    module, _, name = location.partition(":")
    return getattr(importlib.import_module(module), name)


def first_line(error: BaseException) -> str:
    """Write the type of an error and the first line of its message, fit for a terminal."""
    try:
        message = next(iter(str(error).splitlines()), "no message")
    except Exception:  # noqa: BLE001  a user's code fails in any way, in its messages too
        message = "no message"
    return visible.shorten(f"{type(error).__name__}: {message}")


def _only(
    reference: Reference, kind: str, own: dict[str, type[Any]], fitting: list[type[Any]]
) -> type[Any]:
    """Choose the only class of a module that the reference can mean."""
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(class_.__name__ for class_ in fitting)
        raise ParamsError(
            f"the {kind} {reference.text!r} is not clear: {reference.location} holds {names}; "
            f"name one, as in {reference.location}:{fitting[0].__name__}"
        )
    named = [class_ for class_ in own.values() if isinstance(getattr(class_, "version", None), str)]
    if len(named or own) == 1:
        return (named or list(own.values()))[0]  # the caller checks it and says what it lacks
    raise ParamsError(
        f"the {kind} {reference.text!r}: {reference.location} holds no class that is a "
        f"{kind}; write one, or name it as in {reference.location}:Mine"
    )


def _from_module(reference: Reference, kind: str) -> ModuleType:
    try:
        with _project_last():
            return _with_models(importlib.import_module(reference.location))
    except ModuleNotFoundError as error:
        if error.name is None or not f"{reference.location}.".startswith(f"{error.name}."):
            raise _broken(reference, kind, error) from error
        raise ParamsError(
            f"the {kind} {reference.text!r}: there is no module {error.name!r}, neither "
            f"installed nor in {Path.cwd()}; a file is named by its path, such as ./mine.py"
        ) from error
    except (Exception, SystemExit) as error:
        raise _broken(reference, kind, error) from error


def _from_file(reference: Reference, kind: str) -> ModuleType:
    """Import a file as a module, again when its bytes have changed."""
    path = Path(reference.location)
    try:
        data = files.read_bytes(path)
    except OSError as error:
        raise ParamsError(
            f"the {kind} {reference.text!r}: {path} cannot be read: {error.strerror}"
        ) from error
    digest = hashlib.sha256(str(path.resolve()).encode() + b"\0" + data).hexdigest()
    name = f"_stemma_plugin_{path.stem}_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path.resolve())
    sys.modules[name] = module
    try:
        with _project_last():
            exec(compile(data, str(path), "exec"), module.__dict__)  # noqa: S102  the user's own
            return _with_models(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _broken(reference, kind, error) from error


def _with_models(module: ModuleType) -> ModuleType:
    """Build the settings classes of a module now, so that a wrong one is a fault of the module.

    Raises:
        PydanticUserError: A field's type or default is none that settings can have.
    """
    for class_ in classes(module).values():
        if issubclass(class_, BaseModel) and class_.model_config.get("defer_build"):
            class_.model_rebuild()
    return module


def _broken(reference: Reference, kind: str, error: BaseException) -> ParamsError:
    return ParamsError(f"the {kind} {reference.text!r} cannot be imported: {first_line(error)}")


@contextlib.contextmanager
def _project_last() -> Iterator[None]:
    """Search the project's directory after everything else during an import."""
    before = list(sys.path)
    sys.path.append(str(Path.cwd()))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
