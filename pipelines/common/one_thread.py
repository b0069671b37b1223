"""Computing on one thread of torch, which gives the same bits on any machine of one kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, and set torch back afterwards."""
    import torch  # noqa: PLC0415  slow to import

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
