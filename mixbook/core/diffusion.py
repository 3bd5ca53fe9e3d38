r"""Diffusion in the variance-exploding form :math:`x_t = x_0 + \sigma_t z`, as in EDM.

The scalings, noise levels and Heun sampler of Karras, Aittala, Aila, Laine, *Elucidating the Design
Space of Diffusion-Based Generative Models* (NeurIPS 2022, arXiv:2206.00364), the reverse stochastic
differential equation, and a small network for tables of numbers. A *denoiser* is a callable
``denoiser(x, sigma)`` that estimates :math:`E[x_0 \mid x_t = x]`, with one level ``sigma`` a row.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mixbook.core.seeds import as_generator
from mixbook.core.validation import check_integer, check_number

__all__ = [
    "EDMPrecond",
    "MLPDenoiser",
    "edm_sampler",
    "edm_scalings",
    "edm_weight",
    "karras_levels",
    "log_normal_levels",
    "reverse_sde",
]

Denoiser = Callable[[Tensor, Tensor], Tensor]
LEVEL_MEAN, LEVEL_STD = -1.2, 1.2  # of log sigma in training; EDM's values for pictures


def edm_scalings(
    sigma: Float[Tensor, " n"], sigma_data: float = 0.5
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"], Float[Tensor, " n"], Float[Tensor, " n"]]:
    r"""EDM's four scalings :math:`c_{skip}, c_{out}, c_{in}, c_{noise}` for positive levels.

    They keep what enters the network and what it has to learn at variance one at every level, for
    data of standard deviation ``sigma_data`` a coordinate.
    """
    total = sigma.square() + sigma_data**2
    # ambient: Eq. (6)
    skip, out = sigma_data**2 / total, sigma * sigma_data / total.sqrt()
    return skip, out, total.rsqrt(), sigma.log() / 4


def edm_weight(sigma: Float[Tensor, " n"], sigma_data: float = 0.5) -> Float[Tensor, " n"]:
    r"""Weight of the squared error at each level, :math:`1/c_{out}^2`.

    It makes the weighted error of an untrained, preconditioned network equal at all levels.
    """
    # ambient: Eq. (5)
    return (sigma.square() + sigma_data**2) / (sigma * sigma_data).square()


def karras_levels(
    n_steps: int = 18, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0
) -> Float[Tensor, " n_levels"]:
    r"""Falling levels from ``sigma_max`` to ``sigma_min`` and a final 0; ``n_steps + 1`` numbers.

    Equally spaced in :math:`\sigma^{1/\rho}`, so that most steps are spent on small noise.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two steps, or not ``0 < sigma_min < sigma_max``, or ``rho < 1``.
    """
    n_steps = check_integer(n_steps, "n_steps", low=2)
    low = check_number(sigma_min, "sigma_min", low=0, low_open=True)
    high = check_number(sigma_max, "sigma_max", low=low, low_open=True)
    rho = check_number(rho, "rho", low=1)
    ramp = torch.linspace(0, 1, n_steps, dtype=torch.float64)
    # ambient: Eq. (10)
    levels = (high ** (1 / rho) + ramp * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    return torch.cat([levels, levels.new_zeros(1)])


def log_normal_levels(
    n: int,
    mean: float = LEVEL_MEAN,
    std: float = LEVEL_STD,
    *,
    low: float | Float[Tensor, " n"] = 0.0,
    generator: int | torch.Generator | None = None,
) -> Float[Tensor, " n"]:
    r"""Draw ``n`` training levels: a log-normal law, truncated from below.

    Parameters
    ----------
    n : int
    mean, std : float
        Of the level's logarithm; ``std`` is positive.
    low : float or Tensor of shape (n,)
        Lower ends, at least 0. The law is truncated there (and not clamped, which would pile up
        draws at the end).

    Returns
    -------
    Tensor of shape (n,), float32
    """
    n = check_integer(n, "n", low=1)
    mean, std = check_number(mean, "mean"), check_number(std, "std", low=0, low_open=True)
    generator = as_generator(generator)
    ends = torch.as_tensor(low, dtype=torch.float64, device=generator.device).expand(n)
    if not (ends >= 0).all():
        raise ValueError(f"low must be >= 0, got a smallest value of {ends.min().item()}")
    # The upper tail is kept, not its complement: it has digits where low is far out.
    tail = torch.special.ndtr((mean - ends.log()) / std)
    u = 1 - torch.rand(n, generator=generator, dtype=torch.float64, device=generator.device)
    # ambient: Eq. (7)
    levels = (mean - std * torch.special.ndtri(u * tail)).exp()
    return torch.maximum(levels, ends).float()


class EDMPrecond(nn.Module):
    r"""A denoiser out of any network, :math:`h = c_{skip}x + c_{out}F(c_{in}x, c_{noise})`.

    Parameters
    ----------
    net : nn.Module
        Called as ``net(scaled_x, c_noise)`` with shapes (n, ...) and (n,); keeps the first shape.
    sigma_data : float
        Standard deviation of a coordinate of the clean data.
    """

    def __init__(self, net: nn.Module, sigma_data: float = 0.5) -> None:
        super().__init__()
        self.net = net
        self.sigma_data = check_number(sigma_data, "sigma_data", low=0, low_open=True)

    def forward(self, x: Float[Tensor, "n ..."], sigma: Float[Tensor, " n"]) -> Tensor:
        """Estimate of the clean rows behind ``x``, given their positive levels."""
        shape = (-1, *[1] * (x.ndim - 1))
        skip, out, scale, noise = edm_scalings(sigma, self.sigma_data)
        # ambient: Eq. (6)
        return skip.view(shape) * x + out.view(shape) * self.net(scale.view(shape) * x, noise)


class MLPDenoiser(nn.Module):
    r"""Fully connected network F(x, c) for rows of ``dim`` numbers, to be wrapped in `EDMPrecond`.

    The level enters as sine and cosine of fixed random frequencies beside the row itself. The last
    layer starts at zero, so the wrapped denoiser starts as the best linear one for white data.

    Parameters
    ----------
    dim : int
    hidden, depth : int
        Width and number of the hidden layers (SiLU).
    n_frequencies : int
        Frequencies are drawn from :math:`2\pi\,N(0, 0.5^2)`.
    generator : int, torch.Generator or None
        Draws frequencies and initial weights, on the CPU.
    """

    frequencies: Tensor

    def __init__(
        self,
        dim: int,
        hidden: int = 128,
        depth: int = 3,
        n_frequencies: int = 32,
        generator: int | torch.Generator | None = None,
    ) -> None:
        super().__init__()
        dim = check_integer(dim, "dim", low=1)
        hidden = check_integer(hidden, "hidden", low=1)
        depth = check_integer(depth, "depth", low=1)
        n = check_integer(n_frequencies, "n_frequencies", low=1)
        generator = as_generator(generator)
        self.register_buffer("frequencies", math.pi * torch.randn(n, generator=generator))
        widths = [dim + 2 * n, *[hidden] * depth, dim]
        layers = [_linear(a, b, generator) for a, b in pairwise(widths)]
        nn.init.zeros_(layers[-1].weight)
        # The few columns of the row weigh as much as the many of the level.
        nn.init.normal_(layers[0].weight[:, :dim], 0.0, dim**-0.5, generator=generator)
        nn.init.normal_(layers[0].weight[:, dim:], 0.0, n**-0.5, generator=generator)
        steps: list[nn.Module] = [step for layer in layers[:-1] for step in (layer, nn.SiLU())]
        self.layers = nn.Sequential(*steps, layers[-1])

    def forward(self, x: Float[Tensor, "n d"], noise: Float[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """F(x, noise) for each row."""
        phase = noise[:, None] * self.frequencies
        return self.layers(torch.cat([x, phase.cos(), phase.sin()], dim=1))


def _linear(fan_in: int, fan_out: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.utils.skip_init(nn.Linear, fan_in, fan_out)  # leaves the global generator alone
    nn.init.normal_(layer.weight, 0.0, (2 / fan_in) ** 0.5, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


@torch.no_grad()
def edm_sampler(
    denoiser: Denoiser,
    shape: Sequence[int],
    n_steps: int = 18,
    sigma_min: float = 0.002,
    sigma_max: float = 80.0,
    rho: float = 7.0,
    stop_variance: float = 0.0,
    *,
    generator: int | torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
    device: Any = "cpu",
) -> Tensor:
    """EDM's deterministic sampler: Heun's method on the probability flow, from noise to data.

    Parameters
    ----------
    denoiser : callable
        ``denoiser(x, sigma)`` with ``sigma`` of shape (n,).
    shape : sequence of int
        Shape of what is made, first the number of samples.
    n_steps, sigma_min, sigma_max, rho
        Of `karras_levels`; ``2 * n_steps - 1`` calls of the denoiser.
    stop_variance : float
        Hand back the denoised estimate as soon as the next level's square is below this. For models
        that know nothing of smaller noise; 0 runs to the end.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong kind or range.
    """
    n, *_ = shape = tuple(check_integer(s, "shape", low=1) for s in shape)
    stop = check_number(stop_variance, "stop_variance", low=0)
    levels = karras_levels(n_steps, sigma_min, sigma_max, rho).tolist()
    generator = as_generator(generator, device)
    x = levels[0] * torch.randn(shape, generator=generator, dtype=dtype, device=device)
    for level, following in pairwise(levels):
        estimate = denoiser(x, x.new_full((n,), level))
        if following**2 < stop:
            return estimate
        # ambient: Eq. (11)
        slope = (x - estimate) / level
        ahead = x + (following - level) * slope
        if following > 0:
            there = (ahead - denoiser(ahead, x.new_full((n,), following))) / following
            ahead = x + (following - level) * (slope + there) / 2
        x = ahead
    return x


def reverse_sde(
    denoiser: Denoiser,
    x: Float[Tensor, "n ..."],
    sigma: Float[Tensor, " n"],
    sigma_end: Float[Tensor, " n"],
    n_steps: int,
    generator: int | torch.Generator | None = None,
) -> Float[Tensor, "n ..."]:
    r"""Run rows from their own level ``sigma`` down to ``sigma_end`` by the reverse SDE.

    Euler and Maruyama's method for :math:`dx = -2\sigma\,\nabla\log p_\sigma\,d\sigma +
    \sqrt{2\sigma}\,dw` run backwards, in ``n_steps`` equal steps of :math:`\sigma`, with
    :math:`\nabla\log p_\sigma = (h - x)/\sigma^2`. Differentiable.

    Parameters
    ----------
    denoiser : callable
    x : Tensor of shape (n, ...)
        Rows at level ``sigma``.
    sigma, sigma_end : Tensor of shape (n,)
        With ``0 < sigma_end <= sigma``.
    n_steps : int
    generator : int, torch.Generator or None
        Lives on the device of ``x``.
    """
    n_steps = check_integer(n_steps, "n_steps", low=1)
    if not ((sigma_end > 0) & (sigma_end <= sigma)).all():
        raise ValueError("sigma_end must lie in (0, sigma] for each row")
    generator = as_generator(generator, x.device)
    step, shape = (sigma - sigma_end) / n_steps, (-1, *[1] * (x.ndim - 1))
    for k in range(n_steps):
        level = sigma - k * step
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        pull = (denoiser(x, level) - x) * (2 * step / level).view(shape)
        # ambient: Eq. (9)
        x = x + pull + (2 * step * level).sqrt().view(shape) * z
    return x
