"""Input keys: what a stage's result depends on, as one digest.

Two runs with the same key would make the same result, so a stage that finds its key in the lake
adopts the commit that carries it. The key covers the stage's name, its settings, the bytes of the
code and suite files it names, and the commits and keys it reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel

from lake import files as local


def input_key(
    stage: str,
    *,
    settings: BaseModel | None = None,
    code: Iterable[str] = (),
    inputs: Mapping[str, object],
) -> str:
    """Digest everything that a stage's result depends on.

    Args:
        stage: the stage's name.
        settings: its resolved settings.
        code: files relative to the project's directory, as under the stage's deps in dvc.yaml.
        inputs: commits, keys and other facts that the stage reads.

    Returns:
        64 hex digits (SHA-256).
    """
    content = {
        "stage": stage,
        "settings": settings.model_dump(mode="json") if settings else None,
        "code": {name: file_digest(Path(name)) for name in sorted(code)},
        "inputs": dict(inputs),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of its files' names and bytes in order.

    Folders named `__pycache__` do not count, as in `.dvcignore`.

    Raises:
        OSError: the file is not there, or no regular file.
    """
    if path.is_dir():
        found = (item for item in path.rglob("*") if "__pycache__" not in item.parts)
        files = sorted(item for item in found if item.is_file())
        parts = [f"{item.relative_to(path).as_posix()}:{file_digest(item)}" for item in files]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    with local.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
