"""A model of the user's own for the local server: its file, its name and its chat template."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import files
from pipelines.common import digests
from pipelines.common.errors import ParamsError
from pipelines.llm.settings import LOCAL

MAGIC: Final = b"GGUF"
ALIAS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
BUILT_IN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")
"""A name of a template that llama.cpp has, such as `chatml`."""
MAX_TEMPLATE: Final = 1 << 18
"""Bytes of a template's file."""


@dataclass(frozen=True, slots=True)
class OwnModel:
    """A checked GGUF file, the name that requests ask for it by, and how it is chatted with."""

    path: Path
    alias: str
    template: str
    """A Jinja template, or a name that llama.cpp knows; empty: the one in the file."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the file."""
        return digests.of_file(self.path)


def check(model: Path | None, alias: str | None, template: str | None) -> OwnModel | None:
    """Check the options of a model; None: the one that the project ships is meant.

    Raises:
        ParamsError: they name no GGUF file, or no name, or no template.
    """
    if model is None:
        if alias is not None or template is not None:
            raise ParamsError("--alias and --template are about a model of yours; give --model too")
        return None
    if alias is None or alias == LOCAL or not ALIAS.fullmatch(alias):
        raise ParamsError(
            f"--model needs a name by --alias, of letters, digits, dots, dashes and underscores, "
            f"and not {LOCAL!r}, which is the model that the project ships"
        )
    _check_file(model)
    return OwnModel(model.resolve(), alias, _template(template))


def _check_file(model: Path) -> None:
    try:
        with files.open_regular(model) as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ParamsError(f"--model {model}: {reason}; name a GGUF file") from error
    if magic != MAGIC:
        raise ParamsError(f"--model {model} is no GGUF file; convert it by llama.cpp's tools")


def _template(named: str | None) -> str:
    """The text of a template's file, or a name that llama.cpp knows."""
    if named is None:
        return ""
    path = Path(named)
    try:
        if path.is_file():
            return files.read_text(path, MAX_TEMPLATE)
    except (OSError, ValueError) as error:
        raise ParamsError(f"--template {named} cannot be read: {error}") from error
    if not BUILT_IN.fullmatch(named):
        raise ParamsError(f"--template {named} is no file, and no name such as chatml")
    return named
