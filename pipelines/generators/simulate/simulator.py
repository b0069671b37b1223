"""The function of a simulator: found by name, file or module, and called with a seed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pipelines.common import optional, plugin_modules
from pipelines.common.errors import GeneratorError, ParamsError, PipelineError
from pipelines.common.plugin_modules import Reference
from pipelines.common.settings import nearest
from pipelines.generators.simulate.settings import SimulateGenerate

PACKAGED: Final[Mapping[str, str]] = {
    "reasoning_gym": "pipelines.generators.simulate.reasoning_questions",
}
"""Modules of the simulators of this package, by name."""
FUNCTION: Final = "simulate"
KIND: Final = "simulator"


@dataclass(frozen=True, slots=True)
class Simulator:
    """A function, and what its module says about it."""

    function: Callable[..., Any]
    reference: str
    source: str
    licence: str | None
    versions: Mapping[str, str]
    """Versions of the libraries that its module names in `LIBRARIES`."""
    arguments: Mapping[str, Any]

    def row(self, seed: int, row: int) -> Mapping[str, Any]:
        """Make a row.

        Args:
            seed: its only chance.
            row: its number, for messages.

        Raises:
            GeneratorError: the function fails, or gives no mapping of columns.
        """
        try:
            made = self.function(seed, **self.arguments)
        except PipelineError:
            raise
        except (Exception, SystemExit) as error:  # a user's code fails in any way
            message = plugin_modules.first_line(error)
            raise GeneratorError(
                f"the simulator {self.reference!r} failed at row {row}, seed {seed}: {message}"
            ) from error
        if not isinstance(made, Mapping):
            raise GeneratorError(
                f"the simulator {self.reference!r} gives {type(made).__name__} at row {row}, seed "
                f"{seed}; it must give a mapping of columns to values"
            )
        return made


def load(settings: SimulateGenerate) -> Simulator:
    """Find the function of a simulator, and hold the arguments against it.

    Raises:
        ParamsError: no function is named, there is none, or it does not take the arguments.
        LibraryError: a simulator of this package needs a library that is not installed.
    """
    reference = _reference(settings)
    module = plugin_modules.module_of(reference, KIND)
    function = _function(settings.function, reference, module)
    versions = _versions(settings.function, module)
    try:
        inspect.signature(function).bind(0, **settings.settings)
    except (TypeError, ValueError) as error:
        raise ParamsError(
            f"generate.simulate.settings do not fit the simulator {settings.function!r}: "
            f"{plugin_modules.first_line(error)}"
        ) from error
    return Simulator(
        function=function,
        reference=settings.function,
        source=settings.source or _said(module, "SOURCE", settings.function) or settings.function,
        licence=settings.licence or _said(module, "LICENCE", settings.function),
        versions=versions,
        arguments=settings.settings,
    )


def source_file(settings: SimulateGenerate) -> Path | None:
    """Return the file of a user's own function; None for one of this package.

    Raises:
        ParamsError: its module cannot be imported.
    """
    if settings.function in PACKAGED or not settings.function:
        return None
    reference = _reference(settings)
    if not reference.is_file:
        plugin_modules.module_of(reference, KIND)
    return plugin_modules.source(reference)


def _said(module: ModuleType, name: str, text: str) -> str | None:
    """Return a text that a module holds; None where it holds none, or an empty one."""
    said = getattr(module, name, None)
    if said is not None and not isinstance(said, str):
        raise ParamsError(f"the simulator {text!r}: {name} must be a text, not {said!r:.60}")
    return said or None


def _versions(text: str, module: ModuleType) -> dict[str, str]:
    """Return the versions of the libraries that a module names."""
    named = getattr(module, "LIBRARIES", ())
    listed = isinstance(named, list | tuple)
    if not listed or not all(each and isinstance(each, str) for each in named):
        raise ParamsError(
            f"the simulator {text!r}: LIBRARIES must be a list of names of packages, such as "
            'LIBRARIES = ["numpy"]'
        )
    if text in PACKAGED:
        optional.check_installed(named, f"rows of {text}", extra="simulators")
    try:
        return {name: metadata.version(name) for name in named}
    except metadata.PackageNotFoundError as error:
        raise ParamsError(
            f"the simulator {text!r}: LIBRARIES names {error.name!r}, and no such package is "
            "installed"
        ) from error


def _reference(settings: SimulateGenerate) -> Reference:
    if not settings.function:
        raise ParamsError(
            "generate.simulate.function is missing; name reasoning_gym, or a function of your own, "
            "such as simulators/dice.py"
        )
    if settings.function in PACKAGED:
        return Reference.of(PACKAGED[settings.function])
    reference = Reference.of(settings.function)
    if reference.is_name:
        raise ParamsError(
            f"there is no simulator {settings.function!r}{nearest(settings.function, PACKAGED)} "
            "(one of your own is named by its file or module, such as ./dice.py)"
        )
    return reference


def _function(text: str, reference: Reference, module: ModuleType) -> Callable[..., Any]:
    name = reference.attribute or FUNCTION
    function = getattr(module, name, None)
    if not callable(function):
        own = [
            each
            for each, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__
        ]
        listed = f"; it has {', '.join(own)}" if own else ""
        raise ParamsError(
            f"the simulator {text!r}: {reference.location} has no function {name}{listed}"
        )
    found: Callable[..., Any] = function
    return found
