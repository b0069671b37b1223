"""Files of `rounds/` that repeat, for DVC and git, what a lake says of the inputs of stages."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from lake import documents, files
from lake.documents import DocumentError
from pipelines.common.errors import StaleError
from pipelines.common.settings import StrictModel, strictly

Content = TypeVar("Content", bound=StrictModel)


def read(file: Path, content: type[Content], what: str) -> Content:
    """Read a file; empty where there is none.

    Args:
        file: its path.
        content: what it holds; each field has a default.
        what: the same in words, for an error.

    Raises:
        StaleError: it is damaged.
    """
    try:
        return strictly(content, documents.read_json(file))
    except FileNotFoundError:
        return content()
    except (DocumentError, ValidationError) as error:
        raise StaleError(
            f"{file} does not say {what}; remove it, and `stemma stage inputs` writes it again"
        ) from error


def write(file: Path, content: StrictModel) -> None:
    """Write a file; where there is nothing to say, there is none."""
    if content == type(content)():
        file.unlink(missing_ok=True)
    else:
        files.write_json(file, content.model_dump(mode="json"))
