"""The checkerboard density, with its posterior mean in closed form."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mixbook.core.seeds import as_rng
from mixbook.core.validation import check_integer


class Checkerboard:
    """Uniform on the eight black unit squares of [-2, 2]^2, in units of its standard deviation.

    A point is kept where floor(x) + floor(y) is even. Both coordinates are uniform on [-2, 2], so
    the standard deviation of each is 2 / sqrt(3).
    """

    scale = 2 / math.sqrt(3)

    def sample(
        self, n: int, random_state: int | np.random.Generator | None = None
    ) -> Float[np.ndarray, "n 2"]:
        """Draw ``n`` points, normalised."""
        n, rng = check_integer(n, "n", low=1), as_rng(random_state)
        column = rng.integers(-2, 2, n)
        row = 2 * rng.integers(-1, 1, n) + column % 2
        return (np.stack([column, row], 1) + rng.random((n, 2))) / self.scale

    def posterior_mean(self, y: Float[Tensor, "n 2"], s: float) -> Float[Tensor, "n 2"]:
        """Mean of x given ``y = s x + z`` with standard normal z.

        Within one square the coordinates are independent truncated normals; the squares are
        weighted by their masses. All in log space, for points far from any square.
        """
        if s == 0:
            return torch.zeros_like(y)
        edges = s * torch.arange(-2, 3, dtype=y.dtype) / self.scale
        low, high = edges[:-1] - y[..., None], edges[1:] - y[..., None]  # (n, 2, 4)
        mass = _log_mass(low, high)
        centre = y[..., None] + torch.exp(_log_density(low) - mass)
        centre = (centre - torch.exp(_log_density(high) - mass)) / s
        column, row = torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")
        black = (column + row) % 2 == 0
        column, row = column[black], row[black]
        weight = torch.softmax(mass[:, 0, column] + mass[:, 1, row], 1)
        means = torch.stack([centre[:, 0, column], centre[:, 1, row]], 2)
        return (weight[:, :, None] * means).sum(1)


def _log_density(x: Tensor) -> Tensor:
    return -0.5 * (x**2 + math.log(2 * math.pi))


def _log_mass(low: Tensor, high: Tensor) -> Tensor:
    """log(Phi(high) - Phi(low)), taken in the lower tail."""
    flip = low > 0
    low, high = torch.where(flip, -high, low), torch.where(flip, -low, high)
    upper = torch.special.log_ndtr(high)
    return upper + torch.log1p(-torch.exp(torch.special.log_ndtr(low) - upper))
