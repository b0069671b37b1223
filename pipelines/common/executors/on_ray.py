"""The executor `ray`: a cluster that is there, or one that is started on this machine.

Placement, GPUs, nodes that come and go, retries after a worker or its node has ended, and spilling
are Ray's. A cluster that is started here listens on loopback alone, without a dashboard and without
usage statistics, keeps its files in a private temporary folder, and ends with the stage.

What a worker is told goes to it as an argument, in memory: Ray writes the environment that it is
asked to set (`runtime_env`) into its logs, and an argument of this size into no file.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

from pipelines.common import console, optional
from pipelines.common.errors import ProjectError, WorkerError
from pipelines.common.executors.folder import WorkFolder
from pipelines.common.executors.parent import end_with
from pipelines.common.executors.settings import ExecutorSettings
from pipelines.common.executors.task import Done, Failed, Task, do
from pipelines.common.shards import Shard

WINDOW: Final = 1_000
"""Shards that Ray has to place at a time, where nobody says how many."""
HERE: Final = "local"
"""The address that means: start a cluster, whichever others there are on this machine."""
LOOPBACK: Final = "127.0.0.1"
STORE_BYTES: Final = 1 << 28
"""Object store of a cluster that is started here: what workers make goes into files."""
LONGEST: Final = 37
"""Bytes of a temporary folder: the paths of Ray's sockets in it may have 107."""
QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""What Ray reads when it is imported."""
SEVERAL: Final = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Whether nodes of a cluster may be on several machines, which Ray reads when it is imported. Where
they may, each of its servers listens on all interfaces, whatever `_node_ip_address` says."""


class RayPool:
    """Workers of a Ray cluster."""

    def __init__(
        self,
        task: Task[Any, Any],
        settings: ExecutorSettings,
        gpus: float,
        folder: WorkFolder | None = None,
    ) -> None:
        """Connect to the cluster, or start one.

        Raises:
            LibraryError: Ray is not installed.
            ProjectError: the cluster is not there, or its nodes cannot do the work.
        """
        self._ray = imported()
        self._task = task
        self._temporary: Path | None = None
        self._is_ours = not self._ray.is_initialized()
        self._flying: dict[Future[Any], Any] = {}
        if self._is_ours:
            self._connect(settings, folder)
        remote = self._ray.remote(_do)
        self._work = remote.options(
            num_cpus=1,
            num_gpus=gpus or None,
            max_retries=settings.retries,
            name=f"stemma-{task.token}",
        )
        self.window = settings.workers or WINDOW

    def submit(self, shard: Shard) -> Future[Done[Any] | Failed]:
        """Give a shard to the cluster."""
        reference = self._work.remote(self._task, shard)
        given: Future[Any] = reference.future()
        self._flying[given] = reference
        told: Future[Done[Any] | Failed] = Future()

        def settle(done: Future[Any]) -> None:
            self._flying.pop(done, None)
            told.set_result(_outcome(done))

        given.add_done_callback(settle)
        return told

    def close(self, *, at_once: bool) -> None:
        """End what is in flight, and the connection; a cluster that was started here ends."""
        if at_once:
            for reference in list(self._flying.values()):
                with suppress(Exception):
                    self._ray.cancel(reference, force=True)
        if self._is_ours:
            self._ray.shutdown()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _connect(self, settings: ExecutorSettings, folder: WorkFolder | None) -> None:
        address = settings.address or os.environ.get("RAY_ADDRESS")
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address is None:
            self._temporary = _temporary_folder()
            options |= {
                "num_cpus": settings.workers,
                "include_dashboard": False,
                "object_store_memory": STORE_BYTES,
                "_node_ip_address": LOOPBACK,
                "_temp_dir": str(_opened_to_all(self._temporary)),
            }
        with loopback_alone() if address is None else nullcontext():
            self._init({**options, "address": address or HERE})
        if address is None:
            self._check_loopback()
        if folder is not None and not self._sees(folder):
            folder.check()
            self._ray.shutdown()
            console.line(f"ray: {folder.path} is not on every node, so a copy is sent to each")
            carried = {"working_dir": str(folder.path), "excludes": list(folder.excludes)}
            self._init({**options, "address": address, "runtime_env": carried})

    def _init(self, options: dict[str, Any]) -> None:
        try:
            self._ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            place = "this machine" if options["address"] == HERE else options["address"]
            raise ProjectError(
                f"no cluster of Ray can be used at {place}: {said}; correct executor.address, or "
                "leave it out to start one here"
            ) from error

    def _check_loopback(self) -> None:
        """Refuse a cluster that others reach.

        Raises:
            ProjectError: this release of Ray has started one.
        """
        found = {str(each["NodeManagerAddress"]) for each in self._ray.nodes()}
        if found != {LOOPBACK}:
            self.close(at_once=True)
            raise ProjectError(
                f"Ray {self._ray.__version__} listens on {', '.join(sorted(found))}, which others "
                f"reach, and not on {LOOPBACK}: take the release of Ray in constraints.txt, or the "
                "executor processes"
            )

    def _sees(self, folder: WorkFolder) -> bool:
        """Whether every node that is there sees the folder."""
        from ray.util import scheduling_strategies as strategies  # noqa: PLC0415  an extra

        looking = self._ray.remote(_is_file)
        answers = [
            looking.options(
                num_cpus=0,
                scheduling_strategy=strategies.NodeAffinitySchedulingStrategy(
                    each["NodeID"], soft=False
                ),
            ).remote(str(folder.mark))
            for each in self._ray.nodes()
            if each["Alive"]
        ]
        try:
            return all(self._ray.get(answers))
        except self._ray.exceptions.RayError as error:
            raise ProjectError(
                f"a node of the cluster cannot run what is asked of it: {_first_line(error)}; "
                "install this release of stemma, with the same Python and Ray, on every node"
            ) from error


def imported() -> Any:  # noqa: ANN401  an extra
    """Import Ray, which is to send nothing about its use.

    Raises:
        LibraryError: it is not installed.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    return optional.library("ray", "shards on a cluster", extra="ray")


@contextmanager
def loopback_alone() -> Iterator[None]:
    """Let what Ray starts meanwhile listen on loopback alone, as it does on macOS and Windows."""
    from ray._private import ray_constants  # noqa: PLC0415  an extra

    before, own = os.environ.get(SEVERAL), ray_constants.ENABLE_RAY_CLUSTER
    os.environ[SEVERAL], ray_constants.ENABLE_RAY_CLUSTER = "0", False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = own
        if before is None:
            del os.environ[SEVERAL]
        else:
            os.environ[SEVERAL] = before


def _do(task: Task[Any, Any], shard: Shard) -> Done[Any] | Failed:
    """Do a shard in a worker of Ray, which would go on by itself if its raylet was killed."""
    end_with()
    return do(task, shard)


def _outcome(done: Future[Any]) -> Done[Any] | Failed:
    """How a shard ended; what Ray raises, it raises after its own retries."""
    error = done.exception()
    if error is None:
        outcome: Done[Any] | Failed = done.result()
        return outcome
    return Failed(WorkerError(f"Ray gave it up: {_first_line(error)}"), last=True)


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _is_file(path: str) -> bool:
    """Whether a worker's node has a file."""
    return Path(path).is_file()


def _temporary_folder() -> Path:
    """A private folder for a cluster's logs and sockets, where temporary files are."""
    root = Path(tempfile.gettempdir())
    if len(os.fsencode(root)) + len("/stemma-ray-12345678") > LONGEST:
        root = Path("/tmp")  # noqa: S108  the folder in it is private
    return Path(tempfile.mkdtemp(prefix="stemma-ray-", dir=root))


def _opened_to_all(private: Path) -> Path:
    """A folder for Ray in a private one: Ray opens its own to every user."""
    inside = private / "r"
    inside.mkdir()
    return inside
