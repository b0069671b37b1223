"""Variables that workers on other machines need: of the lake, and the keys of services.

They are sent to workers in memory and set there, and are in no file (`executors.on_ray`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from lake import settings
from lake.settings import ACCESS_KEY, ENDPOINT, SECRET_KEY, Remote
from pipelines.llm.settings import Service

PREFIXES: Final = ("LAKECTL_", "STEMMA_", "OPENAI_", "HF_", "AWS_")
"""Of variables that stages read: of the lake, this project, services, and stores of models."""


def collect(own: BaseModel) -> dict[str, str]:
    """Collect the variables of this process that a round needs elsewhere.

    Args:
        own: settings of the round's generator.
    """
    keys = {service.variable for service in _services(own)}
    found = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(PREFIXES) or name in keys
    }
    where = settings.resolve(Path.cwd())
    if isinstance(where, Remote):  # perhaps of ~/.lakectl.yaml, which other machines do not have
        found |= {
            ENDPOINT: where.endpoint,
            ACCESS_KEY: where.access_key_id,
            SECRET_KEY: where.secret_access_key,
        }
    return found


def _services(value: Any) -> Iterator[Service]:  # noqa: ANN401  settings of any kind
    """All services that settings name."""
    if isinstance(value, Service):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _services(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _services(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _services(each)
