"""Meta Flow Matching.

Learns one flow that reads the whole starting population, so it also moves populations never seen.

Implements the method of

    Lazar Atanackovic, Xi Zhang, Brandon Amos, Mathieu Blanchette, Leo J. Lee, Yoshua Bengio,
    Alexander Tong, Kirill Neklyudov. *Meta Flow Matching: Integrating Vector Fields on the
    Wasserstein Manifold*. ICLR 2025. arXiv:2408.14608.

This module is a start: it holds the paper's measure of error (Eq. (1)) and nothing else yet.
"""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["mean_squared_error"]


def mean_squared_error(
    prediction: Float[Tensor, "n d"], target: Float[Tensor, "n d"]
) -> Float[Tensor, ""]:
    """Mean over samples of the squared distance between prediction and target, Eq. (1).

    Parameters
    ----------
    prediction, target : Tensor of shape (n, d)
        At least one sample.

    Returns
    -------
    Tensor of shape ()

    Raises
    ------
    ValueError
        If the shapes differ or there is no sample.
    """
    if prediction.shape != target.shape or not len(prediction):
        raise ValueError(
            "prediction and target must have the same shape (n, d) with n >= 1, got "
            f"{tuple(prediction.shape)} and {tuple(target.shape)}"
        )
    # Eq. (1)
    return torch.mean(torch.sum((prediction - target) ** 2, dim=1))
