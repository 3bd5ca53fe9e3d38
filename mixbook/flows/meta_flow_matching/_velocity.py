"""The velocity field, its loss, its flow, and pairs drawn from a transport plan."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional as F

from mixbook.core.flow_matching import adaptive_sample, euler_sample
from mixbook.core.seeds import as_generator
from mixbook.core.validation import check_choice, check_integer, check_number
from mixbook.flows.meta_flow_matching._encoder import linear, reset_parameters

__all__ = ["VelocityNet", "flow_matching_loss", "integrate", "ot_pairs", "time_embedding"]

Velocity = Callable[[Any, Tensor], Tensor]  # (t, x) -> velocity, of the shape of x


def time_embedding(t: Tensor, dim: int = 128) -> Tensor:
    """Sines, then cosines, of t at ``dim / 2`` frequencies from 1 down to 1/10000, Eq. (6)."""
    # Eq. (6)
    half = dim // 2
    steps = torch.arange(half, device=t.device, dtype=t.dtype) / max(half - 1, 1)
    angles = t[..., None] * 10_000.0**-steps
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class VelocityNet(nn.Module):
    """Velocity of a point at a time, given what is known about its population.

    Input of the network is ``[h, time, Fourier features of x, x, c]``. The parts of the first layer
    that read h and c are applied once for each population, not for each of its points.

    Parameters
    ----------
    dim : int
        Dimension D of the points.
    embed_dim, cond_dim : int
        Lengths of h and c; 0 leaves them out.
    hidden, n_layers : int
        Width and depth. With ``skip``, a linear layer, ``n_layers - 1`` residual blocks, Eq. (8),
        and a linear layer; without, ``n_layers`` linear layers in all.
    skip : bool
    n_fourier : int
        Number of Fourier directions, Eq. (7); each gives a cosine and a sine.
    fourier_scale : float
        Standard deviation of their entries.
    t_dim : int
        Length of the time embedding, an even number.
    generator : int, torch.Generator or None
        Draws the Fourier directions and the initial weights.
    """

    B: Tensor

    def __init__(
        self,
        dim: int,
        embed_dim: int = 0,
        cond_dim: int = 0,
        hidden: int = 512,
        n_layers: int = 4,
        skip: bool = True,
        n_fourier: int = 128,
        fourier_scale: float = 0.01,
        t_dim: int = 128,
        generator: int | torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.dim = check_integer(dim, "dim", low=1)
        self.embed_dim = check_integer(embed_dim, "embed_dim", low=0)
        self.cond_dim = check_integer(cond_dim, "cond_dim", low=0)
        check_integer(hidden, "hidden", low=1)
        check_integer(n_layers, "n_layers", low=1 if skip else 2)
        check_integer(n_fourier, "n_fourier", low=0)
        check_number(fourier_scale, "fourier_scale", low=0)
        self.t_dim = check_integer(t_dim, "t_dim", low=2)
        if t_dim % 2:
            raise ValueError(f"t_dim must be even, got {t_dim}")
        self.skip = skip
        random = as_generator(generator)
        self.register_buffer("B", fourier_scale * torch.randn(dim, n_fourier, generator=random))
        n_blocks = n_layers - 1 if skip else n_layers - 2
        n_inputs = embed_dim + t_dim + 2 * n_fourier + dim + cond_dim
        self.first = linear(n_inputs, hidden)
        self.blocks = nn.ModuleList(linear(hidden, hidden) for _ in range(n_blocks))
        self.last = linear(hidden, dim)
        reset_parameters(self, random)

    def forward(
        self, t: Any, x: Tensor, h: Tensor | None = None, c: Tensor | None = None
    ) -> Tensor:
        """Velocity at each point.

        Parameters
        ----------
        t : float or Tensor
            One time, or one for each point.
        x : Tensor of shape (..., n, D)
        h, c : Tensor of shape (..., E), (..., C)
            One row for each population, or, with as many axes as x, one for each point.

        Returns
        -------
        Tensor of the shape of x
        """
        if x.ndim < 2 or x.shape[-1] != self.dim:
            raise ValueError(f"x must have shape (..., n, {self.dim}), got {tuple(x.shape)}")
        t = torch.as_tensor(t, dtype=x.dtype, device=x.device).expand(x.shape[:-1])
        # Eq. (7)
        angles = 2 * torch.pi * x @ self.B
        local = torch.cat([time_embedding(t, self.t_dim), angles.cos(), angles.sin(), x], dim=-1)
        W = self.first.weight.split([self.embed_dim, local.shape[-1], self.cond_dim], dim=1)
        z = F.linear(local, W[1], self.first.bias)
        z = z + self._known(h, W[0], x, "h") + self._known(c, W[2], x, "c")
        z = F.selu(z)
        for block in self.blocks:
            # Eq. (8)
            z = F.selu(block(z) + z if self.skip else block(z))
        return self.last(z)

    def _known(self, y: Tensor | None, W: Tensor, x: Tensor, name: str) -> Tensor | float:
        """What the first layer makes of h or c, ready to be added to each point's part."""
        width = W.shape[1]
        if y is None and width == 0:
            return 0.0
        if y is None or y.shape[-1] != width:
            got = "None" if y is None else f"shape {tuple(y.shape)}"
            raise ValueError(f"{name} must have {width} column(s), got {got}")
        part = F.linear(y, W)
        return part[..., None, :] if y.ndim < x.ndim else part


def flow_matching_loss(v: Velocity | Tensor, x0: Tensor, x1: Tensor, t: Tensor) -> Tensor:
    """Mean squared error of the velocity on straight paths, Eqs. (1) and (2).

    Parameters
    ----------
    v : callable or Tensor
        ``v(t, x)``, or its values at the points of Eq. (2).
    x0, x1 : Tensor of shape (..., n, D)
        Paired starts and ends.
    t : Tensor of shape (..., n)
        Times in [0, 1], one for each pair.

    Returns
    -------
    Tensor of shape ()
        Squared norms, averaged over all pairs.
    """
    if x0.shape != x1.shape or t.shape != x0.shape[:-1] or not x0.numel():
        raise ValueError(
            "x0 and x1 must have the same shape (..., n, D) and t the shape (..., n), got "
            f"{tuple(x0.shape)}, {tuple(x1.shape)} and {tuple(t.shape)}"
        )
    # Eq. (2)
    x_t = x0 + t[..., None] * (x1 - x0)
    velocity = v(t, x_t) if callable(v) else v
    # Eq. (1)
    return (velocity - (x1 - x0)).square().sum(-1).mean()


def ot_pairs(
    x0: Tensor, x1: Tensor, generator: int | torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Pair a minibatch by optimal transport and draw pairs from the plan, Eq. (10).

    Between two samples of the same size an optimal plan is a permutation.

    Parameters
    ----------
    x0, x1 : Tensor of shape (n, D) or (B, n, D)
        Unpaired; each of the B populations is matched by itself.

    Returns
    -------
    two Tensors of the same shapes
        n pairs a population, drawn from the plan with replacement.
    """
    if x0.shape != x1.shape or x0.ndim not in (2, 3) or not x0.numel():
        raise ValueError(
            "x0 and x1 must have the same shape (n, D) or (B, n, D), got "
            f"{tuple(x0.shape)} and {tuple(x1.shape)}"
        )
    if x0.ndim == 2:
        a, b = ot_pairs(x0[None], x1[None], generator)
        return a[0], b[0]
    cost = torch.cdist(x0, x1).square().cpu().numpy()
    # Eq. (10)
    match = np.stack([linear_sum_assignment(C)[1] for C in cost])
    partner = torch.from_numpy(match).to(x0.device)
    random = as_generator(generator, x0.device)
    i = torch.randint(x0.shape[1], partner.shape, generator=random, device=x0.device)
    j = partner.gather(1, i)
    return x0.take_along_dim(i[..., None], 1), x1.take_along_dim(j[..., None], 1)


def integrate(
    v: Velocity,
    x0: Float[Tensor, "*n D"],
    times: Any = (1.0,),
    method: str = "dopri5",
    n_steps: int = 50,
    tol: float = 1e-4,
) -> Float[Tensor, "T *n D"]:
    """Follow the field from t = 0 and report where the points are at some times, Eq. (9).

    Parameters
    ----------
    v : callable
        ``v(t, x)`` for a number t.
    x0 : Tensor of shape (..., D)
    times : sequence of float
        Increasing, within (0, 1].
    method : {"dopri5", "euler"}
        The adaptive Runge-Kutta pair of Dormand and Prince, or steps of equal length; the latter
        reports each time's nearest step.
    n_steps : int
        Steps of Euler's method to t = 1; of no meaning for the other.
    tol : float
        Absolute and relative tolerance of the adaptive method.

    Raises
    ------
    ValueError
        If an argument is out of range.
    RuntimeError
        If the adaptive solver gives up.
    """
    check_choice(method, "method", ("dopri5", "euler"))
    check_integer(n_steps, "n_steps", low=1)
    check_number(tol, "tol", low=0, low_open=True)
    stops = np.atleast_1d(np.asarray(times, dtype=float))
    if not len(stops) or not 0 < stops[0] <= stops[-1] <= 1 or (np.diff(stops) <= 0).any():
        raise ValueError(f"times must increase within (0, 1], got {stops}")

    # Eq. (9)
    def field(x: Tensor, t: float) -> Tensor:
        return v(t, x)

    with torch.no_grad():
        if method == "euler":
            nodes = euler_sample(field, x0, n_steps, trajectory=True)
            return nodes[torch.from_numpy(stops * n_steps).round().long()]
        path, at = [x0], 0.0
        for stop in stops.tolist():
            span = (at, stop)
            path.append(adaptive_sample(field, path[-1], rtol=tol, atol=tol, t_span=span)[0])
            at = stop
        return torch.stack(path[1:])
