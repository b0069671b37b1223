"""The machine that a network is trained and sampled on: repeatable work, and what it depends on.

Torch is imported late, since it takes seconds.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.common.errors import GeneratorError

if TYPE_CHECKING:
    import torch


@contextmanager
def repeatable(threads: int, device: str) -> Iterator[torch.device]:
    """Set torch up for repeatable work on a device, and set it back afterwards.

    Threads, the choice of cuDNN's algorithms and the flushing of subnormal numbers are state of
    the process (of the calling thread, for the last): what runs next must not compute with it.

    Raises:
        GeneratorError: a GPU is asked for and there is none.
    """
    import torch  # noqa: PLC0415  slow to import

    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise GeneratorError("device is cuda, but torch sees no GPU; set device to auto or cpu")
    cudnn = torch.backends.cudnn
    before = torch.get_num_threads(), cudnn.deterministic, cudnn.benchmark, _flushes_subnormals()
    torch.set_num_threads(threads)
    try:
        if cuda and device != "cpu":
            cudnn.deterministic, cudnn.benchmark = True, False
            yield torch.device("cuda")
        else:
            torch.set_flush_denormal(True)
            yield torch.device("cpu")
    finally:
        torch.set_num_threads(before[0])
        cudnn.deterministic, cudnn.benchmark = before[1:3]
        torch.set_flush_denormal(before[3])


def _flushes_subnormals() -> bool:
    return sys.float_info.min / 2 == 0.0


def environment(threads: int, device: torch.device) -> dict[str, Any]:
    """Collect what another fit must share with this one to produce the same bits."""
    import torch  # noqa: PLC0415  slow to import

    cuda = device.type == "cuda"
    return {
        "torch": torch.__version__,
        "processor": torch.cuda.get_device_name() if cuda else platform.machine(),
        "threads": threads,
    }


def described(device: torch.device) -> dict[str, Any]:
    """The processor more closely: device (cpu or cuda), cpu (its name) and its instructions."""
    import torch  # noqa: PLC0415  slow to import

    capability = torch.backends.cpu.get_cpu_capability()
    return {"device": device.type, "cpu": _cpu(), "instructions": capability}


def together(environments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Collect the environments of shards as one: that of the first, and others if there are any.

    Args:
        environments: of each shard, in order.
    """
    distinct: list[dict[str, Any]] = []
    for each in environments:
        if dict(each) not in distinct:
            distinct.append(dict(each))
    if not distinct:
        return {}
    return {**distinct[0], **({"others": distinct[1:]} if len(distinct) > 1 else {})}


def _cpu() -> str | None:
    """Name of the processor, as Linux or else Python tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or None
