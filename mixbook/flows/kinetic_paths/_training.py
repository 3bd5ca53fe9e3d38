"""A small velocity network for point clouds, and its training along a path."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mixbook.core.flow_matching import GaussianPath, flow_matching_loss
from mixbook.core.seeds import as_generator, pick_device
from mixbook.core.training import minimise
from mixbook.core.validation import as_matrix, check_integer


class FlowMatcher(nn.Module):
    """Velocity network: a multilayer perceptron of the point and Fourier features of the time.

    Parameters
    ----------
    dim : int
        Dimension of the points.
    width, depth : int
        Units of each hidden layer, and how many there are.
    n_frequencies : int
        Time enters as sines and cosines of pi t, 2 pi t, ..., n_frequencies pi t.
    """

    frequencies: Tensor

    def __init__(self, dim: int, width: int = 128, depth: int = 3, n_frequencies: int = 4) -> None:
        super().__init__()
        dim = check_integer(dim, "dim", low=1)
        width, depth = check_integer(width, "width", low=1), check_integer(depth, "depth", low=1)
        n_frequencies = check_integer(n_frequencies, "n_frequencies", low=1)
        self.register_buffer("frequencies", torch.pi * torch.arange(1.0, n_frequencies + 1))
        sizes = [dim + 1 + 2 * n_frequencies] + [width] * depth
        layers: list[nn.Module] = []
        for size, following in pairwise(sizes):
            layers += [nn.Linear(size, following), nn.SiLU()]
        self.net = nn.Sequential(*layers, nn.Linear(width, dim))

    def forward(self, x: Float[Tensor, "n d"], t: Float[Tensor, " n"] | float) -> Tensor:
        """Velocity at points x and times t; one time serves all points."""
        times = torch.as_tensor(t, dtype=x.dtype, device=x.device).expand(len(x))[:, None]
        angle = times * self.frequencies
        return self.net(torch.cat([x, 2 * times - 1, angle.sin(), angle.cos()], 1))


def train_flow(
    path: GaussianPath,
    X: Any,
    n_steps: int = 2000,
    *,
    batch_size: int = 512,
    lr: float = 2e-3,
    width: int = 128,
    depth: int = 3,
    random_state: int | None = None,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> FlowMatcher:
    """Fit a `FlowMatcher` to the data ``X`` along a path, by conditional flow matching.

    Adam, with a tenth of the rate in the last quarter of the steps.

    Parameters
    ----------
    path : GaussianPath
    X : array-like of shape (n, d)
        Normalised data; minibatches are drawn with replacement.
    random_state : int, optional
        For the weights and for all draws.
    """
    n_steps = check_integer(n_steps, "n_steps", low=4)
    batch_size = check_integer(batch_size, "batch_size", low=1)
    device = pick_device(device)
    points = as_matrix(X, "X", device=device)
    generator = as_generator(random_state, device)
    model = _seeded(points.shape[1], width, depth, generator).to(device)

    def loss() -> Tensor:
        rows = torch.randint(len(points), (batch_size,), generator=generator, device=device)
        return flow_matching_loss(model, path, points[rows], generator)

    slow = n_steps // 4
    for steps, rate in ((n_steps - slow, lr), (slow, lr / 10)):
        minimise(loss, model.parameters(), steps, lr=rate, progress=progress)
    return model.eval().requires_grad_(False)


def _seeded(dim: int, width: int, depth: int, generator: torch.Generator) -> FlowMatcher:
    """A network whose weights come from the generator, not from the global state."""
    seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FlowMatcher(dim, width, depth)
