r"""Flow matching: Gaussian probability paths, the conditional loss, and ODE samplers.

Noise sits at :math:`t=0`, data at :math:`t=1`. A Gaussian path moves noise :math:`x_0` to a data
point :math:`x_1` by :math:`x_t = a_t x_1 + m_t x_0`, with a schedule that starts at
:math:`(a, m) = (0, 1)` and ends at :math:`(1, 0)`. The loss is that of Lipman et al., *Flow
Matching for Generative Modeling* (ICLR 2023, arXiv:2210.02747), for such paths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import solve_ivp
from torch import Tensor

from mixbook.core.seeds import as_generator
from mixbook.core.validation import check_integer, check_number

__all__ = [
    "VP",
    "CondOT",
    "GaussianPath",
    "Trigonometric",
    "adaptive_sample",
    "euler_sample",
    "flow_matching_loss",
    "sample_path",
    "velocity_from_denoiser",
]

Velocity: TypeAlias = Callable[[Any, float], Any]
"""``velocity(x, t)``: points of shape (B, d) and one time give velocities of shape (B, d)."""


class GaussianPath(ABC):
    r"""A schedule :math:`(a_t, m_t)` with :math:`p_t(x\mid x_1) = N(a_t x_1, m_t^2 I)`.

    `alpha`, `sigma` and their derivatives take times in [0, 1] as a number, an array or a tensor,
    and answer in kind. A subclass writes `_alpha`, `_sigma`, `_d_alpha` and `_d_sigma` for tensors.

    Attributes
    ----------
    t_first : float
        Where a solver should look at the velocity when it asks for it at an earlier time: 0 for a
        smooth schedule, a little more for one whose derivative is infinite at 0.
    """

    t_first: float = 0.0

    def alpha(self, t: Any) -> Any:
        """Weight of the data, 0 at t = 0 and 1 at t = 1."""
        return _in_kind(self._alpha, t)

    def sigma(self, t: Any) -> Any:
        """Standard deviation of the noise, 1 at t = 0 and 0 at t = 1."""
        return _in_kind(self._sigma, t)

    def d_alpha(self, t: Any) -> Any:
        """Derivative of `alpha` by time."""
        return _in_kind(self._d_alpha, t)

    def d_sigma(self, t: Any) -> Any:
        """Derivative of `sigma` by time."""
        return _in_kind(self._d_sigma, t)

    @abstractmethod
    def _alpha(self, t: Tensor) -> Tensor: ...

    @abstractmethod
    def _sigma(self, t: Tensor) -> Tensor: ...

    @abstractmethod
    def _d_alpha(self, t: Tensor) -> Tensor: ...

    @abstractmethod
    def _d_sigma(self, t: Tensor) -> Tensor: ...

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class CondOT(GaussianPath):
    """The straight line: ``alpha = t``, ``sigma = 1 - t``."""

    def _alpha(self, t: Tensor) -> Tensor:
        return t

    def _sigma(self, t: Tensor) -> Tensor:
        return 1 - t

    def _d_alpha(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def _d_sigma(self, t: Tensor) -> Tensor:
        return -torch.ones_like(t)


class Trigonometric(GaussianPath):
    """A quarter of a circle: ``alpha = sin(pi t / 2)``, ``sigma = cos(pi t / 2)``."""

    def _alpha(self, t: Tensor) -> Tensor:
        return torch.sin(torch.pi / 2 * t)

    def _sigma(self, t: Tensor) -> Tensor:
        return torch.cos(torch.pi / 2 * t)

    def _d_alpha(self, t: Tensor) -> Tensor:
        return torch.pi / 2 * torch.cos(torch.pi / 2 * t)

    def _d_sigma(self, t: Tensor) -> Tensor:
        return -torch.pi / 2 * torch.sin(torch.pi / 2 * t)


class VP(GaussianPath):
    r"""The variance-preserving diffusion (DDPM) with linear rate, run towards the data.

    With :math:`u = 1-t` and :math:`B(u) = \beta_{\min}u + \tfrac12(\beta_{\max}-\beta_{\min})u^2`,
    ``alpha = exp(-B / 2)`` and ``sigma = sqrt(1 - exp(-B))``. At t = 0 alpha is exp(-B(1) / 2), not
    quite zero, and near t = 1 the derivative of sigma grows like :math:`(1-t)^{-1/2}`.

    Parameters
    ----------
    beta_min, beta_max : float
        Rates at the data and at the noise, ``0 < beta_min <= beta_max``.
    """

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0) -> None:
        self.beta_min = check_number(beta_min, "beta_min", low=0, low_open=True)
        self.beta_max = check_number(beta_max, "beta_max", low=self.beta_min)

    def _rate(self, t: Tensor) -> Tensor:
        return self.beta_min + (self.beta_max - self.beta_min) * (1 - t)

    def _log_alpha(self, t: Tensor) -> Tensor:
        u = 1 - t
        return -0.5 * (self.beta_min * u + 0.5 * (self.beta_max - self.beta_min) * u**2)

    def _alpha(self, t: Tensor) -> Tensor:
        return self._log_alpha(t).exp()

    def _sigma(self, t: Tensor) -> Tensor:
        return (-torch.expm1(2 * self._log_alpha(t))).sqrt()

    def _d_alpha(self, t: Tensor) -> Tensor:
        return 0.5 * self._rate(t) * self._alpha(t)

    def _d_sigma(self, t: Tensor) -> Tensor:
        return -0.5 * self._rate(t) * self._alpha(t) ** 2 / self._sigma(t)


def sample_path(
    path: GaussianPath, x0: Float[Tensor, "n d"], x1: Float[Tensor, "n d"], t: Float[Tensor, " n"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    r"""Points :math:`a_t x_1 + m_t x_0`, velocities :math:`\dot a_t x_1 + \dot m_t x_0`."""
    a, m, da, dm = (f(t)[:, None] for f in (path.alpha, path.sigma, path.d_alpha, path.d_sigma))
    return a * x1 + m * x0, da * x1 + dm * x0


def flow_matching_loss(
    velocity: Callable[[Tensor, Tensor], Tensor],
    path: GaussianPath,
    x1: Float[Tensor, "n d"],
    generator: int | torch.Generator | None = None,
    *,
    x0: Float[Tensor, "n d"] | None = None,
    t: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, ""]:
    r"""Conditional flow-matching loss, the mean of :math:`|v(x_t,t)-\dot a_t x_1-\dot m_t x_0|^2`.

    Its minimiser is the marginal velocity, the mean of the conditional one given :math:`x_t`.

    Parameters
    ----------
    velocity : callable
        ``velocity(x, t)`` with x of shape (n, d) and t of shape (n,).
    path : GaussianPath
    x1 : Tensor of shape (n, d)
        A minibatch of data.
    generator : int or torch.Generator, optional
        For the noise and the times.
    x0, t : Tensor, optional
        Noise and times, where the caller wants to choose them (e.g. coupled to the data); the
        default is standard normal noise and times uniform on [path.t_first, 1).
    """
    generator = as_generator(generator, x1.device)
    if x0 is None:
        x0 = torch.randn(x1.shape, generator=generator, dtype=x1.dtype, device=x1.device)
    if t is None:
        t = torch.rand(len(x1), generator=generator, dtype=x1.dtype, device=x1.device)
        t = path.t_first + (1 - path.t_first) * t
    xt, target = sample_path(path, x0, x1, t)
    return (velocity(xt, t) - target).square().sum(1).mean()


def velocity_from_denoiser(
    path: GaussianPath, x: Float[Tensor, "n d"], t: float, x1_mean: Float[Tensor, "n d"]
) -> Float[Tensor, "n d"]:
    r"""Marginal velocity :math:`(\dot m/m)\,x + (\dot a - a\dot m/m)\,E[x_1\mid x_t=x]`.

    Parameters
    ----------
    t : float
        A time with sigma > 0.
    x1_mean : Tensor of shape (n, d)
        Posterior means of the data at ``x``.

    Raises
    ------
    ValueError
        If sigma(t) is zero.
    """
    a, m, da, dm = (float(f(t)) for f in (path.alpha, path.sigma, path.d_alpha, path.d_sigma))
    if m <= 0:
        raise ValueError(f"t must be a time with noise left, got t = {t!r}, where sigma is {m:g}")
    return dm / m * x + (da - a * dm / m) * x1_mean


def euler_sample(
    velocity: Velocity, x0: Any, n_steps: int, *, t_first: float = 0.0, trajectory: bool = False
) -> Any:
    """Carry points from t = 0 to t = 1 by Euler's method with equal steps.

    Parameters
    ----------
    velocity : callable
        ``velocity(x, t)``; called ``n_steps`` times, and never at t = 1.
    x0 : array or Tensor of shape (B, d)
    n_steps : int
        Number of steps, equal to the number of evaluations.
    t_first : float
        The first step takes its velocity here instead of at 0; see `GaussianPath.t_first`.
    trajectory : bool
        Hand back all nodes, with shape (n_steps + 1, B, d).
    """
    n_steps = check_integer(n_steps, "n_steps", low=1)
    t_first = check_number(t_first, "t_first", low=0, high=1, high_open=True)
    x, nodes = x0, [x0]
    for step in range(n_steps):
        x = x + velocity(x, max(step / n_steps, t_first)) / n_steps
        nodes.append(x)
    if not trajectory:
        return x
    return torch.stack(nodes) if isinstance(x0, Tensor) else np.stack(nodes)


def adaptive_sample(
    velocity: Velocity,
    x0: Any,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    method: str = "RK45",
    t_span: tuple[float, float] = (0.0, 1.0),
) -> tuple[Any, int]:
    """Carry points along the velocity with an adaptive solver of SciPy, all in one system.

    Parameters
    ----------
    velocity : callable
        ``velocity(x, t)``; a Runge-Kutta method evaluates it at both ends of ``t_span`` too, so
        leave out an end where it is singular.
    x0 : array or Tensor of shape (B, d)
    rtol, atol : float
        Tolerances of a step, in the root mean square over all coordinates.
    method : str
        One of `scipy.integrate.solve_ivp`.
    t_span : tuple of float
        First and last time, increasing.

    Returns
    -------
    x : array or Tensor of shape (B, d)
    n_evaluations : int

    Raises
    ------
    RuntimeError
        If the solver gives up.
    """
    start = check_number(t_span[0], "t_span[0]", low=0, high=1)
    end = check_number(t_span[1], "t_span[1]", low=start, high=1, low_open=True)
    kind = torch.as_tensor(x0)

    def slope(t: float, flat: np.ndarray) -> np.ndarray:
        x: Any = flat.reshape(kind.shape)
        if isinstance(x0, Tensor):
            x = torch.from_numpy(x).to(x0)
        return np.asarray(torch.as_tensor(velocity(x, t)).detach().cpu(), np.float64).ravel()

    flat = kind.detach().cpu().double().numpy().ravel()
    found = solve_ivp(slope, (start, end), flat, method, t_eval=[end], rtol=rtol, atol=atol)
    if not found.success:
        raise RuntimeError(f"the solver stopped before t = {end}: {found.message}")
    x = found.y[:, -1].reshape(kind.shape)
    return (torch.from_numpy(x).to(x0) if isinstance(x0, Tensor) else x), int(found.nfev)


def _in_kind(function: Callable[[Tensor], Tensor], t: Any) -> Any:
    """Apply a function of tensors to times of any kind, and answer in the same kind."""
    if isinstance(t, Tensor):
        tensor = t if t.is_floating_point() else t.double()
    else:
        try:
            array = np.asarray(t, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(f"t must hold numbers, got {type(t).__name__}") from error
        tensor = torch.from_numpy(np.array(array))
    if not bool(((tensor >= 0) & (tensor <= 1)).all()):
        raise ValueError("t must lie in [0, 1], got times outside or NaN")
    value = function(tensor)
    if isinstance(t, Tensor):
        return value
    return value.numpy() if tensor.ndim else float(value)
