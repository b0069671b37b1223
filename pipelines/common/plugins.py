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
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar, cast, runtime_checkable

from lake.files import open_regular, read_text
from pipelines.common import plugin_modules, plugin_protocols
from pipelines.common.errors import ParamsError
from pipelines.common.plugin_modules import Reference
from pipelines.common.settings import StrictModel, nearest

MAX_TEXT_BYTES: Final = 1 << 20
"""Greatest size of a file that a person wrote, such as a prompt."""


class NoSettings(StrictModel):
    """Settings of a plug-in without settings."""


class Plugin(Protocol):
    """What every plug-in has, whatever its kind."""

    name: ClassVar[str]
    """Its name in params.yaml, in messages and in the lake."""
    version: ClassVar[str]
    """Its semantic version, such as `diffusion/1`; raised when output changes for equal input."""
    reads_data: ClassVar[bool] = False
    """Whether the files that it depends on can be tables and folders, instead of texts that a
    person writes."""

    def files(self, settings: Any) -> tuple[Path, ...]:  # noqa: ANN401, ARG002  each has its own
        """Files that the user wrote and that the output depends on, such as a prompt or a rubric.

        Args:
            settings: An instance of the plug-in's own `Settings` class.

        Returns:
            Paths relative to the project's directory. The plug-in's own source file need not be
            named, but modules of the user's that it imports have to be.
        """
        return ()


@runtime_checkable
class ChecksReadiness(Protocol):
    """A plug-in that can say beforehand whether it can run on this machine.

    A scorer or a generator with this method is asked before a round's model is trained or asked.
    """

    def check_ready(self, settings: Any) -> None:  # noqa: ANN401  each has its own
        """Raise one of the project's errors, with a remedy, if something is missing.

        Such as an extra that is not installed, a key of a service, or what isolates programs.
        Nothing is sent, trained or scored.
        """


PluginType = TypeVar("PluginType", bound=Plugin)


@dataclass(frozen=True, slots=True)
class Registry(Generic[PluginType]):
    """All plug-ins of a kind."""

    kind: str
    """Name of the kind in messages, such as "generator"."""
    protocol: str
    """The protocol of the kind, as `module:Class`; imported when it is needed."""
    packaged: Mapping[str, str]
    """The plug-ins of this package: `module:Class` by name, imported when they are needed."""

    def names(self) -> tuple[str, ...]:
        """List the names of the plug-ins of this package, in order."""
        return tuple(self.packaged)

    def find(self, reference: str) -> type[PluginType]:
        """Find the class of a plug-in.

        Args:
            reference: A name, a module or a file, as in the module's docstring.

        Raises:
            ParamsError: The name, module, file or class does not exist, or the class does not
                implement the protocol of the kind.
        """
        parsed = Reference.of(reference)
        if parsed.is_name:
            return self._packaged(reference)
        class_ = plugin_modules.load(parsed, self.kind, self._fits)
        plugin_protocols.check(class_, self._protocol(), f"the {self.kind} {reference!r}")
        plugin_protocols.complete(class_, self._protocol())
        if class_.name in self.packaged:
            raise ParamsError(
                f"the {self.kind} {reference!r} is called {class_.name!r}, as one of Stemma's own "
                f"is; give it another name"
            )
        return cast("type[PluginType]", class_)

    def check_name(self, reference: str) -> None:
        """Check that there is a plug-in, if it is named as one of this package; import none.

        Raises:
            ParamsError: There is none of this name.
        """
        if Reference.of(reference).is_name:
            self._location(reference)

    def load(self, reference: str, *arguments: object) -> PluginType:
        """Make a plug-in that is ready to be used.

        Args:
            reference: As in `find`.
            arguments: Arguments of the classes of the kind; none for most kinds.

        Raises:
            ParamsError: As in `find`, or the class cannot be instantiated.
        """
        class_ = self.find(reference)
        if Reference.of(reference).is_name:
            return class_(*arguments)
        try:
            return class_(*arguments)
        except Exception as error:  # a user's code fails in any way
            message = plugin_modules.first_line(error)
            raise ParamsError(f"the {self.kind} {reference!r} cannot be made: {message}") from error

    def versions(self, references: Iterable[str]) -> dict[str, str]:
        """List versions of plug-ins, by kind and name: {"generator diffusion": "diffusion/1"}.

        Raises:
            ParamsError: As in `find`.
        """
        classes = [self.find(reference) for reference in references]
        return {f"{self.kind} {class_.name}": class_.version for class_ in classes}

    def files(
        self, settings: Mapping[str, object], *arguments: object, method: str = "files"
    ) -> tuple[Path, ...]:
        """List the user's files on which the output of plug-ins depends.

        Args:
            settings: Settings of each plug-in, by its reference.
            arguments: As in `load`.
            method: Name of the plug-ins' method that lists files.

        Returns:
            Distinct paths relative to the project's directory, in order; a file may be missing.

        Raises:
            ParamsError: As in `find`; or the plug-in cannot list its files; or a file is no
                regular file or, of a plug-in of this package, no text that a person writes.
        """
        paths: dict[Path, None] = {}
        for reference, own in settings.items():
            source = self.source(reference)
            plugin = self.load(reference, *arguments)
            named = self._named(reference, plugin, method, own)
            for path in named:
                if not (plugin.reads_data and path.is_dir()):
                    _check(path, text=source is None and not plugin.reads_data)
            paths |= dict.fromkeys([*([] if source is None else [source]), *named])
        return tuple(paths)

    def _named(
        self, reference: str, plugin: PluginType, method: str, settings: object
    ) -> list[Path]:
        """Ask a plug-in for its files."""
        try:
            return [Path(path) for path in getattr(plugin, method)(settings)]
        except Exception as error:
            if Reference.of(reference).is_name:
                raise
            message = plugin_modules.first_line(error)
            raise ParamsError(
                f"{method}() of the {self.kind} {reference!r} failed with {message}"
            ) from error

    def source(self, reference: str) -> Path | None:
        """Find the source file of a user's own plug-in; None for a plug-in of this package.

        Raises:
            ParamsError: As in `find`.
        """
        parsed = Reference.of(reference)
        if parsed.is_name:
            return None
        self.find(reference)
        return plugin_modules.source(parsed)

    def _packaged(self, name: str) -> type[PluginType]:
        return cast("type[PluginType]", plugin_modules.attribute(self._location(name)))

    def _location(self, name: str) -> str:
        """Where the plug-in of this package with a name is, as `module:Class`."""
        if name not in self.packaged:
            suggestion = nearest(name, self.packaged)
            raise ParamsError(
                f"there is no {self.kind} {name!r}{suggestion} (one of your own is named by its "
                f"module or its file, such as my_package.my_module or ./mine.py)"
            )
        return self.packaged[name]

    def _protocol(self) -> type[Any]:
        return cast("type[Any]", plugin_modules.attribute(self.protocol))

    def _fits(self, candidate: type[Any]) -> bool:
        return not plugin_protocols.faults(candidate, self._protocol())


def _check(path: Path, *, text: bool) -> None:
    """Refuse a file that is not what it must be; a missing file is reported where it is read.

    Args:
        path: The file.
        text: Whether it must be a text that a person writes; a user's plug-in may depend on
            weights or tables too.

    Raises:
        ParamsError: The file is no regular file; or no text, or too large for one.
    """
    try:
        if text:
            read_text(path, MAX_TEXT_BYTES)
        else:
            open_regular(path).close()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ParamsError(f"{path} cannot be read: {error.strerror}") from error
