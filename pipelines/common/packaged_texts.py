"""Texts of one kind: those that are packaged have a name, a user's own have a path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lake import files
from pipelines.common.errors import PipelineError
from pipelines.common.plugins import MAX_TEXT_BYTES


@dataclass(frozen=True, slots=True)
class PackagedTexts:
    """The texts of a kind, such as prompts."""

    kind: str
    """Name of the kind in messages."""
    form: str
    """What a text of the user's own is, such as "a template"."""
    folder: Path
    """Folder of the packaged texts."""
    suffix: str
    """Suffix of the names of their files."""
    error: type[PipelineError]
    """What is raised for a text that is not there."""

    def path(self, name: str) -> Path:
        """The file of a text: a packaged one by its name, any other by its path."""
        packaged = self.folder / f"{name}{self.suffix}"
        return packaged if files.is_regular(packaged) else Path(name)

    def own_files(self, name: str) -> tuple[Path, ...]:
        """The file of a text of the user's own; none for a packaged one."""
        path = self.path(name)
        return () if path.parent == self.folder else (path,)

    def read(self, name: str) -> str:
        """Read a text.

        Raises:
            PipelineError: as `error`: there is no such file, or none that a person wrote.
        """
        try:
            return files.read_text(self.path(name), MAX_TEXT_BYTES)
        except OSError as error:
            packaged = ", ".join(sorted(each.stem for each in self.folder.glob(f"*{self.suffix}")))
            raise self.error(
                f"there is no {self.kind} {name!r} ({error.strerror}): give the path of "
                f"{self.form}, or one of {packaged}"
            ) from error
