"""Which executor runs shards, and how many that fail are borne.

The section `executor` of params.yaml says it for a project, and `STEMMA_EXECUTOR` for one command.
None of it is in a stage's key, since shards come out the same wherever they are made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from pipelines.common.errors import ParamsError
from pipelines.common.settings import StrictModel, nearest, operational

VARIABLE: Final = "STEMMA_EXECUTOR"
KINDS: Final = ("local", "processes", "ray")
Kind = Literal["local", "processes", "ray"]
Gpus = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ExecutorSettings(StrictModel):
    """An executor and its workers."""

    kind: Kind = operational("local")
    """local: this process; processes: the cores of this machine; ray: a cluster of Ray."""
    workers: int | None = operational(None, gt=0)
    """Shards at once. None: the cores of this machine; on Ray, what its cluster has room for."""
    address: str | None = operational(None, min_length=1)
    """Of a Ray cluster, as `ray.init` takes it, such as `auto` or `ray://head:10001`. None: that of
    RAY_ADDRESS, or one that is started on this machine for the stage."""
    num_gpus: Gpus | Mapping[str, Gpus] = operational(0.0)
    """GPUs that a shard takes on Ray: a number, or numbers by generator; below 1, shards share."""
    retries: int = operational(2, ge=0)
    """How often a shard that failed is tried again."""
    lost: float = operational(0.0, ge=0, lt=1)
    """Share of the shards that may be lost, each after all of its tries, before the stage ends with
    an error. Whoever raises it has a round whose candidates depend on what failed."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:  # noqa: ANN401  whatever params.yaml holds
        """Take the name of an executor for its settings."""
        return {"kind": given} if isinstance(given, str) else given

    def gpus(self, generator: str) -> float:
        """GPUs that a shard of a generator takes."""
        gpus = self.num_gpus
        return gpus.get(generator, 0.0) if isinstance(gpus, Mapping) else gpus


def chosen(settings: ExecutorSettings, env: Mapping[str, str] | None = None) -> ExecutorSettings:
    """Return the settings of the executor that the environment names, or else those of the project.

    Args:
        settings: of params.yaml.
        env: environment variables; the process's own when None.

    Raises:
        ParamsError: `STEMMA_EXECUTOR` names no executor.
    """
    name = (os.environ if env is None else env).get(VARIABLE)
    if not name:
        return settings
    for kind in KINDS:
        if name == kind:
            return settings.model_copy(update={"kind": kind})
    raise ParamsError(
        f"{VARIABLE} names no executor: {name!r}{nearest(name, KINDS)} (it is one of "
        f"{', '.join(KINDS)})"
    )
