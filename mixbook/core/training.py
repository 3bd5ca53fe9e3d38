"""One small training loop for everything that is fitted by stochastic gradients."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mixbook.core.progress import trange
from mixbook.core.validation import check_integer, check_number

__all__ = ["minimise"]


def minimise(
    loss_fn: Callable[[], Tensor],
    parameters: Iterable[Tensor],
    n_steps: int,
    *,
    lr: float,
    optimiser: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    progress: bool = True,
    description: str = "training",
    **options: Any,
) -> np.ndarray:
    """Minimise ``loss_fn()`` over ``parameters`` in place.

    Parameters
    ----------
    loss_fn : callable
        Draws its own minibatch and returns a scalar tensor; called once a step.
    parameters : iterable of Tensor
        Leaf tensors that require a gradient.
    n_steps : int
        Number of optimiser steps, at least 1.
    lr : float
        Learning rate, positive.
    optimiser : callable
        An optimiser class of ``torch.optim``; ``options`` are handed to it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ndarray of shape (n_steps,)
        The loss at each step, before the step's update.

    Raises
    ------
    FloatingPointError
        If the loss stops being finite; the message names the step.
    """
    n_steps = check_integer(n_steps, "n_steps", low=1)
    check_number(lr, "lr", low=0, low_open=True)
    opt = optimiser(list(parameters), lr=lr, **options)
    losses: Tensor | None = None  # one tensor: a list of small ones fragments the memory
    for step in trange(n_steps, desc=description, disable=not progress, leave=False):
        opt.zero_grad(set_to_none=True)
        loss = loss_fn()
        loss.backward()
        opt.step()
        if losses is None:
            losses = loss.detach().new_empty(n_steps)
        losses[step] = loss.detach()
        if step % 100 == 99 or step == n_steps - 1:
            _check_finite(losses, step // 100 * 100, step + 1)
    assert losses is not None
    return losses.cpu().numpy()


def _check_finite(losses: Tensor, start: int, stop: int) -> None:
    bad = ~torch.isfinite(losses[start:stop])
    if bad.any():
        step = start + int(bad.nonzero()[0])
        raise FloatingPointError(
            f"the loss became {losses[step].item()} at step {step}; try a smaller learning rate"
        )
