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

from pipelines.common import digests


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
        "code": {name: digests.of_file(Path(name)) for name in sorted(code)},
        "inputs": dict(inputs),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
