"""What the tests' process knows of a class of the program."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

from pipelines.sandbox.inside import references, special
from pipelines.sandbox.inside.errors import MalformedError

TEXTS: Final = (str, str)
"""Module and name of a class of the library."""


@dataclass(frozen=True, slots=True)
class About:
    """A description that the program gave of a class; see `special.described`."""

    name: str
    qualified: str
    doc: str | None
    bases: tuple[Any, ...]
    specials: tuple[str, ...]
    """Special methods that it defines."""
    compares: bool
    """Whether it defines equality."""
    hashable: bool
    container: str | None
    """Name of the container that it derives from."""
    shadows: tuple[str, ...]
    """What it defines in place of what the unchanging values have that it derives from."""
    library: tuple[str, str] | None
    """Module and name, if it is a class of the library."""
    lineage: tuple[tuple[str, str], ...]
    """Classes of the library that it derives from."""
    like: type | None
    """The class of the library whose instances its instances are, if they are no values."""

    def derives_from(self, kind: object) -> bool:
        """Whether it claims to derive from a class of the library whose instances it may have."""
        if not isinstance(kind, type) or kind in special.EXACT or kind in {bool, type(None)}:
            return False
        return references.place(kind) in self.lineage


def about(found: Any) -> About:
    """Read a description.

    Raises:
        MalformedError: it is none.
    """
    try:
        made = About(*found, None)  # type: ignore[call-arg]  # whatever it is
    except TypeError as error:
        raise MalformedError("a class that is not described") from error
    texts = (made.name, made.qualified)
    optional = (made.doc, made.container)
    right = all(type(text) is str for text in texts)
    right = right and all(text is None or type(text) is str for text in optional)
    right = right and type(made.compares) is bool and type(made.hashable) is bool
    right = right and all(map(_is_texts, (made.specials, made.shadows)))
    right = right and not any(name.startswith("__") for name in made.shadows)
    right = right and (made.library is None or _is_place(made.library))
    right = right and type(made.lineage) is tuple and all(map(_is_place, made.lineage))
    if not right or type(made.bases) is not tuple:
        raise MalformedError("a class whose description is none")
    return dataclasses.replace(made, like=_like(made.library))


def _like(library: tuple[str, str] | None) -> type | None:
    kind = None if library is None else references.library_class(*library)
    if kind is None or references.of_values(kind) or issubclass(kind, BaseException | type):
        return None
    return kind


def _is_texts(found: object) -> bool:
    return type(found) is tuple and all(type(each) is str for each in found)


def _is_place(found: object) -> bool:
    return type(found) is tuple and tuple(map(type, found)) == TEXTS
