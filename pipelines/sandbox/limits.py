"""What a program in the sandbox may use."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipelines.common.settings import StrictModel

MEBI = 1 << 20
Whole = Annotated[int, Field(gt=0, strict=True)]


class Limits(StrictModel):
    """Limits of one run. Every process of the run has the memory limit for itself."""

    seconds: Annotated[float, Field(gt=0)] = 10.0
    """By the clock."""
    cpu_seconds: Whole = 5
    """Of a processor, for each process."""
    memory_mib: Whole = 512
    """Address space of each process. Where this machine has control groups, all processes and files
    together may take twice as much."""
    processes: Whole = 16
    """Processes and threads at once."""
    file_mib: Whole = 8
    """Size of each file, and of each of the two folders it may write in."""
    files: Whole = 1000
    """Files and folders in these two."""

    @property
    def memory(self) -> int:
        """Address space in bytes."""
        return self.memory_mib * MEBI

    @property
    def whole_memory(self) -> int:
        """Memory of all processes and files together, in bytes."""
        return 2 * self.memory

    @property
    def file(self) -> int:
        """File size in bytes."""
        return self.file_mib * MEBI
