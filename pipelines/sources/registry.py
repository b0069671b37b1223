"""Sources by name, by module or by file; a table or a folder of images is named by its path.

What stands at a path of the project is meant first, so that a folder may be called as one of
Stemma's own sources is.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from pipelines.common import plugin_modules
from pipelines.common.errors import DataError, ParamsError
from pipelines.common.plugin_modules import Reference
from pipelines.common.plugins import NoSettings, Registry
from pipelines.common.settings import StrictModel, parse
from pipelines.sources import folders
from pipelines.sources.folder_walk import TABLES
from pipelines.sources.function_source import of_function
from pipelines.sources.protocol import Source
from pipelines.sources.remote import listing

if TYPE_CHECKING:
    pass

SOURCES: Final[Registry[Source[Any]]] = Registry(
    "source",
    "pipelines.sources.protocol:Source",
    {
        "dialogue": "pipelines.sources.dialogue:Dialogue",
        "digits": "pipelines.sources.digits:Digits",
        "huggingface": "pipelines.sources.huggingface:HuggingFace",
    },
)
FORMER: Final[Mapping[str, str]] = {
    f"pipelines/sources/{name}.py": name for name in SOURCES.names()
}
"""What params.yaml called Stemma's own sources before they had names."""
TABLE: Final = "table/2"
"""Semantic version of how tables are read."""
CROISSANT: Final = "croissant/1"
"""Semantic version of how Croissant descriptions are read."""
FOLDER: Final = "folder/2"
"""Semantic version of how folders of images are read."""


def plugin(source: str) -> str | None:
    """Return the plug-in reference of a source; None for a table, a folder or nothing.

    Args:
        source: what params.yaml says.

    Raises:
        DataError: what stands there cannot be told.
    """
    if source in FORMER:
        return FORMER[source]
    if listing.is_remote(source) or folders.is_pattern(source) or _describes(source):
        return None
    parsed = Reference.of(source)
    mode = folders.mode_of(parsed.location)
    if mode is not None:
        return source if parsed.location.endswith(".py") and stat.S_ISREG(mode) else None
    if source in SOURCES.names():
        return source
    dotted = not parsed.is_file and not parsed.location.endswith(TABLES) and not parsed.is_name
    return source if dotted else None


def find(reference: str) -> type[Source[Any]]:
    """Load the class of a source; a module with `load()` is wrapped in one.

    Args:
        reference: what `plugin` gave.

    Raises:
        DataError: it is not there, cannot be imported or does not keep the protocol.
    """
    parsed = Reference.of(reference)
    try:
        if not parsed.is_name and parsed.attribute is None:
            module = plugin_modules.module_of(parsed, "source")
            if callable(getattr(module, "load", None)):
                return _of_module(module, parsed)
            if not plugin_modules.classes(module):
                raise DataError(
                    f"{parsed.location} has no function load(), and no class of a source"
                )
        return SOURCES.find(reference)
    except ParamsError as error:
        raise DataError(str(error)) from error


def settings(source: str, given: Mapping[str, Any]) -> StrictModel:
    """Parse the settings of a source.

    Raises:
        DataError: as `find`.
        ParamsError: a key is wrong; or there are settings, and it is no plug-in.
    """
    reference = plugin(source)
    model = NoSettings if reference is None else find(reference).Settings
    own: StrictModel = parse(model, dict(given), "ingest.settings")
    return own


def versions(source: str) -> dict[str, str]:
    """Return the semantic versions of what reads a source, by kind and name.

    Raises:
        DataError: as `find`.
    """
    reference = plugin(source)
    if reference is not None:
        class_ = find(reference)
        return {f"source {class_.name}": class_.version}
    if _describes(source):
        return {"source croissant": CROISSANT}
    is_table = folders.is_pattern(source) or source.lower().endswith(TABLES)
    reader = TABLE if is_table else FOLDER
    return {f"source {reader.partition('/')[0]}": reader}


def files(source: str, given: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the user's files that the rows depend on: a table, a folder, or a plug-in's files.

    Args:
        source: what params.yaml says.
        given: the source's settings as params.yaml has them.

    Raises:
        DataError: as `find`.
        ParamsError: a key of the settings is wrong.
    """
    reference = plugin(source)
    if listing.is_remote(source):
        return ()
    if _describes(source):
        return croissant_files(source)
    if reference is None and folders.is_pattern(source):
        return tuple(Path(path) for path in folders.matching(source))
    if reference is None:
        return (Path(source),)
    parsed, class_ = Reference.of(reference), find(reference)
    own = () if parsed.is_name else (plugin_modules.source(parsed),)
    return (*own, *class_().files(settings(source, given)))


def _describes(source: str) -> bool:
    """Tell whether a source is a Croissant description."""
    if not source.partition("#")[0].lower().endswith((".json", ".jsonld")):
        return False
    from pipelines.sources import croissant  # noqa: PLC0415  few data sets need it

    return croissant.is_description(source)


def croissant_files(source: str) -> tuple[Path, ...]:
    """Return the files of a Croissant description, itself included.

    Raises:
        DataError: it names files that are not there.
    """
    from pipelines.sources import croissant  # noqa: PLC0415  few data sets need it

    return croissant.paths(source)


def remote_digests(source: str) -> dict[str, str]:
    """Return the digest of what a source on another machine holds now, by its address.

    Raises:
        LibraryError: the package of its scheme is not installed.
        DataError: it cannot be read.
    """
    if not listing.is_remote(source):
        return {}
    from pipelines.sources.remote import fetch  # noqa: PLC0415  few data sets need it

    return {source: fetch.digest(source)}


def _of_module(module: ModuleType, parsed: Reference) -> type[Source[Any]]:
    """Make a source class of a module with `load()`."""
    called = Path(parsed.location).stem.rpartition(".")[2]
    return of_function(
        module.load,
        called=called,
        release=f"{called}/1",
        made_from=str(getattr(module, "SOURCE", parsed.location)),
        terms=getattr(module, "LICENCE", None),
        reads=_read_by(module, parsed),
    )


def _read_by(module: ModuleType, parsed: Reference) -> tuple[Path, ...]:
    """The files that a module says it reads, in FILES.

    Raises:
        DataError: FILES is no list of paths.
    """
    named = getattr(module, "FILES", ())
    listed = isinstance(named, list | tuple)
    if not listed or not all(isinstance(each, str | Path) for each in named):
        raise DataError(
            f'{parsed.location}: FILES must be a list of paths, such as FILES = ["data/rows.csv"]'
        )
    return tuple(Path(each) for each in named)
