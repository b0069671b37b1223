"""Plug-ins: one class behind a protocol for each kind, found by name, by module or by file.

Sources, modalities, generators, scorers, metrics, downstream tasks and checks of the guard are
plug-ins. Each kind has a protocol, which is the class's whole contract, and a registry, which finds
a class by its reference:

    diffusion                     a plug-in of this package, by its name
    my_package.my_module          the only plug-in of the kind that a module holds
    my_package.my_module:Mine     one class of it
    generators/mine.py            the same of a file, `./mine.py:Mine` with its class

A plug-in of this package is known by its semantic version (`diffusion/1`), which is raised when
its output changes for equal input. A user's own is known by the bytes of its file as well, so
`Registry.files` names that file beside those on which the plug-in says that its output depends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar, cast

from lake import files as local
from pipelines.common import plugin_modules, plugin_protocols
from pipelines.common.errors import ParamsError
from pipelines.common.plugin_modules import Reference
from pipelines.common.settings import StrictModel, nearest

MOST: Final = 1 << 20
"""Bytes of a file that a person wrote, such as a prompt."""


class NoSettings(StrictModel):
    """Settings of a plug-in that has none."""


class Plugin(Protocol):
    """What every plug-in has, whatever its kind."""

    name: ClassVar[str]
    """What it is called in params.yaml, in messages and in the lake."""
    version: ClassVar[str]
    """Its semantic version, such as `diffusion/1`; raised when output changes for equal input."""

    def files(self, settings: Any) -> tuple[Path, ...]:  # noqa: ANN401, ARG002  each has its own
        """Files that the user wrote and that the output depends on, such as a prompt or a rubric.

        Args:
            settings: the plug-in's own, as its `Settings` class holds them.

        Returns:
            Paths relative to the project's directory. The plug-in's own source file need not be
            named, but modules of the user's that it imports have to be.
        """
        return ()


Kind = TypeVar("Kind", bound=Plugin)


@dataclass(frozen=True, slots=True)
class Registry(Generic[Kind]):
    """All plug-ins of a kind."""

    kind: str
    """As sentences call it, such as "generator"."""
    protocol: str
    """The protocol of the kind, as `module:Class`; imported when it is needed."""
    packaged: Mapping[str, str]
    """The plug-ins of this package: `module:Class` by name, imported when they are needed."""

    def names(self) -> tuple[str, ...]:
        """Names of the plug-ins of this package, in order."""
        return tuple(self.packaged)

    def find(self, reference: str) -> type[Kind]:
        """The class of a plug-in.

        Args:
            reference: a name, a module or a file, as in the module's docstring.

        Raises:
            ParamsError: there is no such name, module, file or class, or the class does not keep
                the protocol of the kind.
        """
        asked = Reference.of(reference)
        if asked.is_name:
            return self._packaged(reference)
        found = plugin_modules.load(asked, self.kind, self._fits)
        plugin_protocols.check(found, self._protocol(), f"the {self.kind} {reference!r}")
        if found.name in self.packaged:
            raise ParamsError(
                f"the {self.kind} {reference!r} is called {found.name!r}, as one of Stemma's own "
                f"is; give it another name"
            )
        return cast("type[Kind]", found)

    def load(self, reference: str, *arguments: object) -> Kind:
        """A plug-in that is ready to be used.

        Args:
            reference: as in `find`.
            arguments: what the classes of the kind are made with; nothing for most kinds.

        Raises:
            ParamsError: as in `find`, or the class cannot be made.
        """
        found = self.find(reference)
        if Reference.of(reference).is_name:
            return found(*arguments)
        try:
            return found(*arguments)
        except Exception as error:  # code of a user's fails in any way
            said = plugin_modules.first_line(error)
            raise ParamsError(f"the {self.kind} {reference!r} cannot be made: {said}") from error

    def versions(self, references: Iterable[str]) -> dict[str, str]:
        """Semantic versions of plug-ins, by kind and name: {"generator diffusion": "diffusion/1"}.

        Raises:
            ParamsError: as in `find`.
        """
        found = (self.find(each) for each in references)
        return {f"{self.kind} {each.name}": each.version for each in found}

    def files(
        self, settings: Mapping[str, object], *arguments: object, method: str = "files"
    ) -> tuple[Path, ...]:
        """Files of the user's on which the output of plug-ins depends; none of this package.

        Args:
            settings: each plug-in's own settings, by its reference.
            arguments: as in `load`.
            method: of the plug-ins that names files.

        Returns:
            Paths relative to the project's directory, in order, each once; one may be missing.

        Raises:
            ParamsError: as in `find`; or one of the files is no regular file, no text, or larger
                than what a person writes.
        """
        found: dict[Path, None] = {}
        for reference, own in settings.items():
            source = self.source(reference)
            named: Iterable[Path] = getattr(self.load(reference, *arguments), method)(own)
            found |= dict.fromkeys([*([] if source is None else [source]), *map(Path, named)])
        for place in found:
            _check_text(place)
        return tuple(found)

    def source(self, reference: str) -> Path | None:
        """The file of a user's own plug-in; None: it is one of this package.

        Raises:
            ParamsError: as in `find`.
        """
        asked = Reference.of(reference)
        if asked.is_name:
            return None
        self.find(reference)
        return plugin_modules.source(asked)

    def _packaged(self, name: str) -> type[Kind]:
        if name not in self.packaged:
            known = nearest(name, self.packaged)
            raise ParamsError(
                f"there is no {self.kind} {name!r}{known} (one of your own is named by its module "
                f"or its file, such as my_package.my_module or ./mine.py)"
            )
        return cast("type[Kind]", plugin_modules.attribute(self.packaged[name]))

    def _protocol(self) -> type[Any]:
        return cast("type[Any]", plugin_modules.attribute(self.protocol))

    def _fits(self, candidate: type[Any]) -> bool:
        return not plugin_protocols.faults(candidate, self._protocol())


def _check_text(place: Path) -> None:
    """Refuse a file that no person wrote; one that is missing is told of by who reads it.

    Raises:
        ParamsError: it is no regular file, no text, or too large.
    """
    try:
        local.read_text(place, MOST)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ParamsError(f"{place} cannot be read: {error.strerror}") from error
