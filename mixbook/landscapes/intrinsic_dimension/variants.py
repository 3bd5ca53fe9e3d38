"""Shuffled versions of a data set: they show what a network's structure is worth."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mixbook.core.seeds import as_generator
from mixbook.core.validation import check_number

__all__ = ["shuffle_labels", "shuffle_pixels"]


def shuffle_pixels(
    X: Float[Tensor, "n *shape"], seed: int | torch.Generator = 0
) -> Float[Tensor, "n *shape"]:
    """Apply one fixed permutation of the pixels to all images; labels keep their meaning.

    A fully connected network does not care (its first layer is permuted along); a convolution
    loses the neighbourhoods that it lives on. Pass training and test images in one call.

    Parameters
    ----------
    X : Tensor of shape (n, ...)
        Images in any layout; all axes but the first are permuted together.

    Raises
    ------
    TypeError, ValueError
        If X is not a tensor with at least two axes.
    """
    if not isinstance(X, Tensor):
        raise TypeError(f"X must be a tensor, got {type(X).__name__}")
    if X.ndim < 2 or X.numel() == 0:
        raise ValueError(f"X must have shape (n, ...) with something in it, got {tuple(X.shape)}")
    flat = X.reshape(X.shape[0], -1)
    order = torch.randperm(flat.shape[1], generator=as_generator(seed)).to(X.device)
    return flat[:, order].reshape(X.shape)


def shuffle_labels(
    y: Int[Tensor, " n"], fraction: float = 1.0, seed: int | torch.Generator = 0
) -> Int[Tensor, " n"]:
    """Shuffle a share of the labels among themselves, so that only memorising can fit them.

    Parameters
    ----------
    y : Tensor of shape (n,)
        Labels; their counts stay as they are.
    fraction : float
        Share of the labels that takes part, in [0, 1].

    Raises
    ------
    TypeError, ValueError
        If y is not a vector, or ``fraction`` out of range.
    """
    if not isinstance(y, Tensor):
        raise TypeError(f"y must be a tensor, got {type(y).__name__}")
    if y.ndim != 1 or len(y) == 0:
        raise ValueError(f"y must have shape (n,) with n >= 1, got {tuple(y.shape)}")
    fraction = check_number(fraction, "fraction", low=0, high=1)
    generator = as_generator(seed)
    chosen = torch.randperm(len(y), generator=generator)[: int(np.rint(fraction * len(y)))]
    shuffled = y.clone()
    shuffled[chosen] = y[chosen[torch.randperm(len(chosen), generator=generator)]]
    return shuffled
