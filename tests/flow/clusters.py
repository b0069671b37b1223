"""A Ray cluster of several raylets on this machine, each with an object store of its own."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from lake.polling import until
from pipelines.common.executors import on_ray

MINIMAL = {
    "include_dashboard": False,
    "node_ip_address": on_ray.LOOPBACK,
    "object_store_memory": 80 << 20,
}
"""On loopback."""


@dataclass(frozen=True)
class Raylets:
    """A cluster: its head, on which nothing is done, and nodes with room for one shard each."""

    address: str
    nodes: tuple[Any, ...]

    def at_work(self) -> list[Any]:
        """Nodes on which a worker does a task of ours now."""
        return [node for node in self.nodes if any(_is_at_work(each) for each in _below(node))]

    def kill(self, node: Any) -> None:
        """Kill a node's raylet by signal 9, and wait until its workers have seen that and ended."""
        workers = [each for each in _below(node) if _is_at_work(each)]
        os.kill(_pid(node), signal.SIGKILL)
        eventually(lambda: not any(map(_lives, workers)))


@contextmanager
def raylets(count: int) -> Iterator[Raylets]:
    """Start a cluster, and end it."""
    on_ray.imported()
    with on_ray.loopback_alone():
        yield from _started(count)


def _started(count: int) -> Iterator[Raylets]:
    from ray.cluster_utils import Cluster  # noqa: PLC0415  an extra

    folder = on_ray._temporary_folder()
    head = {**MINIMAL, "num_cpus": 0, "temp_dir": str(on_ray._opened_to_all(folder))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(folder))  # where it notes the address of the cluster
        (folder / "ray").mkdir()
        cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = tuple(cluster.add_node(**MINIMAL, num_cpus=1) for _ in range(count))
        yield Raylets(cluster.address, nodes)
    finally:
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _pid(node: Any) -> int:
    (raylet,) = node.all_processes["raylet"]
    return int(raylet.process.pid)


def _below(node: Any) -> list[psutil.Process]:
    try:
        return psutil.Process(_pid(node)).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _lives(process: psutil.Process) -> bool:
    """Whether a process runs; one that has ended may wait for somebody to ask how."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_at_work(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[0].startswith("ray::stemma-")
    except (psutil.Error, IndexError):
        return False


def eventually(condition: Any) -> None:
    """Wait until a condition holds."""
    assert until(condition, interval=0.05, timeout=240)
