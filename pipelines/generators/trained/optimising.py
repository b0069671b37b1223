"""A step of an optimiser, which ends the training where the loss is no longer finite."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from pipelines.common.errors import GeneratorError


def descend(
    optimiser: torch.optim.Optimizer,
    loss: torch.Tensor,
    *,
    fault: str,
    clipped: Iterable[torch.nn.Parameter] = (),
    norm: float = 1.0,
) -> None:
    """Move what an optimiser holds against the gradient of a loss.

    Args:
        optimiser: of the parameters.
        loss: a number.
        fault: what to say of a loss that is not finite, and what to do then.
        clipped: parameters whose gradients are scaled down together.
        norm: the greatest norm of these.

    Raises:
        GeneratorError: the loss is not finite.
    """
    if not torch.isfinite(loss):
        raise GeneratorError(fault)
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    if parameters := list(clipped):
        torch.nn.utils.clip_grad_norm_(parameters, norm)
    optimiser.step()
