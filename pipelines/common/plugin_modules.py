"""References to plug-ins: what they mean, and how the modules of users are imported.

The project's directory is searched last, and only for the import of a module that params.yaml
names: a folder of the user's that is called like a package of ours cannot stand in its place.
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

from lake import files, visible
from pipelines.common.errors import ParamsError


@dataclass(frozen=True, slots=True)
class Reference:
    """A plug-in as params.yaml names it."""

    text: str
    place: str
    """A name, a dotted module or the path of a file."""
    attribute: str | None
    """The class; None: the only one that fits."""

    @classmethod
    def of(cls, text: str) -> Reference:
        """Take a reference apart."""
        place, _, attribute = text.partition(":")
        return cls(text, place, attribute or None)

    @property
    def is_file(self) -> bool:
        """Whether it is the path of a Python file."""
        return self.place.endswith(".py") or "/" in self.place or self.place.startswith(".")

    @property
    def is_name(self) -> bool:
        """Whether it is the name of a plug-in of this package."""
        return not self.is_file and self.attribute is None and "." not in self.place


def load(asked: Reference, kind: str, fits: Callable[[type[Any]], bool]) -> type[Any]:
    """Import the class that a reference means.

    Args:
        asked: a module or a file.
        kind: of plug-in, for sentences.
        fits: says whether a class keeps the kind's protocol.

    Raises:
        ParamsError: there is no such module, file or class, it cannot be imported, or which class
            is meant is not clear.
    """
    module = module_of(asked, kind)
    own = classes(module)
    if asked.attribute is not None:
        found = getattr(module, asked.attribute, None)
        if not isinstance(found, type):
            there = f"; it has {', '.join(own)}" if own else ""
            raise ParamsError(
                f"the {kind} {asked.text!r}: {asked.place} has no class {asked.attribute}{there}"
            )
        return found
    return _only(asked, kind, own, [each for each in own.values() if fits(each)])


def module_of(asked: Reference, kind: str) -> ModuleType:
    """Import the module or the file that a reference names.

    Raises:
        ParamsError: it is not there, or cannot be imported.
    """
    return _from_file(asked, kind) if asked.is_file else _from_module(asked, kind)


def classes(module: ModuleType) -> dict[str, type[Any]]:
    """The classes that a module defines, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    }


def source(asked: Reference) -> Path:
    """The file of a module that was imported, relative to the project's directory if it is there.

    Args:
        asked: as `load` had it.
    """
    if asked.is_file:
        return Path(asked.place)
    place = Path(str(sys.modules[asked.place].__file__))
    root = Path.cwd()
    return place.relative_to(root) if place.is_relative_to(root) else place


def attribute(place: str) -> Any:  # noqa: ANN401  whatever stands there
    """What stands at `module:name` of this package."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def first_line(error: BaseException) -> str:
    """The type of an error and the first line of its message, fit for a terminal."""
    said = next(iter(str(error).splitlines()), "no message")
    return visible.shorten(f"{type(error).__name__}: {said}")


def _only(
    asked: Reference, kind: str, own: dict[str, type[Any]], fitting: list[type[Any]]
) -> type[Any]:
    """The class of a module of which only one can be meant."""
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(each.__name__ for each in fitting)
        raise ParamsError(
            f"the {kind} {asked.text!r} is not clear: {asked.place} holds {names}; name one, as in "
            f"{asked.place}:{fitting[0].__name__}"
        )
    named = [each for each in own.values() if isinstance(getattr(each, "version", None), str)]
    if len(named or own) == 1:
        return (named or list(own.values()))[0]  # what it lacks is said by who checks it
    raise ParamsError(
        f"the {kind} {asked.text!r}: {asked.place} holds no class that is a {kind}; write one, or "
        f"name it as in {asked.place}:Mine"
    )


def _from_module(asked: Reference, kind: str) -> ModuleType:
    try:
        with _project_last():
            return importlib.import_module(asked.place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{asked.place}.".startswith(f"{error.name}."):
            raise _broken(asked, kind, error) from error
        raise ParamsError(
            f"the {kind} {asked.text!r}: there is no module {error.name!r}, neither installed nor "
            f"in {Path.cwd()}; a file is named by its path, such as ./mine.py"
        ) from error
    except (Exception, SystemExit) as error:
        raise _broken(asked, kind, error) from error


def _from_file(asked: Reference, kind: str) -> ModuleType:
    """The module of a file, imported anew when its bytes have changed."""
    place = Path(asked.place)
    try:
        data = files.read_bytes(place)
    except OSError as error:
        raise ParamsError(
            f"the {kind} {asked.text!r}: {place} cannot be read: {error.strerror}"
        ) from error
    digest = hashlib.sha256(str(place.resolve()).encode() + b"\0" + data).hexdigest()
    name = f"_stemma_plugin_{place.stem}_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(place.resolve())
    sys.modules[name] = module
    try:
        with _project_last():
            exec(compile(data, str(place), "exec"), module.__dict__)  # noqa: S102  the user's own
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _broken(asked, kind, error) from error
    return module


def _broken(asked: Reference, kind: str, error: BaseException) -> ParamsError:
    return ParamsError(f"the {kind} {asked.text!r} cannot be imported: {first_line(error)}")


@contextlib.contextmanager
def _project_last() -> Iterator[None]:
    """Search the project's directory after everything else, for the time of an import."""
    before = list(sys.path)
    sys.path.append(str(Path.cwd()))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
